# Two commands are enough: `make run` shows portal, `make test` tests it. Both set up .venv by themselves.

PORT ?= 8080
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))

SHELL := bash
.SHELLFLAGS := -o pipefail -c

VENV := .venv
BIN := $(VENV)/bin
# A stamp stands for what is installed; a changed pyproject.toml makes it old.
RUN := $(VENV)/installed-run
DEV := $(VENV)/installed-dev

.DEFAULT_GOAL := help
.PHONY: help run test test-programs test-parts lint oracle replicas startup-runs bench-watch bench-start bench-stream bench-availability clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { n = split($$1, names, " "); \
		for (i = 1; i <= n; i++) printf "make %-20s %s\n", names[i], $$2 }' $(MAKEFILE_LIST)

run: $(RUN) ## show the demo on http://127.0.0.1:8080 (PORT=9090 for another port)
	@$(BIN)/portal demo --port $(PORT)

ifdef ARGS
test: $(DEV)
	@$(BIN)/python -m pytest -q $(ARGS)
else
test: $(DEV) ## run the whole suite (ARGS='-k words' for a part of it)
	@$(MAKE) --no-print-directory --jobs 2 --keep-going test-programs test-parts
endif

# Two processes side by side, because most tests wait: whole programs, and everything else; each line says whose it is.
PROGRAMS := tests/browser tests/cli tests/cluster tests/flow
NAMED = while IFS= read -r line; do printf '%s | %s\n' $(@:test-%=%) "$$line"; done

test-programs: $(DEV)
	@$(BIN)/python -m pytest -q $(PROGRAMS) | $(NAMED)

test-parts: $(DEV)
	@$(BIN)/python -m pytest -q tests $(PROGRAMS:%=--ignore=%) | $(NAMED)

lint: $(DEV) ## run every check that is not a test
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry portal
	@$(BIN)/codespell

oracle: $(DEV) ## break a real API server at random for minutes, and compare what portal believes with what is
	@$(BIN)/python -m tests.kube.oracle $(or $(ARGS),--seconds 240)

replicas: $(DEV) ## kill a replica in the middle of a burst, 100 times
	@PORTAL_ROUNDS=100 $(BIN)/python -m pytest -q tests/stream/test_killed_replicas.py $(ARGS)

startup-runs: $(DEV) ## start 25 times by each strategy while objects change, on a real API server
	@PORTAL_STARTUP_RUNS=25 $(BIN)/python -m pytest -q tests/flow/test_startup_strategies.py $(ARGS)

bench-watch bench-start bench-stream bench-availability: $(DEV) ## measure portal beside its peers
	@$(BIN)/python -m tests.bench.$(subst -,_,$(@:bench-%=%))

clean: ## remove what was set up and built
	rm -rf $(VENV) build dist

$(RUN): pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@ $(RUN)

# pip knows dependency groups from 25.1 on.
$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "make: no Python 3.11 or newer found; on Debian: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "make: $(PYTHON) comes without venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) once; this takes a minute"
	@$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' || { rm -rf $(VENV); exit 1; }
