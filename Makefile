# make song and make test do everything on a machine with Python 3.11 and make.
# The environment is .venv in this folder; versions are those of constraints.txt.

CANDIDATES := python3.11 python3.12 python3.13 python3
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
OUT ?= out
KEY ?= A minor
WORKERS ?= 2

# Pip applies the versions to what it installs and to what it builds with.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
# Where pip looks for PyTorch besides its usual index; see CONTRIBUTING.md.
TORCH_INDEX ?=
TORCH_FROM := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: help song setup test check lint docs clean

help:  ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' Makefile

song: $(VENV)/player  ## Compose a piece with the bundled model into out/
	@$(VENV)/bin/ritornello compose --bars 32 --key "$(KEY)" --parts piano,guitar,bass,strings,drums \
		--formats mid,musicxml,mp3,png --output "$(OUT)"
	@echo "Your song is in $(OUT)/: open the .mp3 with any player, the .png to see it,"
	@echo "the .mid in a music program, the .musicxml in a score program."
	@echo "For the command ritornello itself: . $(VENV)/bin/activate"

setup: $(VENV)/workshop  ## Install also what learning, scores, tests and style checks need
	@echo "Everything is set up. For the command ritornello: . $(VENV)/bin/activate"

test: $(VENV)/workshop  ## Run all tests (some minutes)
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n $(WORKERS) --cov --cov-report= $(ARGS)
	@$(VENV)/bin/coverage report --sort=cover --skip-covered | tail -n 12

check: lint  ## Check style, types and the fast tests (under a minute)
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n $(WORKERS) -m "not slow" $(ARGS)

lint: $(VENV)/workshop  ## Check style and types
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy

docs: $(VENV)/library  ## Build the documentation into docs/_build/
	@$(VENV)/bin/sphinx-build --quiet --fail-on-warning docs docs/_build
	@echo "Open docs/_build/index.html"

clean:  ## Remove the environment and everything built; your music in out/ stays
	@rm -rf $(VENV) docs/_build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Each stamp stands for an install and is renewed when a version or a dependency changes.
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it," \
		"or name it as in: make song PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making the environment $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/player: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing ritornello (230 MB, about half a minute, once) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/workshop: $(VENV)/player
	@echo "Installing PyTorch for the CPU (1 GB, about a minute, once) ..."
	@$(PIP) $(TORCH_FROM) torch || { \
		echo "PyTorch for the CPU was not found. Choose \"CPU\" on PyTorch's page \"Get started\" and"; \
		echo "give the index that it shows: make $(MAKECMDGOALS) TORCH_INDEX=..."; exit 1; }
	@echo "Installing what tests, style checks and scores need (about a minute, once) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/library: $(VENV)/workshop
	@$(PIP) --editable '.[dev,docs]'
	@touch $@
