# convscope: `make demo` trains a first network, `make test` runs every check. Both make .venv where it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check docs clean

demo: $(VENV)/.installed-samples
	$(BIN)/convscope train digits

test: $(VENV)/.installed-dev
	BIN=$(BIN) scripts/check
	$(BIN)/python -m pytest --numprocesses 2

check: $(VENV)/.installed-dev
	BIN=$(BIN) scripts/check

docs: $(VENV)/.installed-docs
	$(BIN)/mkdocs build --strict

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-samples: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[samples]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed-samples

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache
