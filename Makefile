# Menkou's commands. Each builds .venv by itself with plain Python (3.11 or newer) and pip.
# Which package registry pip asks, and through what proxy, comes from pip's own settings and environment.

SHELL := /bin/sh
# The first Python on PATH that is new enough; PYTHON=... names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
CHECKED := bot handlers storage

.DEFAULT_GOAL := help
.PHONY: help demo test bench lint messages clean runtime dev
.DELETE_ON_ERROR:

help:
	@echo 'make demo      start a demonstration city and its web chat'
	@echo 'make test      run the tests'
	@echo '               MENKOU_SOAK=1 make test: joins, queues and kills in full size, for half an hour and more'
	@echo 'make lint      check style, types and message catalogues'
	@echo 'make bench     run the benchmarks'
	@echo 'make messages  bring the message catalogues up to date with the sources'
	@echo 'make clean     remove .venv and everything that was built'

# --- Environment ---------------------------------------------------------------------------------------------------
# Two stamps: what running needs, and what tests need on top. `make .venv` builds both.

$(VENV): dev
runtime: $(VENV)/runtime.stamp
dev: $(VENV)/dev.stamp

$(VENV)/runtime.stamp: requirements/base.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Menkou needs Python 3.11 or newer; none is on PATH (or name it: make PYTHON=/path/to/python3)' >&2; exit 1; }
	@test -x $(PY) || { echo 'Building $(VENV) ...' >&2; $(PYTHON) -m venv $(VENV); }
	@echo 'Installing what Menkou needs (pinned, hashes checked) ...' >&2
	@$(PIP) install --quiet --require-hashes -r requirements/base.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp requirements/dev.txt
	@echo 'Installing what the tests need (pinned, hashes checked) ...' >&2
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# --- Commands ------------------------------------------------------------------------------------------------------

demo: runtime
	@$(VENV)/bin/menkou demo $(ARGS)

test: dev
	@$(PY) -m pytest --cov --cov-report=term:skip-covered $(ARGS)

bench: dev
	@$(PY) -m benchmarks $(ARGS)

lint: dev
	$(PY) -m ruff check .
	$(PY) -m mypy $(CHECKED)
	$(PY) -m tests.messages

messages: dev
	$(PY) -m tests.messages --update

clean:
	rm -rf $(VENV) *.egg-info build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
