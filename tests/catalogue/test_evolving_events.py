"""The worked example of `docs/evolving-events.md`, word for word; and the same on the real log and stream."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import jsonschema
import orjson
import pytest

from studyspot.broker.connection import connect
from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.reading import read_range
from studyspot.broker.stream import StreamMessage, ensure_stream
from studyspot.catalogue.cloudevents import from_message, renewed, to_message
from studyspot.catalogue.codec import decode
from studyspot.domain.events import SeatAdded
from studyspot.domain.tags import seat
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion, NewEvent
from tests.contracts.project import ROOT

PAGE = ROOT / "docs/evolving-events.md"
GOLDEN = "studyspot.seat.added.v1.json"
NEWEST = SeatAdded(library_id="L1", seat_id="S17", label="A17", zone="quiet")


def blocks(language: str) -> list[str]:
    """Return the page's code in this language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The page's Python, executed in a folder that holds its golden file."""
    (golden,) = blocks("json")
    (tmp_path / GOLDEN).write_text(golden)
    source = tmp_path / "evolving_events.py"
    source.write_text("\n".join(blocks("python")))
    monkeypatch.chdir(tmp_path)
    specification = importlib.util.spec_from_file_location(source.stem, source)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def stored() -> bytes:
    """Return the golden message's event as the release that wrote it has stored it."""
    (golden,) = blocks("json")
    message = json.loads(golden)
    return orjson.dumps(
        {
            "v": 1,
            "time": message["time"],
            "actor": message["actor"],
            "commandid": message["commandid"],
            "traceparent": None,
            "data": message["data"],
        }
    )


def test_every_claim_of_the_page_holds(example: ModuleType) -> None:
    assert len(blocks("python")) == 7
    assert example.recorded.event == NEWEST
    assert example.shown["data"]["zone"] == "quiet"


def test_the_golden_file_is_what_its_schema_says(example: ModuleType) -> None:
    schema = example.described[GOLDEN.removesuffix(".json")]
    (golden,) = blocks("json")
    jsonschema.Draft202012Validator(schema).validate(json.loads(golden))
    assert to_message(124, "k3", "seat.added", stored()).body == orjson.dumps(json.loads(golden))


async def test_an_old_event_comes_out_of_the_log_and_the_stream_as_a_new_one(
    example: ModuleType, database_url: str, nats_url: str
) -> None:
    with EventStore(database_url) as store:
        appended = store.append([NewEvent("seat.added", stored(), (seat("S17"),))])
        (kept,) = store.read((Criterion(("seat.added",), (seat("S17"),)),)).events
    assert kept.data == stored(), "what was stored stays"
    assert decode(kept.type, kept.data, example.vocabulary)[0] == NEWEST

    nc = await connect(nats_url, name="evolving events")
    try:
        await ensure_stream(nc.jetstream(), epoch=appended.epoch, first_position=appended.position)
        message = to_message(kept.position, kept.epoch, kept.type, kept.data)
        await FencedPublisher(nc).publish([StreamMessage(kept.position, message.subject, message.body)])
        streamed = [
            message
            async for batch in read_range(
                nc,
                after=appended.position - 1,
                until=appended.position,
                subjects=("studyspot.seat.added.*.*",),
                epoch=appended.epoch,
            )
            for message in batch
        ]
    finally:
        await nc.close()
    (body,) = (message.body for message in streamed)
    assert json.loads(body)["type"] == "studyspot.seat.added.v1"
    recorded = from_message(body, example.vocabulary)
    assert (recorded.event, recorded.position) == (NEWEST, appended.position)
    assert json.loads(renewed(body, recorded, example.vocabulary))["data"]["zone"] == "quiet"
