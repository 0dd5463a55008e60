# `make demo` and `make test` are all one needs; both run `make setup` first
# where .venv is missing or the pins changed. See README.md, "Install".
PYTHON ?= python3
VENV ?= .venv
# Extra requirement specifiers, such as TORCH='torch==2.13.0 torchvision==0.28.0'.
TORCH ?=
DEMO_DIR ?= outputs/demo

BIN := $(VENV)/bin
STAMP := $(VENV)/.df2mm-installed

.PHONY: setup demo test lint clean

setup: $(STAMP)

$(STAMP): setup.cfg setup.py pyproject.toml requirements/overrides.txt requirements/install.py Makefile model-index.yml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 12) or \
	  sys.exit("Python 3.10, 3.11 or 3.12 is needed, got %d.%d. Say which: make setup PYTHON=python3.11" % v)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5,<1'
	$(BIN)/python requirements/install.py $(TORCH)
	@touch $@

test: setup
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/python -m ruff check .

demo: setup
	$(BIN)/python tools/demo.py --out $(DEMO_DIR)

clean:
	rm -rf build dist *.egg-info df2mm/.mim
