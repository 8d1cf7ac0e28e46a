"""What the judge found, and how much it looked at."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What can be wrong."""

    LOG_GAP = "log-gap"
    UNREADABLE = "unreadable"
    LOST = "acknowledged-and-lost"
    TWICE = "twice"
    OUT_OF_ORDER = "out-of-order"
    GAP = "gap"
    LEAK = "leak"
    ALTERED = "altered"
    OVERLAP = "overlap"
    IMPOSSIBLE = "impossible-transition"
    OUT_OF_TURN = "out-of-turn"
    LEDGER = "ledger-wrong"
    TWO_WINNERS = "two-winners"
    FALSE_REFUSAL = "refused-without-cause"
    READ_MODEL = "read-model-differs"
    STREAM = "stream-differs"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: what it is, who saw it, at which position of the log, and the rest in a sentence."""

    kind: Kind
    who: str
    position: int | None
    sentence: str

    def __str__(self) -> str:
        place = "" if self.position is None else f" at {self.position}"
        return f"{self.kind} · {self.who}{place}: {self.sentence}"


_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings, and counts of what was judged."""

    findings: tuple[Finding, ...]
    judged: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, findings: Iterable[Finding], judged: Mapping[str, int]) -> "Verdict":
        """Return the verdict, each fault once: one event can miss in several rooms."""
        once: dict[tuple[Kind, str, int | None, str], Finding] = {}
        for finding in findings:
            detail = finding.sentence if finding.position is None else ""
            once.setdefault((finding.kind, finding.who, finding.position, detail), finding)
        return cls(tuple(once.values()), judged)

    @property
    def clean(self) -> bool:
        return not self.findings

    @property
    def counts(self) -> Mapping[Kind, int]:
        return Counter(finding.kind for finding in self.findings)

    def __str__(self) -> str:
        looked_at = ", ".join(f"{count} {what}" for what, count in self.judged.items())
        if self.clean:
            return f"clean: {looked_at}"
        counted = ", ".join(f"{count} × {kind}" for kind, count in self.counts.items())
        lines = [f"{len(self.findings)} faults ({counted}) in {looked_at}"]
        lines += [f"  {finding}" for finding in self.findings[:_SHOWN]]
        if len(self.findings) > _SHOWN:
            lines.append(f"  … and {len(self.findings) - _SHOWN} more")
        return "\n".join(lines)
