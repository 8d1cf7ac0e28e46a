"""Events of a test as the log has them, for the judge."""

from datetime import datetime

import orjson

from studyspot.catalogue.types import type_of
from studyspot.checker.records import Record
from studyspot.domain.events import Event
from tests.ws_fanout.events import EPOCH, START, message


def record_of(position: int, event: Event, *, epoch: str = EPOCH, time: datetime = START) -> Record:
    """What the log has of the event that `message` publishes."""
    envelope = orjson.loads(message(position, event, epoch=epoch, time=time).body)
    stored = {key: envelope.get(key) for key in ("time", "actor", "commandid", "traceparent", "data")}
    return Record(position, epoch, type_of(type(event)), {"v": 1, **stored})
