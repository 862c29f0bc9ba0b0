# `make` alone lists the targets. Needed on a new machine: Python 3.11 to 3.13 with its venv
# module, and make. Only the installation of packages uses the network.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
SPARK := $(VENV)/spark

# The first of these that is new enough; choose another with `make PYTHON=/path/to/python`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c '$(SUITABLE)' 2>/dev/null && { echo "$$p"; break; }; done)
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))

# More options for pytest, the benchmarks or the lock: `make test ARGS="-k streak"`.
ARGS ?=

# MLflow would report its use; without bytecode every command compiles MLflow anew.
export MLFLOW_DISABLE_TELEMETRY := true
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-all lint bench bench-quick bench-scale lock sbom wheel clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1~\2/p' Makefile | column -t -s '~' 2>/dev/null \
		|| sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1   \2/p' Makefile

demo: $(READY) ## invented students, from their records to a printed visit list
	$(BIN)/earlywarning demo $(ARGS)

# The folder of the environment, else the demo if there is one, else the usual place.
FOUND := $(firstword $(wildcard earlywarning-demo earlywarning-data))
SERVED := $(or $(EARLYWARNING_HOME),$(FOUND),earlywarning-data)
serve: $(READY) ## the interface to the lists, on this machine only
	$(BIN)/earlywarning --home $(SERVED) serve $(ARGS)

# The tests of one file stay together, for they share what is slow to make.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile
test: $(READY) ## the tests that take minutes
	$(PYTEST) -m "not slow" $(ARGS)

test-all: $(READY) $(SPARK) ## every test, the slow ones too; with PySpark, half a gigabyte
	$(PYTEST) $(ARGS)

lint: $(READY) ## style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyrefly check
	$(BIN)/lint-imports

bench: $(READY) ## every benchmark; fails if one falls below its bar
	$(BIN)/python -m benchmarks $(ARGS)

bench-quick: $(READY) ## the same on small data
	$(BIN)/python -m benchmarks --quick $(ARGS)

bench-scale: $(READY) $(SPARK) ## a province of a million students on this machine: hours, 12 GB, 30 GB of disk
	$(BIN)/python -m benchmarks --scale

sbom: ## what an installation consists of, as CycloneDX in JSON
	@"$(PYTHON)" tools/sbom.py

wheel: $(READY) ## one file to install, in dist/
	$(BIN)/hatchling build --target wheel

# Keeps the versions that are locked; `make lock ARGS=--upgrade` takes the newest. The files hold
# names, versions and hashes only, never an address, and serve Python 3.11 to 3.13 alike.
UV := build/lock/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
lock: $(UV) ## write the requirements files anew
	$(COMPILE) $(ARGS) pyproject.toml -o requirements.lock
	$(COMPILE) $(ARGS) --constraint requirements.lock --group test --group lint \
		pyproject.toml -o requirements-dev.lock
	$(COMPILE) $(ARGS) --constraint requirements.lock --extra spark \
		pyproject.toml -o requirements-spark.lock

$(UV):
	"$(PYTHON)" -m venv build/lock
	build/lock/bin/pip install --quiet 'uv>=0.13,<1'

clean: ## remove the environment and all that was built; data stays
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src api pipelines tests benchmarks tools -name __pycache__ -type d -prune \
		-exec rm -rf {} + 2>/dev/null || true

# pip, not a faster installer, because each machine's own pip configuration (an index of its
# own, a certificate) then counts. The stamp comes last, so that a broken installation is
# begun again.
$(READY): pyproject.toml requirements-dev.lock
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c '$(SUITABLE)' 2>/dev/null; then \
		echo "No suitable Python found: Python 3.11, 3.12 or 3.13 with its venv module is needed." >&2; \
		echo "On Debian or Ubuntu: apt-get install python3 python3-venv" >&2; \
		echo "To name one: make PYTHON=/path/to/python3.12 ..." >&2; \
		exit 1; \
	fi
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# What Spark needs beside it: the tests of a cluster run with it, and no other target asks for it.
$(SPARK): $(READY) requirements-spark.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-spark.lock
	@touch $@
