"""Frames that no client of ours would send, and some that one would: made up from a seed."""

import json
import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from studyspot.wire.frames import LARGEST_FRAME_BYTES, CloseCode

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GOES_ON: frozenset[int] = frozenset()
MALFORMED = frozenset({int(CloseCode.MALFORMED)})
# Whoever breaks WebSocket itself is answered with its own codes.
BROKEN = frozenset({1002, 1007, 1009})
ANY_CODE = frozenset(range(1000, 5000))
_ROOMS = (
    "everyone",
    "user:s1",
    "library:L1",
    "library:L1:staff",
    "role:admin",
    "x:y",
    "",
    "library:" + "L" * 70,
)
_TYPES: tuple[Any, ...] = (
    "connect",
    "join",
    "leave",
    "refresh",
    "ping",
    "event",
    "connected",
    "",
    None,
    7,
    [],
    {},
)


@dataclass(frozen=True, slots=True)
class Bad:
    """Bytes to send, which are `frames` frames; `ends` has the codes with which they may end the socket.

    Where that is empty, the conversation goes on.
    """

    kind: str
    data: bytes
    ends: frozenset[int] = GOES_ON
    frames: int = 1


class BadFrames:
    """An endless supply; `token` is a good one of whoever sends them."""

    def __init__(self, chance: random.Random, token: str) -> None:
        self._chance = chance
        self._token = token

    def next(self) -> Bad:
        makers: Mapping[Callable[[], Bad], int] = {
            self._mutated: 150,
            self._good: 70,
            self._fragments: 15,
            self._control: 15,
            self._not_json: 3,
            self._nested: 2,
            self._binary: 1,
            self._not_utf8: 1,
            self._unmasked: 1,
            self._reserved: 1,
            self._continued_wrongly: 1,
            self._too_big: 1,
            self._closing: 1,
        }
        [maker] = self._chance.choices(list(makers), list(makers.values()))
        return maker()

    def flood(self) -> Bad:
        """More frames at once than anyone may send."""
        pings = b"".join(frame(TEXT, b'{"type":"ping"}') for _ in range(200))
        return Bad("flood", pings, frozenset({CloseCode.TOO_MANY_FRAMES}), frames=200)

    def _good(self) -> Bad:
        return Bad("good", frame(TEXT, self._good_text().encode()))

    def _good_text(self) -> str:
        return json.dumps(self._valid())

    def _valid(self) -> dict[str, Any]:
        chance = self._chance
        rooms = chance.sample(_ROOMS[:6], chance.randrange(4))
        since = {"epoch": chance.choice(("k3", "older")), "position": chance.randrange(3000)}
        return chance.choice(
            (
                {"type": "ping", "id": chance.randrange(100)},
                {"type": "join", "id": "j", "rooms": rooms},
                {"type": "join", "rooms": rooms, "since": since},
                {"type": "leave", "id": 3, "rooms": rooms},
                {"type": "refresh", "id": 4, "token": self._token},
            )
        )

    def _mutated(self) -> Bad:
        """A frame with some of its fields made wrong, or left out, or others added."""
        chance, value = self._chance, self._valid()
        for _ in range(chance.randrange(1, 4)):
            field = chance.choice((*value, "id", "rooms", "since", "token", "surprise", "conflate"))
            match chance.randrange(5):
                case 0:
                    value.pop(field, None)
                case 1:
                    value["type"] = chance.choice(_TYPES)
                case 2 if isinstance(value.get("since"), dict):
                    value["since"][chance.choice(("epoch", "position", "more"))] = self._anything(2)
                case 3:
                    value["rooms"] = [chance.choice(_ROOMS) for _ in range(chance.choice((1, 99, 101, 300)))]
                case _:
                    value[field] = self._anything(3)
        data = json.dumps(value).encode()
        return Bad("mutated", frame(TEXT, data), BROKEN if len(data) > LARGEST_FRAME_BYTES else GOES_ON)

    def _anything(self, depth: int) -> Any:
        chance = self._chance
        if depth and chance.random() < 0.4:
            inner = [self._anything(depth - 1) for _ in range(chance.randrange(4))]
            return inner if chance.random() < 0.5 else {self._word(): value for value in inner}
        return chance.choice(
            (
                None,
                True,
                -1,
                0,
                2**53 + 1,
                2**63,
                -(2**63),
                10**30,
                1.5,
                1e308,
                "",
                self._word(),
                "\x00",
                "x" * 700,
            )
        )

    def _word(self) -> str:
        return "".join(chr(self._chance.choice((0x41, 0x20, 0xE9, 0x202E, 0x1F600, 0x7F))) for _ in range(5))

    def _not_json(self) -> Bad:
        texts = (
            '{"type":"ping"',
            "[]",
            "7",
            "null",
            '"ping"',
            "{'type':'ping'}",
            "",
            '{"id":NaN}',
            '{"a":"\\ud800"}',
        )
        return Bad("not JSON", frame(TEXT, self._chance.choice(texts).encode()), MALFORMED)

    def _nested(self) -> Bad:
        depth = self._chance.choice((50, 1500, 3900))
        opening, closing = self._chance.choice((("[", "]"), ('{"a":', "}")))
        depth = depth if opening == "[" else depth // 4
        text = '{"type":"join","rooms":' + opening * depth + "1" + closing * depth + "}"
        # As much as the parser of JSON takes is a frame of wrong fields.
        return Bad("nested", frame(TEXT, text.encode()), MALFORMED | {0})

    def _binary(self) -> Bad:
        return Bad("binary", frame(BINARY, self._chance.randbytes(self._chance.randrange(200))), MALFORMED)

    def _not_utf8(self) -> Bad:
        return Bad(
            "not UTF-8",
            frame(TEXT, b'{"type":"ping"}' + self._chance.choice((b"\xff", b"\xed\xa0\x80"))),
            BROKEN,
        )

    def _unmasked(self) -> Bad:
        return Bad("unmasked", frame(TEXT, b'{"type":"ping"}', masked=False), BROKEN)

    def _reserved(self) -> Bad:
        first = self._chance.choice((0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F))
        return Bad("reserved", bytes([first]) + frame(TEXT, b"{}")[1:], BROKEN)

    def _fragments(self) -> Bad:
        """A good frame in pieces, with pings in between."""
        data = self._good_text().encode()
        cuts = sorted(self._chance.choices(range(len(data) + 1), k=2))
        first = frame(TEXT, data[: cuts[0]], final=False)
        second = frame(0, data[cuts[0] : cuts[1]], final=False)
        last = frame(0, data[cuts[1] :])
        return Bad("fragments", first + frame(PING, b"between") + second + last, frames=4)

    def _continued_wrongly(self) -> Bad:
        begun = frame(TEXT, b'{"type":', final=False)
        wrong = self._chance.choice(
            (frame(0, b"{}"), begun + frame(TEXT, b"{}"), begun + frame(PING, b"", final=False))
        )
        return Bad("continued wrongly", wrong, BROKEN, frames=2)

    def _control(self) -> Bad:
        payload = self._chance.randbytes(self._chance.choice((0, 4, 125)))
        if self._chance.random() < 0.1:
            return Bad("control", frame(PING, b"x" * 126), BROKEN)
        return Bad("control", frame(self._chance.choice((PING, PONG)), payload))

    def _too_big(self) -> Bad:
        if self._chance.random() < 0.5:
            return Bad("too big", frame(TEXT, b" " * (LARGEST_FRAME_BYTES + 1)), BROKEN)
        size = self._chance.choice((2**16, 2**40, 2**63 - 1))
        return Bad("too big", b"\x81\xff" + struct.pack("!Q", size) + b"\x00" * 100, BROKEN)

    def _closing(self) -> Bad:
        code = self._chance.choice((1000, 1001, 3000, 4000, 4999, 999, 1005, 1006, 2999, 65535))
        payload = self._chance.choice((b"", b"\x03", struct.pack("!H", code) + b"bye"))
        return Bad("closing", frame(CLOSE, payload), ANY_CODE)


def frame(opcode: int, payload: bytes, *, final: bool = True, masked: bool = True) -> bytes:
    """Return a WebSocket frame of a client; its mask is of zeros, which hides nothing and is allowed."""
    head = bytes([opcode | (0x80 if final else 0)])
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask_bit | len(payload)])
    elif len(payload) < 2**16:
        head += bytes([mask_bit | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", len(payload))
    return head + (b"\x00" * 4 if masked else b"") + payload
