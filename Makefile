# Naik Kelas. `make help` lists everything; `make demo` and `make test` are all a newcomer needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first Python of 3.11 or newer; say `make demo PYTHON=/path/to/python3.12` to choose another one.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$p; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
# One stamp for each state of the lock: with it there, nothing is fetched.
STAMP := $(VENV)/.ready-$(shell cat requirements.lock pyproject.toml | cksum | cut -d ' ' -f 1)
# `make test ARGS='tests/house -k links'` narrows a run.
ARGS ?=
# With WORKERS=3, as in CI, three processes share a run of the tests, module by module, each with servers of its own.
WORKERS ?= 0

.PHONY: help
help: ## list what make can do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## set up everything, then run the main job: spreadsheets to events, dashboard, messages, audit
	@$(BIN)/naikkelas demo $(ARGS)

.PHONY: test
test: setup ## run the tests, on a real Kafka and a real PostgreSQL
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# ARGS='--until up' ends after the step of that name. It is no part of `make test`: it needs an engine and takes long.
.PHONY: test-compose
test-compose: setup ## run the containers of deploy/ on an engine: up, an import, scaling, restarts, kills, audits
	@$(BIN)/python -m tests.compose $(ARGS)

.PHONY: check
check: format-check lint types imports test ## all that CI runs: format, lint, types, imports, tests

.PHONY: bench
bench: setup ## measure speed and memory, as ratios to the raw client in the same run
	@$(BIN)/python -m bench $(ARGS)

.PHONY: peers
peers: setup ## measure others on the same way beside ours, and put them to the same faults (fetches them once)
	@$(BIN)/python -m bench.peers $(ARGS)

# PROMISE=P15 and SEED=7 narrow it; SIZE is short, middle or full; ARGS=--write writes docs/reliability.md.
.PHONY: prove
prove: setup ## run the promises under real faults; PROMISE=P15 SEED=7 repeats one
	@$(BIN)/python -m proof $(addprefix --promise ,$(PROMISE)) $(addprefix --seed ,$(SEED)) $(addprefix --size ,$(SIZE)) $(ARGS)
	@if [ -z "$(PROMISE)" ]; then PROOF_EXAMPLES=300 $(BIN)/python -m pytest -q tests/proof/test_machine.py; fi

.PHONY: up
up: setup ## start the local Kafka, PostgreSQL and all services
	@$(BIN)/naikkelas up $(ARGS)

.PHONY: down
down: setup ## stop them; with ARGS=--wipe their data goes too
	@$(BIN)/naikkelas down $(ARGS)

.PHONY: setup
setup: $(STAMP) ## make the virtual environment from the lock (once; needs the network only when the lock changed)

$(STAMP):
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null; then \
		echo "Naik Kelas needs Python 3.11 or newer, and none was found: install one, or name it with make PYTHON=/path/to/python3.11" >&2; \
		exit 1; fi
	@if ! $(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		echo "Making $(VENV) with $$($(PYTHON) --version)"; \
		"$(PYTHON)" -m venv --clear $(VENV) || { \
			echo "$(PYTHON) cannot make a virtual environment: install its venv package (Debian: apt-get install python3-venv)" >&2; \
			exit 1; }; fi
	@echo "Installing the packages of requirements.lock (the first time, some 300 MB are downloaded)"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock \
		| { grep --line-buffered -v '^Requirement already satisfied' || true; }
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --no-index -e .
	@rm -f $(VENV)/.ready-* && touch $@

.PHONY: format
format: setup ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

.PHONY: format-check
format-check: setup
	@$(BIN)/ruff format --check .

.PHONY: lint
lint: setup ## ruff
	@$(BIN)/ruff check .

.PHONY: types
types: setup ## mypy, strict
	@$(BIN)/mypy

.PHONY: imports
imports: setup ## the six import contracts
	@$(BIN)/lint-imports

.PHONY: schemas
schemas: setup ## write the stored JSON Schemas of new contracts
	@$(BIN)/naikkelas contracts release

.PHONY: lock
lock: setup ## make requirements.lock and requirements-run.lock anew from requirements.in
	@$(BIN)/uv pip compile $(COMPILE) requirements.in --output-file requirements.lock
	@sed '/^# --- below/,$$d' requirements.in | $(BIN)/uv pip compile $(COMPILE) --constraint requirements.lock - --output-file requirements-run.lock

COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade,)

.PHONY: clean
clean: ## remove caches (not the virtual environment, not the stack's data)
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build ./*.egg-info
