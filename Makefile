# make help says what there is. Nothing here needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.carillon

.PHONY: help setup asterisk demo run test check bench soak clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' $(MAKEFILE_LIST)

$(STAMP): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "carillon: Python 3.11 or newer is needed; make PYTHON=/path/to/it" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "carillon: python3-venv is missing; install that package" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -e . || { echo "carillon: the Python packages could not be installed; check pip's network and index" >&2; exit 1; }
	@touch $@

$(STAMP)-test: $(STAMP)
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]' || { echo "carillon: the Python packages could not be installed; check pip's network and index" >&2; exit 1; }
	@touch $@

asterisk: $(STAMP)
	@$(BIN)/python -m dialplan.fetch asterisk > /dev/null

setup: asterisk ## install everything, Asterisk included, into .venv and .cache

demo: setup ## dial 200 contacts against a simulated carrier and compare all accounts of it
	@$(BIN)/carillon demo

run: setup ## bring up an installation to try, in var/run; Ctrl-C stops it
	@$(BIN)/carillon evaluation --home var/run
	@$(BIN)/carillon up --home var/run

# The live ring runs dozens of real servers on whatever machine this is: what fails is tried once more, and named.
test: setup $(STAMP)-test ## all tests, those with a real Asterisk and MariaDB included
	@$(BIN)/python -m dialplan.fetch sipp > /dev/null
	@$(BIN)/python -m dialplan.fetch mariadb > /dev/null
	@$(BIN)/python -m pytest -n 2 --ignore=tests/live
	@$(BIN)/python -m pytest tests/live --reruns 1 -rR

check: $(STAMP)-test ## lint, types, architecture and unit tests, in under a minute
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/python -m pytest -q -n 2 -m "not live and not soak and not slow"

bench: setup $(STAMP)-test ## speed: calls per second against a bare AMI client, an import against a bare executemany, the API against a bare Flask route
	@$(BIN)/python -m tests.bench.calls
	@$(BIN)/python -m tests.bench.imports
	@$(BIN)/python -m tests.bench.api

soak: setup $(STAMP)-test ## the long proofs
	@$(BIN)/python -m dialplan.fetch sipp > /dev/null
	@$(BIN)/python -m pytest -m soak tests/live tests/api

clean: ## remove what was built and fetched
	rm -rf $(VENV) .cache var build *.egg-info
