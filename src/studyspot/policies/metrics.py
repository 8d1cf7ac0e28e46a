"""What policies tell Prometheus."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge

from studyspot.policies.status import Backlog

_position = Gauge("studyspot_policies_position", "Position of the last event that policies know")
_behind = Gauge("studyspot_policies_lag_events", "Events of the log that policies do not know yet")
_overdue = Gauge(
    "studyspot_policies_overdue_seconds", "How long the oldest due task has waited; what is set aside not"
)
_waiting = Gauge("studyspot_policies_tasks_waiting", "Tasks to be done, now or later; what is set aside not")
_set_aside = Gauge(
    "studyspot_policies_tasks_set_aside", "Tasks that failed for no passing reason, and are rarely tried"
)
_unread = Gauge("studyspot_policies_unread_events", "Events that policies left out, as they cannot be read")
_tasks = Counter(
    "studyspot_policies_tasks",
    "Tasks tried: done, or void as nothing was to be done; goes on; put off to be tried again; set aside",
    ["kind", "outcome"],
)


def observe_position(position: int) -> None:
    _position.set(position)


def observe_behind(events: Callable[[], int]) -> None:
    """Ask `events` how many are not known, whenever somebody wants to know."""
    _behind.set_function(events)


def observe_backlog(backlog: Backlog) -> None:
    _overdue.set(backlog.overdue.total_seconds())
    _waiting.set(backlog.waiting)
    _set_aside.set(backlog.set_aside)
    _unread.set(backlog.unread)


def observe_task(kind: str, outcome: str) -> None:
    _tasks.labels(kind, outcome).inc()
