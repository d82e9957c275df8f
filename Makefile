# Every target tells what it does in the comment behind it; `make help` prints them.
PY := .venv/bin/python
UV := .venv/bin/uv
UV_VERSION := 0.13.9

unexport PYTHONDONTWRITEBYTECODE  # pytest writes its asserts anew each time, where it may not keep them

.PHONY: help setup browser run cluster check test pages screens long apart faults degraded campaign mutants bench drain bench-smoke docs format kafka-up kafka-down migration

help: ## What there is to do
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

setup: .venv/ready gateway/pages/node_modules/ready ## Make .venv with everything the lock file names, and fetch what the pages load

# The pages work without it, with tables instead of charts; the tests of the pages say so, and fail where CI=true.
gateway/pages/node_modules/ready: gateway/pages/package-lock.json
	@if ! command -v npm >/dev/null; then echo "npm is missing: the pages will have no charts (install Node.js, then make setup)."; \
	elif npm ci --silent --prefix gateway/pages; then touch $@; \
	else echo "npm could not fetch what gateway/pages/package-lock.json names: the pages will have no charts."; fi

browser: ## Install Debian's Chromium and a Chinese font, for the tests of the pages and their pictures
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && test "$$(id -u)" = 0 \
		|| { echo "Chromium is missing, and only root can install it with apt-get; install chromium yourself."; exit 1; }; \
		apt-get install -y -qq chromium fonts-wqy-zenhei >/dev/null 2>&1 \
		|| { apt-get update -qq && apt-get install -y -qq chromium fonts-wqy-zenhei >/dev/null; }; }

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

cluster: setup ## Every process apart over PostgreSQL and Kafka, on this machine (WORKERS= BROKERS= PORT= DATA=)
	@exec $(PY) -m deploy.cluster up --port $(or $(PORT),8000) --workers $(or $(WORKERS),1) \
		--brokers $(or $(BROKERS),1) $(if $(DATA),--data "$(DATA)")

check: setup ## Format, lint, types, import rules, and that the tests beside `make test` can be found: within a minute
	$(PY) -m ruff format --check --quiet .
	$(PY) -m ruff check --quiet .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache
	@$(PY) -m pytest -p no:cacheprovider --collect-only -qq tests/faults tests/pages > .venv/found || (cat .venv/found; false)

format: setup ## Put the code into its one form
	$(PY) -m ruff format --quiet .
	$(PY) -m ruff check --fix --quiet .

# Three, for two processors: tests wait for a database, a process or a moment now and then.
TEST := $(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test: setup ## Every test, on a real PostgreSQL and a real Kafka, but those of the targets below: within five minutes
	$(TEST) -m "not long" --ignore=tests/pages

pages: setup browser ## The pages in a real browser, on a whole platform
	$(PY) -m pytest -n 2 --dist loadfile tests/pages

screens: setup browser ## Pictures of the pages beside a running `make run` with its demonstration (URL=): writes docs/screens
	$(PY) -m tests.pages.screens --url $(or $(URL),http://127.0.0.1:8000)

long: setup ## The tests that are too long for that: full-size markets, a demonstration, platforms and a broker killed, more examples of every property and of the surface
	$(TEST) -m "long or hypothesis" --hypothesis-profile=long

# Nothing there uses Hypothesis. Its plugin would load it for the closing lines, after threads and greenlets, where
# Python 3.11 may fail in its parser ("AST constructor recursion depth mismatch") and turn a green run red.
LONG_TEST := $(PY) -m pytest -p no:hypothesispytest

apart: setup ## The processes apart over Kafka: the scene, followers, a consumer that joins, workers killed, three brokers, a restore, wrong clocks, a bank, an import killed, 5,000 webhooks, 1,000 canaries
	$(LONG_TEST) $(addprefix tests/faults/test_,apart.py followers.py rebalance.py cluster.py three_brokers.py restore.py clock.py bank.py imports.py webhooks.py)
	CANARIES=1000 $(PY) -m pytest tests/gateway/personal/test_canaries.py

FAULTS_WITHIN_S := 600

faults: setup ## Faults into real processes, after the transports' contract: at most 10 minutes (FAULTS_SEED=)
	@date +%s > .venv/faults-began
	$(PY) -m pytest tests/chassis/transport/test_contract.py
	$(LONG_TEST) -s -p no:cacheprovider $(addprefix tests/faults/test_,gate.py disk.py)
	@spent_s=$$(($$(date +%s) - $$(cat .venv/faults-began))); echo "make faults: $$spent_s s of $(FAULTS_WITHIN_S)"; \
		test $$spent_s -le $(FAULTS_WITHIN_S)

degraded: setup ## What still works while the broker or a database is away, or when far too much is asked
	$(LONG_TEST) -s tests/faults/test_degraded.py

campaign: setup ## The same for as long as you say (MINUTES=60); appends to docs/campaign.md
	$(PY) -m tests.faults.campaign $(or $(MINUTES),60)

mutants: setup ## Deliberate bugs, one at a time: each must be caught
	$(LONG_TEST) -s -p no:cacheprovider tests/faults/mutants

bench: setup ## Every hot path against its peer, side by side (P="relay consume": those alone); writes docs/benchmarks.md
	$(PY) -m bench $(P)

drain: setup ## The whole CNY 500 million fund in the ledger's model, to the last fen: an hour or two; writes docs/drain.md
	$(PY) -m bench.drain

bench-smoke: setup ## The same programs, in seconds: they run, their figures mean nothing
	$(PY) -m bench --smoke

docs: setup ## Write docs/events (AsyncAPI, JSON Schemas, from contracts/) and the page of benchmarks anew
	$(PY) -m duijie.docs
	$(PY) -m bench --page

kafka-up: setup ## Start Apache Kafka on loopback (fetched by Maven the first time; BROKERS=3)
	$(PY) -m deploy.kafka.broker up --brokers $(or $(BROKERS),1)

kafka-down: setup ## Stop it
	$(PY) -m deploy.kafka.broker down

migration: setup ## Write a migration: make migration S=listing WHY='what it is for'
	$(PY) -m duijie.databases $(S) '$(WHY)'
