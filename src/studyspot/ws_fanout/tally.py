"""What is counted where much happens: plain numbers, told to the metrics now and then."""

from studyspot.wire.frames import Connected, Error, Joined, RoomAnswer, ServerFrame
from studyspot.ws_fanout.lanes import Lane
from studyspot.ws_fanout.metrics import FanoutMetrics


class Tally:
    """Counts since the last report.

    Attributes:
        frames: those of events that were written.
        written_bytes: theirs.
        replaced: frames that were left out, as newer ones stand for them.
    """

    __slots__ = ("_metrics", "frames", "replaced", "written_bytes")

    def __init__(self, metrics: FanoutMetrics) -> None:
        self.frames = 0
        self.written_bytes = 0
        self.replaced = 0
        self._metrics = metrics

    def report(self) -> int:
        """Tell the metrics, and return how many bytes were written since the last time."""
        written = self.written_bytes
        self._metrics.delivered(self.frames, written)
        self._metrics.conflated(self.replaced)
        self.frames = self.written_bytes = self.replaced = 0
        return written

    def fell_behind(self) -> None:
        self._metrics.fell_behind()

    def replayed(self, lane: Lane) -> None:
        """Count a lane that has been brought all that it missed, if it missed anything."""
        if lane.owes_caught_up:
            self._metrics.replayed("stream" if lane.from_stream else "window")
        lane.from_stream = False

    def answered(self, frame: ServerFrame) -> None:
        """Count the errors and the joins that a frame tells of."""
        if isinstance(frame, Error):
            self._metrics.sent_error(frame.code)
        elif isinstance(frame, Joined | Connected):
            for answer in frame.rooms:
                self._metrics.joined(_outcome(answer))


def _outcome(answer: RoomAnswer) -> str:
    return "joined" if answer.code is None else answer.code
