# make song and make test do everything on a machine with Python 3.11 and make.
# The environment is .venv in this folder; versions are those of constraints.txt.

VERSIONS := 3.11 3.12 3.13 3.14
CANDIDATES := $(VERSIONS:%=python%) python3
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
OUT ?= out
KEY ?= A minor
FORM ?= intro 4, A 8, B 8, A 8, end 4
WORKERS ?= 2

# Pip applies the versions to what it installs and to what it builds with.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
# Only what is used gets compiled, when it is: that saves 30 MB and some seconds.
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile
# What is compiled is kept: tests start hundreds of processes, each of which would compile PyTorch anew.
unexport PYTHONDONTWRITEBYTECODE
# PyTorch without CUDA, which alone takes 3 GB: only the CPU build for Linux has "+cpu" in its version,
# so pip stops rather than fetch the other one. It is looked for where pip looks, then at PyTorch's own.
ifeq ($(shell uname -s),Linux)
TORCH ?= torch==2.13.0+cpu
else
TORCH ?= torch==2.13.0
endif
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
# How much `make fuzz` tries: times as many examples of each property, and damaged files of each kind.
FUZZ ?= 10
INPUTS ?= 10000

.PHONY: help song studio page setup test test-all check coverage fuzz lint docs clean

help:  ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

song: $(VENV)/player  ## Compose a piece with the bundled model into out/
	@$(VENV)/bin/ritornello compose --form "$(FORM)" --key "$(KEY)" --parts saxophone,piano,guitar,bass,drums \
		--formats mid,musicxml,mp3,png --output "$(OUT)"
	@echo "Next: play $(OUT)/*.mp3, then make your own: . $(VENV)/bin/activate && ritornello compose --help"

studio: $(VENV)/studio  ## Open the studio: compose by looking and listening, in a browser
	@$(VENV)/bin/ritornello studio $(ARGS)

page:  ## Build the studio's page from web/ (with Node 20; what is built is in the repository already)
	@cd web && npm install --no-save --no-audit --no-fund --silent && npm run build --silent

setup: $(VENV)/workshop  ## Install also what learning, scores, tests and style checks need
	@echo "Everything is set up. For the command ritornello: . $(VENV)/bin/activate"

test: $(VENV)/workshop  ## Run all tests (some minutes)
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n $(WORKERS) $(ARGS)

coverage:  ## Run all tests and say which files have lines that none of them runs (nearly twice as long)
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report= $(ARGS)"
	@$(VENV)/bin/coverage report --sort=cover --skip-covered | tail -n 12

test-all:  ## Run all tests on each Python from 3.11 on that is installed, in .venv-3.11 and so on
	@for version in $(VERSIONS); do \
		python=$$(for path in python$$version $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version.*/bin/python; do \
			test "$$($$path -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = $$version \
			&& echo $$path && break; done); \
		test -n "$$python" || { echo "Python $$version is not installed."; continue; }; \
		echo "Python $$version:"; \
		$(MAKE) --no-print-directory test PYTHON="$$python" VENV=.venv-$$version || failed="$$failed $$version"; \
	done; test -z "$$failed" || { echo "Failed on Python$$failed."; exit 1; }

check: lint  ## Check style, types and the fast tests (about a minute)
	@OMP_NUM_THREADS=1 RITORNELLO_EXAMPLES=0.2 $(VENV)/bin/python -m pytest -n $(WORKERS) -m "not slow" $(ARGS)

fuzz: $(VENV)/workshop  ## Search for what breaks: random examples, damaged files and models, odd options
	@OMP_NUM_THREADS=1 RITORNELLO_FUZZ=$(FUZZ) $(VENV)/bin/python -m pytest -n $(WORKERS) -m hypothesis $(ARGS)
	@for kind in readers models options; do \
		OMP_NUM_THREADS=1 $(VENV)/bin/python -m experiments.fuzz.fuzz_$$kind --inputs $(INPUTS) || failed=1; \
	done; test -z "$$failed"

lint: $(VENV)/workshop  ## Check style and types
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy

docs: $(VENV)/library  ## Build the documentation into docs/_build/
	@$(VENV)/bin/sphinx-build --quiet --fail-on-warning docs docs/_build
	@echo "Open docs/_build/index.html"

clean:  ## Remove the environment and everything built; your music in out/ stays
	@rm -rf $(VENV) .venv-* docs/_build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Each stamp stands for an install and is renewed when a version or a dependency changes.
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it," \
		"or name it as in: make song PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making the environment $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/player: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing ritornello (130 MB, about half a minute, once) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/studio: $(VENV)/player
	@echo "Installing what the studio needs (50 MB, some seconds, once) ..."
	@$(PIP) --editable '.[studio,score]'
	@touch $@

$(VENV)/workshop: $(VENV)/player
	@echo "Installing PyTorch for the CPU (1 GB, about a minute, once) ..."
	@$(PIP) "$(TORCH)" 2>/dev/null || $(PIP) --extra-index-url $(TORCH_INDEX) "$(TORCH)" || { \
		echo "$(TORCH) was not found. Give a place that has it, as in: make $(MAKECMDGOALS) TORCH_INDEX=...,"; \
		echo "or any other build that you have room for, as in: make $(MAKECMDGOALS) TORCH=torch"; exit 1; }
	@echo "Installing what tests, style checks and scores need (about a minute, once) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/library: $(VENV)/workshop
	@$(PIP) --editable '.[dev,docs]'
	@touch $@
