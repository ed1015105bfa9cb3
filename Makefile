# `make` without a target lists the targets.

SHELL := /bin/sh
BIN := .venv/bin
MAIN := $(BIN)/python

# A stamp in .venv says which lock file is installed: its name contains the checksum of the lock file.
digest = $(shell cksum $(1) | cut -d ' ' -f 1)
RUN_STAMP := .installed-run-$(call digest,requirements.lock)
DEV_STAMP := .installed-dev-$(call digest,requirements-dev.lock)
RUN := .venv/$(RUN_STAMP)
DEV := .venv/$(DEV_STAMP)

# The environment is created again if its Python was removed.
ifeq ($(realpath $(MAIN)),)
.PHONY: $(RUN) $(DEV)
endif

# The first of these that is 3.11 or newer and has venv creates the environment.
PYTHON ?= python3.13 python3.12 python3.11 python3
define WITH_PYTHON
python=; for candidate in $(PYTHON); do \
	if "$$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then python="$$candidate"; break; fi; done; \
if [ -z "$$python" ]; then \
	echo 'Python 3.11 or newer with the venv module was not found (tried: $(PYTHON)).' >&2; \
	echo 'Install it: "apt install python3 python3-venv" on Debian and Ubuntu, "brew install python" on macOS;' >&2; \
	echo 'or pass its path: make PYTHON=/path/to/python3 $(MAKECMDGOALS)' >&2; \
	exit 1; fi; "$$python"
endef

.DEFAULT_GOAL := help
.PHONY: help setup run seed test check format-check lint types contracts docs audit check-versions structure prose \
	suite fmt lock bench chaos screenshots clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'
	@echo '  ARGS="..." is passed to run, seed, test, bench, chaos and structure.'

setup: $(RUN)  ## Create .venv with the dependencies of the server

$(RUN):
	@$(WITH_PYTHON) tools/install.py requirements.lock --stamp $(RUN_STAMP)

# The development lock includes all of requirements.lock.
$(DEV):
	@$(WITH_PYTHON) tools/install.py requirements-dev.lock --stamp $(DEV_STAMP) --stamp $(RUN_STAMP)

run: $(RUN)  ## Start the server (ARGS="--role=worker")
	@$(MAIN) run.py $(ARGS)

seed: $(RUN)  ## Fill the database with sample data (ARGS="--scale 10000")
	@$(MAIN) -m seeds $(ARGS)

# The whole suite runs in parallel, on one process more than there are processors, because tests often wait.
# A selection runs in one process, and so do -s and --pdb, which need the terminal.
WORKERS = $(shell $(MAIN) -c 'import os; print(os.cpu_count() + 1)')
SELECTION = $(filter-out -%,$(ARGS)) $(filter -s --pdb --trace,$(ARGS))
test: $(DEV)  ## Run the tests (ARGS="tests/services -k like", ARGS=--cov)
	@$(MAIN) -m pytest $(if $(strip $(SELECTION)),,-n $(WORKERS) --dist worksteal) $(ARGS)

suite: $(DEV)
	@echo '== tests' && $(MAIN) -m tools.run_suite

chaos: $(DEV)  ## Run the fault-injection tests in full: almost an hour (ARGS="tests/chaos/kills")
	@CHAOS=full $(MAIN) -m pytest --timeout=3600 $(ARGS) $(if $(strip $(SELECTION)),,tests/chaos tests/contract/test_conformance.py)

screenshots: $(DEV)  ## Take screenshots of the web client of a running server with sample data
	@$(MAIN) -m tools.screenshots $(ARGS)

bench: $(DEV)  ## Run the benchmarks
	@$(MAIN) -m benchmarks $(ARGS)

check: format-check lint types contracts docs audit check-versions suite  ## Run every check that a commit must pass

format-check: $(DEV)
	@echo '== format' && $(BIN)/ruff format --check --quiet . || { echo 'Run: make fmt' >&2; exit 1; }

lint: $(DEV)  ## Run ruff and codespell, and look for rejected words
	@echo '== lint' && $(BIN)/ruff check --quiet . && $(BIN)/codespell && $(MAIN) -m tools.prose

types: $(DEV)  ## Check the types with basedpyright
	@echo '== types' && $(BIN)/basedpyright --project pyproject.toml --level error

contracts: $(DEV)  ## Check the import contracts, and that SQL rows stay in models/
	@echo '== import contracts' && $(BIN)/lint-imports --no-logo && $(MAIN) -m tools.structure --check >/dev/null

docs: $(DEV)  ## Build the documentation site in var/site
	@echo '== documentation' && NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && echo 'Open var/site/index.html.'

audit: $(DEV)  ## Look up known vulnerabilities of the dependencies
	@echo '== dependency audit' && $(MAIN) -m tools.audit requirements.lock

check-versions: $(DEV)  ## Run the smoke tests on the other installed Python versions
	@echo '== other Python versions' && $(MAIN) -m tools.check_versions

structure: $(DEV)  ## Report sizes, name collisions and SQL above models/ (ARGS="--check")
	@$(MAIN) -m tools.structure $(ARGS)

prose: $(DEV)  ## List rejected words in documentation, comments and messages
	@$(MAIN) -m tools.prose

fmt: $(DEV)  ## Format the code and apply the linter's fixes
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url $(LOCK)
lock: $(DEV)  ## Pin the dependencies of pyproject.toml (LOCK=--upgrade for the newest versions)
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean:  ## Remove the environments and caches, but not var/
	rm -rf .venv .venv-* .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
