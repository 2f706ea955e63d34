# `make` alone lists what there is. All of it lives in .venv/ and var/; delete both to start anew.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-input --require-hashes
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))

.PHONY: help setup run test check format bench pictures soak worker messages lock audit

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: .venv/production .env $(CATALOGUES) ## only set up: .venv/, .env and the Dutch catalogue

run: setup ## start the whole product on this machine; Ctrl-C ends it. PORT=8001 picks a port
	@$(BIN)/python manage.py run --port $(PORT)

test: setup .venv/development ## all tests. ARGS="-k undo" is handed to pytest
	$(BIN)/python -m pytest -n 3 $(ARGS)

check: setup .venv/development ## all that must hold besides the tests
	.ci/check

bench: setup .venv/development ## speed, with its yardsticks, as JSON lines. ARGS="claim --calls 20000" runs one of them
	$(BIN)/python -m bench $(ARGS)

pictures: setup .venv/development ## a picture of every page and state, and index.html beside them, in screenshots/
	SCREENSHOTS=screenshots BROWSER=required $(BIN)/python -m pytest -n 0 tests/browser -k "nl-chromium or en-chromium" $(ARGS)
	$(BIN)/python tests/browser/contact_sheet.py screenshots

soak: setup ## the long form of the tests of what leaves and what comes in
	SIMULATION_HISTORIES=10000 WALK_HISTORIES=10000 PULL_CALLS=20000 $(BIN)/python -m pytest tests/simulation tests/integrations/test_streams_histories.py tests/calls/test_pull.py $(ARGS)
	WEBHOOK_MALFORMED=50000 WEBHOOKS_SHUFFLED=100000 $(BIN)/python -m pytest tests/integrations/test_webhooks.py tests/integrations/test_webhooks_http.py tests/integrations/test_inbox_workers.py $(ARGS)

format: .venv/development ## put code and templates in the one form
	$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .
	find templates -name '*.html' -exec $(BIN)/djade --target-version 5.2 {} +

worker: setup ## one more worker, for every queue
	$(BIN)/celery -A config worker --queues send,walk,export --loglevel WARNING

messages: setup ## collect the texts to translate (needs gettext)
	$(BIN)/python manage.py makemessages --locale nl --no-obsolete

lock: .venv/development ## compile requirements/*.in anew
	$(LOCK) requirements/production.in --output-file requirements/production.txt
	$(LOCK) requirements/development.in --constraints requirements/production.txt --output-file requirements/development.txt

audit: .venv/development ## look the dependencies up for known faults (needs the network)
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements/development.txt

.venv/made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Belbord needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv && touch $@

.venv/%: requirements/%.txt | .venv/made
	@echo "Installing requirements/$*.txt into .venv/, once …"
	@$(PIP) --requirement $< && touch $@

.env:
	cp .env.example .env

%.mo: %.po .venv/production
	@$(BIN)/pybabel --quiet compile --use-fuzzy --input-file $< --output-file $@
