# Every target tells what it does in the comment behind it; `make help` prints them.
PY := .venv/bin/python
UV := .venv/bin/uv
UV_VERSION := 0.13.9

.PHONY: help setup run check test format kafka-up kafka-down migration

help: ## What there is to do
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

setup: .venv/ready ## Make .venv with everything the lock file names

.venv/ready: uv.lock pyproject.toml
	@command -v python3 >/dev/null || { echo "Python 3.11 or later is missing; install it first."; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed."; exit 1; }
	python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	VIRTUAL_ENV=$(CURDIR)/.venv $(UV) sync --frozen --inexact --quiet --compile-bytecode --system-certs
	$(PY) -m compileall -q contracts catalogue chassis services gateway duijie
	@touch $@

run: setup ## Everything on this machine, with the demonstration (DEMO=0 PORT= DATA= SEED=)
	@exec .venv/bin/duijie up --port $(or $(PORT),8000) --seed $(or $(SEED),1) \
		$(if $(filter 0,$(DEMO)),,--demo) $(if $(DATA),--data "$(DATA)")

check: setup ## Format, lint, types, import rules: within a minute
	$(PY) -m ruff format --check --quiet .
	$(PY) -m ruff check --quiet .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache

format: setup ## Put the code into its one form
	$(PY) -m ruff format --quiet .
	$(PY) -m ruff check --fix --quiet .

test: setup ## Every test, on a real PostgreSQL and a real Kafka
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

kafka-up: setup ## Start Apache Kafka on loopback (fetched by Maven the first time)
	$(PY) -m deploy.kafka.broker up

kafka-down: setup ## Stop it
	$(PY) -m deploy.kafka.broker down

migration: setup ## Write a migration: make migration S=listing WHY='what it is for'
	$(PY) -m duijie.databases $(S) '$(WHY)'
