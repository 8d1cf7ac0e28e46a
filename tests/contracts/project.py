"""The project as files: where it lies, and what people have written in it."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

_WRITTEN = (
    "*.md",
    "Makefile",
    "pyproject.toml",
    ".importlinter",
    ".ci/*",
    *(f"{folder}/**/*" for folder in ("src", "tests", "benchmarks", "docs", "deploy")),
)


def written_files() -> Iterator[Path]:
    """Yield the files that people read: sources, tests, documents, the gate."""
    for pattern in _WRITTEN:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def modules_of(room: str) -> tuple[Path, ...]:
    """Return the source files of a room, or of all of them for ``."""
    return tuple(sorted((ROOT / "src/studyspot" / room).rglob("*.py")))
