"""Conversations with a node that go wrong, in every state of a socket; and what must come of them."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from studyspot.domain.people import Role
from studyspot.wire.frames import CloseCode, FrameMalformed, read_server_frame
from tests.fuzz.bad_frames import TEXT, Bad, BadFrames, frame
from tests.fuzz.raw_socket import NATIVE, OtherSideWrong, RawSocket, raw_socket
from tests.ws_fanout.people import token

STATES = ("before connect", "connected", "replaying", "joining", "after refresh", "after leave")
_ANY_MOMENT = frozenset({int(CloseCode.TOO_MANY_FRAMES), int(CloseCode.TOO_SLOW), int(CloseCode.NO_PONG)})
_BEFORE_CONNECT = frozenset({int(CloseCode.MALFORMED), int(CloseCode.BAD_TOKEN), int(CloseCode.NO_CONNECT)})
_ROLES: tuple[Role, ...] = ("student", "library_owner", "staff", "admin")
_MOST_FRAMES = 60
"""Fewer than a socket may send at once."""


@dataclass(slots=True)
class Findings:
    """How many frames of which kind were sent, how sockets ended, and what was wrong, once for each kind."""

    frames: int = 0
    conversations: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    closes: Counter[int] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)

    def note(self, title: str, detail: object) -> None:
        self.wrong.setdefault(title, str(detail)[:500])


class Talker:
    """One who holds one conversation after the other, from an address and as a person of their own."""

    states: Sequence[str] = STATES
    wire = NATIVE

    def __init__(self, number: int, seed: int, port: int, epoch: str, findings: Findings) -> None:
        self._chance = random.Random(f"{seed}-{number}")
        self._port = port
        self._epoch = epoch
        self._address = f"127.0.2.{1 + number}"
        self._user, self._role = f"talker-{number}", _ROLES[number % len(_ROLES)]
        self._token = token(self._user, self._role)
        self._bad = self._supply()
        self._findings = findings

    async def talk(self) -> None:
        """Hold a conversation, and judge all that is answered."""
        state = self._chance.choice(self.states)
        socket = await raw_socket(self._port, self._address)
        self._findings.conversations += 1
        sent: list[Bad] = []
        try:
            await socket.shake_hands(self.wire)
            await self._begin(socket, state)
            sent = self._make_up()
            for bad in sent:
                socket.send(bad.data)
                self._findings.kinds[bad.kind] += bad.frames
                self._findings.frames += bad.frames
            if self._chance.random() < 0.02:
                # In the middle of a frame, without a word.
                socket.send(frame(TEXT, b'{"type":"ping"}')[:-3])
                await socket.leave(abruptly=True)
                return
            await self._judge(socket, state, sent)
        except (OtherSideWrong, TimeoutError) as error:
            self._findings.note(f"{state}: {error!r}", sent)
        finally:
            await socket.leave(abruptly=True)

    def _supply(self) -> BadFrames:
        return BadFrames(self._chance, self._token)

    def _make_up(self) -> list[Bad]:
        """Return what to send next: up to the first that ends the socket, as nothing is read beyond."""
        sent: list[Bad] = []
        while len(sent) < _MOST_FRAMES and not (sent and sent[-1].ends):
            sent.append(self._bad.flood() if self._chance.random() < 0.001 else self._bad.next())
        return sent

    async def _begin(self, socket: RawSocket, state: str) -> None:
        """Bring the conversation into a state; of a replay, no more is read than that it goes on."""
        if state == "before connect":
            return
        connect: dict[str, Any] = {
            "type": "connect",
            "id": "begin",
            "token": self._token,
            "rooms": ["library:L1"],
        }
        if state in ("replaying", "joining"):
            connect["since"] = {"epoch": self._epoch, "position": 0}
        _say(socket, connect)
        match state:
            case "replaying":
                while (text := await socket.receive()) is not None and self._read(text)["type"] != "event":
                    pass
            case "joining":
                # Once more, and in a lane of its own.
                _say(socket, {"type": "join", "rooms": ["everyone", "library:L1"], "since": connect["since"]})
            case "after refresh":
                _say(socket, {"type": "refresh", "token": self._token})
            case "after leave":
                _say(socket, {"type": "leave", "rooms": ["everyone", "library:L1"]})

    async def _judge(self, socket: RawSocket, state: str, sent: Iterable[Bad]) -> None:
        """Read until the last word, which is either a close or the answer to our own last question."""
        may_end = frozenset().union(*(bad.ends for bad in sent)) | _ANY_MOMENT
        if state == "before connect":
            may_end |= _BEFORE_CONNECT
        self._ask_last(socket)
        while (text := await socket.receive()) is not None:
            kind, is_last = self._judged(text)
            self._findings.answers[kind] += 1
            if is_last:
                broken = [bad.kind for bad in sent if bad.ends and 0 not in bad.ends and bad.kind != "nested"]
                if broken:
                    self._findings.note(f"{state}: went on after {broken[0]}", sent)
                return
        assert socket.closed is not None
        self._findings.closes[socket.closed] += 1
        if socket.closed not in may_end and not (socket.closed == 0 and may_end - _ANY_MOMENT):
            self._findings.note(f"{state}: closed with {socket.closed}", sent)

    def _ask_last(self, socket: RawSocket) -> None:
        _say(socket, {"type": "ping", "id": "last word"})

    def _judged(self, text: bytes) -> tuple[str, bool]:
        """Return what kind of answer this is, and whether it is that to our last question.

        Raises:
            OtherSideWrong: it is no answer of ours.
        """
        answer = self._read(text)
        return answer["type"], answer["type"] == "pong" and answer["id"] == "last word"

    def _read(self, text: bytes) -> dict[str, Any]:
        try:
            read_server_frame(text)
        except FrameMalformed as error:
            raise OtherSideWrong(f"{text[:200]!r} is no frame of ours: {error}") from error
        answer: dict[str, Any] = orjson.loads(text)
        return answer


def _say(socket: RawSocket, said: dict[str, Any]) -> None:
    socket.send(frame(TEXT, orjson.dumps(said)))
