# Two commands are all a newcomer needs:  make up   and   make test
.DEFAULT_GOAL := help
.PHONY: help setup up test test-deep check bench clean
SHELL := /bin/bash
BIN := .venv/bin
INPUTS := pyproject.toml uv.lock scripts/setup.sh

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## make the environment in .venv; .venv/bin/mingjing is the program
.venv/.ready: $(INPUTS)
	@scripts/setup.sh run
.venv/.ready-dev: $(INPUTS)
	@scripts/setup.sh dev

up: .venv/.ready ## start everything with the demo sites; ARGS="--site-port 9440" passes options on
	@exec $(BIN)/mingjing up --demo $(ARGS)

test: check ## install what is missing and run every test, a real browser included
	@scripts/test-tools.sh
	@exec $(BIN)/pytest -n auto --dist loadfile -m "not deep" $(ARGS)

test-deep: .venv/.ready-dev ## the long forms, property tests with 5,000 examples each; results: docs/measurements.md
	@scripts/test-tools.sh
	@HYPOTHESIS_PROFILE=deep exec $(BIN)/pytest -n auto -m "deep or hypothesis" --timeout 7200 $(ARGS)

check: .venv/.ready-dev ## linters, types and import rules
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo | tail -n 1

bench: .venv/.ready-dev ## measure, each figure beside its limit in the same run
	@scripts/test-tools.sh
	@exec $(BIN)/python -m benchmarks $(ARGS)

clean: ## remove the environment and caches (never the data)
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
