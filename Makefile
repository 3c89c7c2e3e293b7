# `make demo` and `make test` do all the set-up by themselves, once, in .venv; nothing outside the checkout is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip --disable-pip-version-check install --quiet
PACKAGE := pyproject.toml constraints.txt
# One thread a worker: two workers with all cores each are slower than with one, and sums are in one order.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q

.PHONY: demo test test-all check lint types imports format clean help

help:
	@echo "make demo      install what generation needs, run the embedded example into demo-out/"
	@echo "make test      install the rest, then lint, types, import contracts and tests"
	@echo "make test-all  the same with the slow tests"
	@echo "make format    ruff format and its safe fixes"

demo: $(VENV)/.core-ready $(VENV)/.faces-ready
	$(BIN)/contextalk demo -o demo-out

test: check $(VENV)/.faces-ready
	$(PYTEST) -m "not slow" --session-timeout=900

test-all: check $(VENV)/.faces-ready
	$(PYTEST)

check: lint types imports

lint: $(VENV)/.dev-ready
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests

types: $(VENV)/.dev-ready
	$(BIN)/pyright

imports: $(VENV)/.dev-ready
	$(BIN)/lint-imports

format: $(VENV)/.dev-ready
	$(BIN)/ruff check --fix src tests
	$(BIN)/ruff format src tests

clean:
	rm -rf $(VENV) demo-out .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "contextalk needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V 2>&1); try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core-ready: $(PACKAGE) | $(BIN)/python
	@echo "installing what generation needs into $(VENV): about a minute"
	$(PIP) --editable .
	@touch $@

# mediapipe comes without its dependencies (jax, an OpenCV that wants libGL): only its model files are read.
# They are the same in every wheel, and the line that carries them has none for Python 3.13 and later.
$(VENV)/.faces-ready: $(VENV)/.core-ready
	$(PIP) --no-deps --upgrade --only-binary=:all: --python-version 3.12 \
	  --target "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" mediapipe
	@touch $@

$(VENV)/.dev-ready: $(VENV)/.core-ready
	@echo "installing the tools and what the tests need into $(VENV) (that mediapipe's dependencies are missing is meant)"
	$(PIP) --editable ".[synth,dev]"
	@touch $@
