"""Whatever is sent to a process of the fan-out, it answers with frames of the protocol, or closes."""

from pathlib import Path

from tests.engines import NatsServer
from tests.fuzz.conversations import STATES
from tests.fuzz.frames_campaign import campaign

FRAMES = 2500


async def test_no_frame_and_no_handshake_breaks_the_process_or_disturbs_another_socket(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    run = await campaign(nats_server, tmp_path, frames=FRAMES, seed=1)

    assert run.findings.wrong == {}
    assert run.findings.frames >= FRAMES
    assert run.findings.conversations > 5 * len(STATES)
    assert run.findings.answers.keys() >= {
        "connected",
        "event",
        "error",
        "pong",
        "joined",
        "left",
        "refreshed",
        "opened",
        "acknowledged",
        "event pong",
        "event error",
        "event global:notification",
    }
