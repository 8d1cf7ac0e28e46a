"""Packets that no client of Socket.IO would send, and some that one would: made up from a seed."""

import json
from typing import Any

from studyspot.wire.frames import LARGEST_FRAME_BYTES, CloseCode
from tests.fuzz.bad_frames import BROKEN, GOES_ON, MALFORMED, TEXT, Bad, BadFrames, frame

DONE = frozenset({int(CloseCode.DONE)})
_NAMES = ("join:library", "leave:library", "join:role", "ping", "position", "chat", "connect", "")
_LIBRARIES = ("L1", {"libraryId": "L1"}, "L1:staff", {"libraryId": "L" * 70}, {"library": "L1"}, "L\x00")
_ROLES = ("student", {"role": "student"}, "admin", {"role": "king"})
_NO_PACKETS = (
    *("", "4", "6", "7", "47", "2", "2probe", "3probe", "5", "0", '0{"sid":"x"}', "hello", "１"),
    *("42", "42{}", "42[]", "42[7]", '42"ping"', '42["ping"', "42[NaN]", '42["ping"]x', "42-1[]"),
    *("43[]", "43", "431", "431{}", "41{}", "44", "44[]", '44{"message":"no"}', "40[]", "40x", "40null2"),
    *('42["\ud800"]', '45["x"]', '451-["x",{"_placeholder":true,"num":0}]', '461-7[{"_placeholder":true}]'),
    *(f'42{"9" * 17}["ping"]', f'42{2**53 + 1}["ping"]', f'42{"9" * 5000}["ping"]'),
)


class BadPackets(BadFrames):
    """An endless supply, in frames that are right or wrong in themselves."""

    def flood(self) -> Bad:
        """More packets at once than anyone may send."""
        pings = b"".join(frame(TEXT, b'42["ping"]') for _ in range(200))
        return Bad("flood", pings, frozenset({CloseCode.TOO_MANY_FRAMES}), frames=200)

    def _good_text(self) -> str:
        chance = self._chance
        ack = chance.choice(("", str(chance.randrange(100)), str(2**53)))
        event = chance.choice(
            (
                ["ping"],
                ["join:library", chance.choice(_LIBRARIES)],
                ["leave:library", chance.choice(_LIBRARIES)],
                ["join:role", chance.choice(_ROLES)],
                ["chat", "hello", {"more": 1}],
            )
        )
        others = ("3", "431[]", "40/admin,", '40/admin?x=1,{"token":1}', '42/admin,1["ping"]', "41/admin,")
        return chance.choice((*(f"42{ack}{json.dumps(event)}" for _ in range(9)), *others))

    def _mutated(self) -> Bad:
        """An event with other arguments than it takes, or another attempt to connect."""
        chance = self._chance
        ack = chance.choice(("", "0", "007", str(2**53)))
        arguments: list[Any] = [self._anything(3) for _ in range(chance.randrange(4))]
        text = f"42{ack}{json.dumps([chance.choice((*_NAMES, self._word())), *arguments])}"
        if chance.random() < 0.1:
            auth = {"token": self._anything(1), "pid": self._anything(1), "offset": self._anything(1)}
            text = f"40{json.dumps(auth)}"
        data = text.encode()
        return Bad("mutated", frame(TEXT, data), BROKEN if len(data) > LARGEST_FRAME_BYTES else GOES_ON)

    def _not_json(self) -> Bad:
        data = self._chance.choice(_NO_PACKETS).encode(errors="surrogatepass")
        # A lone half of a pair is no UTF-8, which WebSocket sees first.
        return Bad("no packet", frame(TEXT, data), MALFORMED | BROKEN)

    def _nested(self) -> Bad:
        depth = self._chance.choice((50, 1500, 3900))
        text = '42["join:library",' + "[" * depth + "1" + "]" * depth + "]"
        return Bad("nested", frame(TEXT, text.encode()), MALFORMED | {0})

    def _closing(self) -> Bad:
        if self._chance.random() < 0.5:
            return super()._closing()
        return Bad("goodbye", frame(TEXT, self._chance.choice((b"41", b"41/,", b"1"))), DONE)
