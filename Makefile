# `make` alone lists what there is.

SHELL := /bin/sh
BIN := .venv/bin
MAIN := $(BIN)/python

# The name of a stamp comes from what the locks hold, so that another lock means another stamp.
digest = $(shell cat $(1) | cksum | cut -d ' ' -f 1)
RUN_STAMP := .installed-run-$(call digest,requirements.lock requirements-uv.lock)
DEV_STAMP := .installed-dev-$(call digest,requirements-dev.lock requirements-uv.lock)
RUN := .venv/$(RUN_STAMP)
DEV := .venv/$(DEV_STAMP)

# An environment whose Python was removed has to be made again, whatever its stamps say.
ifeq ($(realpath $(MAIN)),)
.PHONY: $(RUN) $(DEV)
endif

# The Python that the environment is made with: the first of these that is new enough and can make one.
PYTHON ?= python3.13 python3.12 python3.11 python3
define WITH_PYTHON
python=; for candidate in $(PYTHON); do \
	if "$$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then python="$$candidate"; break; fi; done; \
if [ -z "$$python" ]; then \
	echo 'No Python 3.11 or newer that can make a virtual environment was found (tried: $(PYTHON)).' >&2; \
	echo 'Install one: "apt install python3 python3-venv" on Debian and Ubuntu, "brew install python" on macOS;' >&2; \
	echo 'or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)' >&2; \
	exit 1; fi; "$$python"
endef

.DEFAULT_GOAL := help
.PHONY: help setup run seed test check format-check lint types contracts audit check-versions structure prose fmt lock bench chaos clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'
	@echo '  ARGS="..." is handed on by run, seed, test, bench, chaos and structure.'

setup: $(RUN)  ## Make .venv with what the program needs

$(RUN):
	@$(WITH_PYTHON) tools/install.py requirements.lock --stamp $(RUN_STAMP)

# The development lock holds all of the other one.
$(DEV):
	@$(WITH_PYTHON) tools/install.py requirements-dev.lock --stamp $(DEV_STAMP) --stamp $(RUN_STAMP)

run: $(RUN)  ## Start the server (ARGS="--role=worker", ...)
	@$(MAIN) run.py $(ARGS)

seed: $(RUN)  ## Fill the database with sample data (ARGS="--scale 10000")
	@$(MAIN) -m seeds $(ARGS)

# All of it is spread over the processors, and one more, for much of it is waiting; what ARGS picks out is not, since it
# may want -s or --pdb.
WORKERS = $(shell $(MAIN) -c 'import os; print(os.cpu_count() + 1)')
test: $(DEV)  ## The whole test suite (ARGS="tests/services -k like")
	@$(MAIN) -m pytest $(if $(ARGS),$(ARGS),-n $(WORKERS) --dist worksteal)

chaos: $(DEV)  ## Kill what the program depends on, as often as is promised: the better part of an hour
	@CHAOS=full $(MAIN) -m pytest tests/chaos tests/contract/test_conformance.py --timeout=3600 $(ARGS)

bench: $(DEV)  ## Measure
	@$(MAIN) -m benchmarks $(ARGS)

check: format-check lint types contracts audit check-versions test  ## Everything that must hold before a commit

format-check: $(DEV)
	@echo '== format' && $(BIN)/ruff format --check --quiet . || { echo 'Run: make fmt' >&2; exit 1; }

lint: $(DEV)
	@echo '== lint' && $(BIN)/ruff check --quiet .

types: $(DEV)
	@echo '== types' && $(BIN)/basedpyright --project pyproject.toml --level error

contracts: $(DEV)
	@echo '== import contracts' && $(BIN)/lint-imports --no-logo

audit: $(DEV)  ## Known vulnerabilities among the dependencies
	@echo '== dependency audit' && $(MAIN) -m tools.audit requirements.lock

check-versions: $(DEV)  ## The smoke stories on the other supported Pythons that are here
	@echo '== other Python versions' && $(MAIN) -m tools.check_versions

structure: $(DEV)  ## Report sizes, name collisions and SQL above models/ (ARGS="--check")
	@$(MAIN) -m tools.structure $(ARGS)

prose: $(DEV)  ## List rejected words in documentation, comments and messages
	@$(MAIN) -m tools.prose

fmt: $(DEV)  ## Format, and mend what the linter can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url $(LOCK)
lock: $(DEV)  ## Pin what requirements*.in ask for (LOCK=--upgrade for the newest)
	$(COMPILE) requirements.in -o requirements.lock
	$(COMPILE) -c requirements.lock requirements-dev.in -o requirements-dev.lock
	$(COMPILE) -c requirements-dev.lock requirements-uv.in -o requirements-uv.lock

clean:  ## Remove the environments and caches; var/ with its data stays
	rm -rf .venv .venv-* .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
