# Every target sets up what it needs; a machine needs Python 3.11 or later, make and a package index.
PYTHON ?= python3
UV_VERSION := 0.13.9
export UV_PYTHON_DOWNLOADS := never
# Every process of `up` starts twice as fast for it.
export UV_COMPILE_BYTECODE := 1
# Every worker of the tests reads all of them: compiled once, that takes it half the time.
export PYTHONDONTWRITEBYTECODE :=

STAMP := .venv/.synced

.PHONY: setup up demo test check bench chaos fuzz soak wheel documents released

setup: $(STAMP)

.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(STAMP): pyproject.toml uv.lock .tools/bin/uv
	.tools/bin/uv sync --quiet --locked --all-extras --all-groups --python "$(PYTHON)"
	.venv/bin/python -m compileall -q src
	@touch $@

up: $(STAMP)
	.venv/bin/studyspot up

demo: $(STAMP)
	.venv/bin/studyspot demo

test: $(STAMP)
	.venv/bin/pytest tests -n 4 --dist loadfile --no-loadscope-reorder

check: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m studyspot.console.documents --check
	.venv/bin/python -m studyspot.console.released_schemas

documents: $(STAMP)
	.venv/bin/python -m studyspot.console.documents

# A step of a release: today's events are shipped, and stay as they are.
released: $(STAMP)
	.venv/bin/python -m studyspot.console.released_schemas --keep

bench: $(STAMP)
	.venv/bin/python -m benchmarks all

# Kills rebuilds, their processes, workers and PostgreSQL at random moments; then, for so many seconds, all that
# brings events to clients, while these come, go and lose rights: beside a node that forgets soon, and beside one of
# two workers. A seed repeats what is left to chance.
KILLS ?= 200
SECONDS ?= 300
SEED ?= 1

chaos: $(STAMP)
	.venv/bin/python -m tests.projections.rebuild.campaign --kills $(KILLS) --seed $(SEED)
	.venv/bin/python -m tests.chaos.fanout_campaign --seconds $(SECONDS) --seed $(SEED)
	.venv/bin/python -m tests.chaos.fanout_campaign --seconds $(SECONDS) --seed $(SEED) --second workers

# Asks the API in every role what its document allows, and what it does not; then sends a fan-out frames that
# nobody expects. A seed repeats both.
CASES ?= 3000
FRAMES ?= 100000

fuzz: $(STAMP)
	.venv/bin/python -m tests.fuzz.campaign --cases $(CASES) --seed $(SEED)
	.venv/bin/python -m tests.fuzz.frames_campaign --frames $(FRAMES) --seed $(SEED)

# A hundred of two thousand sockets stop reading, again and again.
MINUTES ?= 5

soak: $(STAMP)
	.venv/bin/python -m tests.chaos.stalled_readers --minutes $(MINUTES)

wheel: $(STAMP)
	.tools/bin/uv build --wheel --out-dir dist
