"""Who has an account, in which role, and who is barred: as the log says it."""

from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountRegistered,
    AccountRoleChanged,
)
from studyspot.projections.models.people import BARRED, PEOPLE, PROJECTION
from studyspot.projections.projection import RemoveRow, SetColumns
from tests.projections.happenings import NINE
from tests.projections.models.taking import put, when

ANNA = {"user_id": "anna"}


def test_who_registers_is_known_by_role_and_place_in_the_log() -> None:
    (registered,) = when(PROJECTION, AccountRegistered(user_id="anna", role="student"), position=4)
    assert put(registered) == {**ANNA, "role": "student", "registered_at": NINE, "position": 4}
    promoted = AccountRoleChanged(user_id="anna", role="staff", previous_role="student")
    assert when(PROJECTION, promoted) == (SetColumns(PEOPLE, ANNA, {"role": "staff"}),)


def test_who_is_disabled_or_erased_is_barred_with_or_without_an_account_and_enabling_ends_it() -> None:
    for event, status in (
        (AccountDisabled(user_id="anna"), "disabled"),
        (AccountErased(user_id="anna"), "erased"),
    ):
        (barred,) = when(PROJECTION, event, position=9)
        assert put(barred) == {**ANNA, "status": status, "since": NINE, "position": 9}
    assert when(PROJECTION, AccountEnabled(user_id="anna")) == (RemoveRow(BARRED, ANNA),)
