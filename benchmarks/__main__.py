"""`python -m benchmarks NAME --json`: one command per figure."""

import importlib
import pkgutil
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

import benchmarks
from benchmarks.chart import chart
from benchmarks.frame import RESULTS, Benchmark


def found() -> dict[str, Benchmark]:
    """Return every benchmark by name: each module of this package that has one."""
    modules = [
        importlib.import_module(f"benchmarks.{module.name}")
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if module.name != "__main__"
    ]
    named = [module.BENCHMARK for module in modules if hasattr(module, "BENCHMARK")]
    return {benchmark.name: benchmark for benchmark in named}


def measure(
    name: Annotated[str, typer.Argument(help="A benchmark's name; `list` names them; `all` runs each.")],
    json: Annotated[bool, typer.Option("--json", help="Print the report as a last line of JSON.")] = False,
    events: Annotated[int | None, typer.Option(min=1000, help="Of those that take a size.")] = None,
    results: Annotated[Path, typer.Option(help="Where `all` writes its reports.")] = RESULTS,
) -> None:
    """Measure StudySpot beside its peers, in the same run; exit 1 when a must or a check fails."""
    known = found()
    if name == "list":
        for benchmark in known.values():
            typer.echo(f"{benchmark.name:20} {benchmark.summary}")
        return
    if name != "all" and name not in known:
        raise typer.BadParameter(f"{name} is none of: {', '.join(known)}")
    reports = []
    for benchmark in known.values() if name == "all" else [known[name]]:
        report = benchmark.sized(events) if events and benchmark.sized else benchmark.run()
        reports.append(report)
        for line in report.lines():
            typer.echo(line)
        if name == "all":
            results.mkdir(parents=True, exist_ok=True)
            (results / f"{report.name}.json").write_bytes(report.to_json() + b"\n")
            (results / "chart.svg").write_text(chart(reports))
        if json:
            typer.echo(report.to_json().decode())
    sys.exit(1 if any(report.failures for report in reports) else 0)


def _end(*_: object) -> None:
    # Like Ctrl-C, so that the servers that were begun are ended.
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    typer.run(measure)
