# Every target works on a fresh machine that has Python 3.11, make and git.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup gate test test-fast test-browser check docs clean
SHELL := /bin/sh

PYTHON := .venv/bin/python
READY := .venv/ready
GATES := tests/docker/test_gate.py
# Whole files to a worker each: what a file shares is made once, and its tests keep their order. Two workers a core, because half of
# the tests wait for processes of their own.
PARALLEL := -n $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN)) --dist loadfile --no-loadscope-reorder
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Compiled modules are kept, whatever the caller's shell says: every worker would compile all of them, in three seconds of each core.
unexport PYTHONDONTWRITEBYTECODE

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements-dev.lock pyproject.toml scripts/environment.sh
	@scripts/environment.sh

setup: $(READY) ## Make this machine ready: engine, Compose, secrets, certificates, images
	@$(PYTHON) -m procedures.setup

gate: $(READY) ## Judge the reference system: GO or NO-GO, and the report (ARGS="--only load" narrows)
	@$(PYTHON) -m procedures.setup machine
	@$(PYTHON) -m readygate run $(ARGS)

# Three parts, because whole gates want the machine to themselves, while other stacks wait for most of their time: those two at a
# time. All run whatever the others said; 5 is "no test was selected", which is well when another part has some.
test: setup ## Test the gate itself, on real stacks (ARGS="-k words" narrows)
	@$(PYTHON) -m pytest -m "not docker and not browser" $(PARALLEL) $(ARGS); fast=$$?; \
	echo "part 1 of 3, without an engine, ended with status $$fast; part 2 is on real stacks" >&2; \
	$(PYTHON) -m pytest -m docker --ignore $(GATES) -n 2 --dist loadfile --no-loadscope-reorder $(ARGS); stacks=$$?; \
	echo "part 2 of 3, on real stacks, ended with status $$stacks; part 3 is whole gates" >&2; \
	$(PYTHON) -m pytest -m docker $(GATES) $(ARGS); gates=$$?; \
	for status in $$fast $$stacks $$gates; do [ $$status -eq 0 ] || [ $$status -eq 5 ] || exit $$status; done; \
	[ $$fast$$stacks$$gates != 555 ] || exit 5

test-fast: $(READY) ## Test in some 55 s what needs neither an engine nor load generators and whole runs of its own
	@$(PYTHON) -m pytest -m "not docker and not browser and not slow" $(PARALLEL) $(ARGS)

test-browser: $(READY) ## Test the pages in Chromium, where one is installed (AXE=axe.min.js for the rules of axe-core)
	@$(PYTHON) -m pytest -m browser tests/browser $(ARGS)

check: $(READY) ## Lint, formatting, types and the import rules
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m pytest -q tests/test_architecture.py

docs: $(READY) ## Write the generated documents anew
	@$(PYTHON) -m gate.catalogue

clean: ## Remove what the gate created and the caches; keeps secrets, .env, reports and images
	@if [ -x $(PYTHON) ] && command -v docker >/dev/null; then $(PYTHON) -m readygate clean; fi
	@rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
