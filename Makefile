# Everything runs from .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test check soak clean

demo: $(READY)            ## the whole way on the bundled sample, on a tiny model, offline
	$(BIN)/scantune demo

test: $(READY)            ## every test but the long proofs, in two processes
	$(BIN)/python -m pytest -m "not soak" -n 2 --dist loadfile

check: $(READY)           ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

soak: $(READY)            ## the long proofs
	$(BIN)/python -m pytest -m soak --timeout 7200

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "scantune needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
