"""Scenes after some events, and events at some seat."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from studyspot.catalogue.codec import Metadata, Recorded
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCreated,
    BookingRescheduled,
    Event,
    HoldPlaced,
)
from studyspot.ws_fanout.socket_io.scene import Scene
from tests.ws_fanout.events import EPOCH, START

HOUR = timedelta(hours=1)


Subject = TypeVar(
    "Subject", HoldPlaced, BookingCreated, BookingRescheduled, BookingCheckedIn, BookingCancelled
)


def scene_of(*events: Event, scene: Scene | None = None, time: datetime = START) -> Scene:
    scene = scene or Scene()
    for position, event in enumerate(events, start=1):
        metadata = Metadata(time=time, command_id=f"command-{position}")
        scene.apply(Recorded(position=position, epoch=EPOCH, event=event, metadata=metadata))
    return scene


def at_seat(event: Subject, seat: str, first: int, last: int) -> Subject:
    """The event for another seat, from one half of an hour to another."""
    start, until = START + HOUR * first / 2, START + HOUR * last / 2
    return replace(event, seat_id=seat, start=start, end=until, occupied_until=until)
