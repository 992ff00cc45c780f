# Everything is set up in .venv, from the versions that constraints.txt pins.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test quick lint docs bench clean

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt setuptools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	touch $@

demo: setup
	rm -rf demo
	$(BIN)/dynviz run voronoi -o adamw -o adamw-l1 --out demo/voronoi
	$(BIN)/dynviz export demo/voronoi demo/voronoi.gif --story

# Tests make their recordings in memory where there is room: some disks take a tenth of a second for each sync.
ROOM := $(shell df --output=avail -BG /dev/shm 2>/dev/null | tail -n 1 | tr -dc 0-9)
MEMORY := $(shell [ "$(ROOM)0" -ge 80 ] && [ -w /dev/shm ] && echo PYTEST_DEBUG_TEMPROOT=/dev/shm)

# Where Python is told to keep no bytecode, each of thousands of processes would compile the package anew.
test: setup
	$(BIN)/python -m compileall -q dynviz scenarios
	$(MEMORY) $(BIN)/python -m pytest -m 'not benchmark' -n logical --dist worksteal

quick: setup
	$(BIN)/python -m compileall -q dynviz scenarios
	$(MEMORY) $(BIN)/python -m pytest -m 'not benchmark and not slow' -n logical --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --config-file .mkdocs.yml

bench: setup
	$(BIN)/python -m tests.benchmarks.test_jobs_speed
	$(BIN)/python -m pytest -m benchmark -s tests/benchmarks --deselect tests/benchmarks/test_jobs_speed.py

clean:
	rm -rf $(VENV) build demo site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
