# Every target is an intention; `make` alone prints them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
CODE := dada shop handlers worker cli sandbox specs
UV := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' --no-emit-find-links

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

run: venv ## start the whole system on this machine: http://127.0.0.1:7000
	@$(BIN)/dada up

test: dev machine ## all tests, on real servers, in a real browser
	@$(BIN)/pytest -n 2 --dist loadgroup --max-worker-restart=0 --hypothesis-seed=0 --cov --cov-report=term

oracle: dev machine ## ten thousand questions to a real browser, and to our model of it
	@ORACLE_CASES=10000 $(BIN)/pytest -q -s tests/browser/test_oracle.py

pictures: dev machine ## the screenshots of the documents, made anew
	@DADA_PICTURES=docs/pictures $(BIN)/pytest -q tests/browser/test_pictures.py

fuzz: dev ## look for inputs that break the core, until Ctrl-C: make fuzz WHAT=sealed
	@$(BIN)/python -m tests.fuzz $(or $(WHAT),sealed) .fuzz/$(or $(WHAT),sealed)

model: dev ## the queue in every order of events, larger than the tests do: make model WHAT=cuts
	@$(BIN)/python -m tests.model $(WHAT)

drill: dev machine ## kill, freeze and cut everything, then check that no job is lost: make drill SEED=7 JOBS=2000 MINUTES=5
	@$(BIN)/python -m tests.drill $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) $(if $(MINUTES),--minutes $(MINUTES))

mutants: dev ## break each rule of a module once, and see which no test misses: make mutants WHAT=router
	@$(BIN)/python -m tests.mutation.run $(WHAT)

check: lint types imports test ## everything CI asks for

lint: dev ## ruff: style and layout
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .

types: dev ## mypy --strict
	@$(BIN)/mypy

imports: dev ## imports run downhill
	@$(BIN)/lint-imports

format: dev ## let ruff lay out the code
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .

lessons: dev ## cut listings and run transcripts anew, renew the page's copies: make lessons WHAT=cors
	@$(BIN)/python -m tests.lessons $(WHAT)

lock: dev ## choose newer packages: rewrites the lock files
	@$(UV) --upgrade setup.cfg --extra sandbox -o requirements.lock
	@$(UV) --upgrade setup.cfg --extra dev -c requirements.lock -o requirements-dev.lock
	@$(UV) --upgrade setup.cfg --extra bench -c requirements.lock -o bench/requirements.lock
	@echo gunicorn_h1c | $(UV) --upgrade - -o requirements-fast.lock

clean: ## remove what the other targets made, the sandbox's data too
	@rm -rf .venv .venv-bench .sandbox .fuzz .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info .coverage

venv:
	@tools/venv.sh requirements.lock

dev:
	@tools/venv.sh requirements-dev.lock

machine:
	@tools/machine.sh

.PHONY: help run test lessons oracle pictures fuzz model drill mutants check lint types imports format lock clean venv dev machine

bench: ## measure against peers, in ratios: make bench WHAT=tokens
	@tools/venv.sh bench/requirements.lock .venv-bench
	@.venv-bench/bin/python -m bench $(WHAT)

.PHONY: bench
