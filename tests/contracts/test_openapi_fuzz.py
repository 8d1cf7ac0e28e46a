"""The API answers as its OpenAPI document says, whoever asks for whatever it allows."""

import pytest

from tests.access.people import ASHA, OWNER
from tests.fuzz.campaign import ask_all
from tests.fuzz.running_town import a_running_town

CASES = 130


@pytest.mark.timeout(300)
def test_what_the_document_allows_is_answered_as_it_says(database_url: str) -> None:
    with a_running_town(database_url) as town:
        findings = ask_all(town, cases=CASES, seed=1, roles=(ASHA, OWNER))
    assert findings.cases >= CASES
    assert not findings.wrong, "\n\n".join(f"{title}\n{detail}" for title, detail in findings.wrong.items())
