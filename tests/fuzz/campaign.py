"""Asks the running API what its OpenAPI document allows, and what it does not, in every role.

`python -m tests.fuzz.campaign --cases 3000 --seed 1`; the same seed asks the same again.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import schemathesis
import typer
from hypothesis import HealthCheck, Phase
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from tests.access.people import ADMIN, ASHA, MEENA, NOBODY, OWNER, Caller, Town
from tests.engines import PostgresServer, temporary_home
from tests.fuzz.running_town import a_running_town
from tests.run_folder import keep_temporary_files_in_memory

ROLES: tuple[Caller, ...] = (NOBODY, ASHA, MEENA, OWNER, ADMIN)
# What a schema cannot say, such as an end before its start or the position of the log, is refused with 422.
_ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "412", "422", "429"]
_CONFIG: dict[str, Any] = {"checks": {"positive_data_acceptance": {"expected-statuses": _ACCEPTED}}}
_IDS = (
    *("library_id", "seat_id", "booking_id", "hold_id", "entry_id"),
    *("notification_id", "invitation_id", "name"),
)
_REQUEST_SECONDS = 20
_DOCUMENT_SECONDS = 60


@dataclass(slots=True)
class Findings:
    """How many cases there were, what they were answered with, and what was wrong, once for each kind."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)


def ask_all(town: Town, *, cases: int, seed: int, roles: Iterable[Caller] = ROLES) -> Findings:
    """Ask every operation in every role, `cases` times or a few more; all checks of schemathesis judge."""
    config = schemathesis.Config.from_dict(_CONFIG)
    url = f"{town.http.base_url}/openapi.json"
    document = schemathesis.openapi.from_url(url, config=config, timeout=_DOCUMENT_SECONDS)
    operations = [found.ok() for found in document.get_all_operations() if isinstance(found, Ok)]
    # What is deleted cannot be asked for.
    operations.sort(key=lambda operation: operation.method.upper() == "DELETE")
    callers, findings = tuple(roles), Findings()
    # Of some operations there is little to ask: what is left is asked of all in another round.
    while findings.cases < cases:
        each = math.ceil((cases - findings.cases) / (len(operations) * len(callers)))
        for operation in operations:
            for caller in callers:
                _ask(operation, caller, town, each, seed + findings.cases, findings)
    return findings


def _ask(
    operation: APIOperation[Any, Any, Any, Any],
    caller: Caller,
    town: Town,
    times: int,
    seed: int,
    findings: Findings,
) -> None:
    """Ask one operation: about what there is, about anything, and in ways that it does not allow."""
    wanted = {parameter.name for parameter in operation.path_parameters}
    known = {name: town.ids[name] for name in _IDS if name in wanted}
    about_known = operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known or None)
    strategies = [about_known]
    if times > 1:
        strategies.append(operation.as_strategy(GenerationMode.NEGATIVE))
    if times > 2:
        strategies.append(operation.as_strategy(GenerationMode.POSITIVE))
    label = f"{operation.method.upper()} {operation.path} as {caller.role or 'nobody'}"

    for number, strategy in enumerate(strategies):

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=_share(times, len(strategies), number),
            phases=(Phase.generate,),
            deadline=None,
            database=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=strategy)
        def judge(case: Case[Any]) -> None:
            findings.cases += 1
            try:
                response = case.call_and_validate(headers=caller.headers, timeout=_REQUEST_SECONDS)
            except FailureGroup as group:
                for failure in group.exceptions:
                    _note(findings, label, case, failure)
            else:
                findings.statuses[response.status_code] += 1

        try:
            judge()
        except hypothesis.errors.Unsatisfiable:
            # There is nothing that its document does not allow.
            continue


def _share(times: int, among: int, number: int) -> int:
    """Return the part of `times` of one among several: the first has what is left over."""
    return times // among + (times % among if number == 0 else 0)


def _note(findings: Findings, label: str, case: Case[Any], failure: Failure) -> None:
    findings.wrong.setdefault(f"{label}: {failure.title}", f"{failure.message}\n{case.as_curl_command()}")


def run(
    cases: int = typer.Option(3000, help="How many to ask, over all operations and roles."),
    seed: int = typer.Option(1, help="Of the cases that are made up."),
) -> None:
    """Ask, and fail where anything is not as documented."""
    keep_temporary_files_in_memory()
    with temporary_home() as home:
        server = PostgresServer(home)
        server.engine.start()
        try:
            with server.migrated_database() as url, a_running_town(url) as town:
                findings = ask_all(town, cases=cases, seed=seed)
        finally:
            server.engine.remove()
    told = ", ".join(f"{count} × {status}" for status, count in sorted(findings.statuses.items()))
    typer.echo(f"{findings.cases} cases with seed {seed}: {told}")
    for title, detail in findings.wrong.items():
        typer.echo(f"\n{title}\n{detail}", err=True)
    if findings.wrong:
        raise typer.Exit(1)
    typer.echo("All is as documented.")


if __name__ == "__main__":
    typer.run(run)
