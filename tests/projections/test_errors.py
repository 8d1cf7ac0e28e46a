"""What ends the work in a process of a pool arrives whole in the process that began it."""

import asyncio
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from studyspot.catalogue.types import UnknownEventType, UnknownEventVersion
from studyspot.event_store.errors import StoreError, StoreUnavailable
from studyspot.projections.errors import (
    BuildSuperseded,
    NewerVersionServed,
    PoisonEvent,
    ProjectionAhead,
    ProjectionStopped,
    TablesLost,
)
from studyspot.projections.rebuild.errors import RebuildStopped

STOPS = [
    PoisonEvent("bookings", 7, "no JSON"),
    TablesLost("bookings", "no such column"),
    ProjectionAhead("bookings", 9, 7),
    NewerVersionServed("bookings", 1, 2),
]


@pytest.mark.parametrize(
    "error",
    [
        *STOPS,
        ProjectionStopped("bookings", "why", "what to do"),
        BuildSuperseded("bookings 1.1"),
        RebuildStopped(),
        StoreError("any"),
        StoreUnavailable("away"),
        UnknownEventType("booking.dreamt"),
        UnknownEventVersion("booking.created", 9, 2),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_in_another_process(error: Exception) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert (str(arrived), arrived.args, vars(arrived)) == (str(error), error.args, vars(error))


def test_every_stop_of_a_projection_is_among_them() -> None:
    assert {type(error) for error in STOPS} == set(ProjectionStopped.__subclasses__())


async def test_a_pools_process_can_say_why_it_stopped() -> None:
    with (
        ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool,
        pytest.raises(PoisonEvent, match="projection bookings stopped: the event at 7") as stopped,
    ):
        await asyncio.get_running_loop().run_in_executor(pool, stop)
    assert stopped.value.position == 7


def stop() -> None:
    raise PoisonEvent("bookings", 7, "no JSON")
