"""What every benchmark has in common: alternating rounds, medians with their spread, and one report.

Machines are shared and noisy, so a figure counts as a ratio to a peer that took turns with it.
"""

import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

OURS = "ours"
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured; `ratio` maps each peer to ours ÷ theirs, `failures` names every must that failed.

    `absent` says of each peer that could not be had why; it has no figure then, and no must is about it.
    """

    name: str
    ours: float
    peers: Mapping[str, float]
    ratio: Mapping[str, float]
    unit: str
    rounds: int
    more: Mapping[str, Any] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the report as one line of JSON."""
        return orjson.dumps(
            {
                "name": self.name,
                "ours": self.ours,
                "peers": dict(self.peers),
                "ratio": dict(self.ratio),
                "unit": self.unit,
                "rounds": self.rounds,
                "machine": machine(),
                "more": dict(self.more)
                | {"failures": list(self.failures)}
                | ({"absent": dict(self.absent)} if self.absent else {}),
            }
        )

    def lines(self) -> list[str]:
        """Return the report for people."""
        lines = [f"{self.name}: {self.ours:,.0f} {self.unit}, median of {self.rounds} rounds"]
        for peer, figure in self.peers.items():
            lines.append(f"  {peer}: {figure:,.0f} {self.unit}; ours is {self.ratio[peer]:.2f} ×")
        lines += [f"  MISSING: {peer}: {reason}" for peer, reason in self.absent.items()]
        lines += [f"  FAILED: {failure}" for failure in self.failures]
        return lines


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark's name, what it measures in a sentence, and how; `sized` takes a number of events."""

    name: str
    summary: str
    run: Callable[[], Report]
    sized: Callable[[int], Report] | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """One contestant's figure in each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle figure."""
        return statistics.median(self.values)

    def ratio_to(self, peer: "Figures") -> float:
        """The middle of the rounds' ratios: a slow minute of the machine slows both sides of one of them."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.values, peer.values, strict=True))

    def spread(self) -> dict[str, float]:
        """The median between the lowest and the highest figure, rounded."""
        return {"lowest": round(min(self.values), 1), "median": round(self.median, 1),
                "highest": round(max(self.values), 1)}  # fmt: skip


def alternate(rounds: int, contestants: Mapping[str, Callable[[], float]]) -> dict[str, Figures]:
    """Let each contestant run once a round, beginning with another one each time; return their figures."""
    names = list(contestants)
    figures: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            figures[name].append(contestants[name]())
    return {name: Figures(tuple(values)) for name, values in figures.items()}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def missed(musts: Sequence[tuple[bool, str]]) -> tuple[str, ...]:
    """Return the descriptions of the musts that do not hold."""
    return tuple(description for holds, description in musts if not holds)


def machine() -> str:
    """Describe this machine in a few words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    hardware = f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB"
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{hardware}, {system}, load {os.getloadavg()[0]:.1f}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
