# Everything is set up in .venv, from the versions that constraints.txt pins.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test quick lint bench clean

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

test: setup
	$(BIN)/python -m pytest -m 'not benchmark' -n logical --dist worksteal

quick: setup
	$(BIN)/python -m pytest -m 'not benchmark and not slow' -n logical --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m tests.benchmarks.test_jobs_speed
	$(BIN)/python -m pytest -m benchmark -s tests/benchmarks --deselect tests/benchmarks/test_jobs_speed.py

clean:
	rm -rf $(VENV) build demo *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
