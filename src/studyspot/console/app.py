"""The `studyspot` command. Everything heavy is imported by the command that needs it."""

import gc
import logging
import sys
from types import ModuleType

import typer

from studyspot.console.accounts import accounts
from studyspot.console.faults import told_plainly
from studyspot.console.keys import keys
from studyspot.console.options import AS_JSON, ENVIRONMENT_ONLY
from studyspot.console.policies import policies
from studyspot.console.projections import projections

GARBAGE_AFTER_OBJECTS = 10_000

app = typer.Typer(
    name="studyspot",
    help="Real-time seat booking for study libraries.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
events = typer.Typer(help="The log of events.", no_args_is_help=True)
epoch = typer.Typer(help="The epoch: which history positions belong to.", no_args_is_help=True)
relay = typer.Typer(help="Relay the store's events to NATS.", invoke_without_command=True)
for group, name in (
    *((projections, "projections"), (policies, "policies"), (events, "events")),
    *((epoch, "epoch"), (relay, "relay"), (keys, "keys"), (accounts, "accounts")),
):
    group.rich_markup_mode = None
    app.add_typer(group, name=name)


@app.callback()
def leave_out_what_is_not_used() -> None:
    """Keep libraries from loading others that nothing here uses, where these happen to be installed.

    structlog loads all of rich, for tracebacks in colour that our logs do not have, and nats-py loads
    aiohttp, for a connection over WebSockets that none of ours is. Each took more than a tenth of a second
    of every start.
    """
    loaded: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    loaded.setdefault("aiohttp", None)  # As if it were not installed.
    if "rich" in loaded:
        return
    loaded["rich"] = None
    try:
        import structlog  # noqa: F401
    finally:
        del loaded["rich"]  # Commands show tables and bars with it.


@app.command()
def up(
    seed_demo: bool = typer.Option(False, "--seed-demo", help="Fill a new installation with sample data."),
) -> None:
    """Run everything, on embedded PostgreSQL and NATS unless their URLs are set."""
    from studyspot.console.up import run_up

    run_up(seed_demo)


@app.command()
def api(environment_only: bool = ENVIRONMENT_ONLY) -> None:
    """Serve HTTP: commands and queries."""
    from studyspot.console.services import run_api

    run_api(environment_only)


@relay.callback()
def relay_run(context: typer.Context, environment_only: bool = ENVIRONMENT_ONLY) -> None:
    """Relay the store's events to NATS, in order."""
    if context.invoked_subcommand is None:
        from studyspot.console.services import run_relay

        run_relay(environment_only)


@relay.command("status")
def relay_status(as_json: bool = AS_JSON) -> None:
    """Show how far the stream follows the store."""
    from studyspot.console.status import show_relay

    show_relay(as_json)


@app.command()
def fanout(
    environment_only: bool = ENVIRONMENT_ONLY,
    workers: int = typer.Option(1, min=1, help="Processes that share the port, to use several cores."),
    worker: int = typer.Option(None, hidden=True, help="Be this one of the workers of another process."),
) -> None:
    """Serve WebSockets: every event to those entitled to it."""
    from studyspot.console.services import run_fanout

    run_fanout(environment_only, workers, worker)


@app.command()
def migrate() -> None:
    """Create or upgrade schemas and buckets; safe to repeat."""
    from studyspot.console.migrate import run_migrate

    run_migrate()


@app.command("seed-demo")
def seed_demo(as_json: bool = AS_JSON) -> None:
    """Fill a new installation with sample data: three libraries in India, and a month in them."""
    from studyspot.console.sample.seed import run_seed

    run_seed(as_json)


@app.command()
def token(
    user: str = typer.Option(..., help="Id of the person."),
    role: str = typer.Option(..., help="student, library_owner, staff or admin."),
    ttl: str = typer.Option("1h", help="How long it is valid: 30s, 15m, 1h, 7d."),
    name: str = typer.Option(None, help="Display name."),
) -> None:
    """Print a token signed with this installation's key."""
    from studyspot.console.tokens import print_token

    print_token(user, role, ttl, name)


@epoch.command("show")
def epoch_show(as_json: bool = AS_JSON) -> None:
    """Show the epoch, and why appends are halted, if they are."""
    from studyspot.console.status import show_epoch

    show_epoch(as_json)


@epoch.command("new")
def epoch_new(as_json: bool = AS_JSON) -> None:
    """Begin a new epoch: appends go on, the stream is published again, clients take snapshots."""
    from studyspot.console.status import begin_epoch

    begin_epoch(as_json)


@events.command("tail")
def events_tail(
    subject: str = typer.Option("studyspot.>", help="NATS subject, with * and >."),
    since: int = typer.Option(None, min=0, help="Begin after this position; now without it."),
    as_json: bool = AS_JSON,
) -> None:
    """Watch events as they come."""
    from studyspot.console.tail import tail

    tail(subject, since, as_json)


@events.command("show")
def events_show(
    position: int = typer.Argument(..., help="Of the event."),
    as_json: bool = AS_JSON,
) -> None:
    """Show one event, with the tags that decisions find it by."""
    from studyspot.console.log_reading import show

    show(position, as_json)


@events.command("history")
def events_history(
    entity: str = typer.Argument(..., help="An id, or as booking:ID, hold:ID, seat:ID, library:ID, user:ID."),
    as_json: bool = AS_JSON,
) -> None:
    """Show all events of one booking, hold, seat, library or person, in order."""
    from studyspot.console.log_reading import history

    history(entity, as_json)


@app.command()
def doctor(as_json: bool = AS_JSON) -> None:
    """Check every dependency, and tell the mend for each fault."""
    from studyspot.console.doctor import run_doctor

    run_doctor(as_json)


@app.command()
def demo(
    as_json: bool = AS_JSON,
    plant_fault: bool = typer.Option(False, hidden=True, help="Take an event from a socket's record."),
) -> None:
    """Play the main job on a temporary system of real processes, and check it."""
    from studyspot.console.demo.run import run_demo

    run_demo(as_json, plant_fault)


def main() -> None:
    """Run the command line."""
    # What modules define stays. To look for garbage among it every 700 objects took a twelfth of a start.
    gc.set_threshold(GARBAGE_AFTER_OBJECTS)
    # Drivers warn through the standard module; a command tells its faults in its own words.
    logging.getLogger().addHandler(logging.NullHandler())
    with told_plainly():
        app()
