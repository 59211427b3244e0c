# All that is done with this project, on a fresh machine too. What is installed goes into $(VENV), nowhere else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Without compiling: Python compiles what is imported, which is far less than what is installed.
INSTALL := -m pip --disable-pip-version-check install --quiet --no-compile
SERVE ?= 1
COVERAGE ?= 0
SEED ?= 1
BENCHMARKS ?= session_speed start journal blocks views

# How a run is spread over the cores: neighbours stay together, so that what a file shares is made once or twice.
SPREAD := -n auto --dist worksteal --durations=15

# Compiled modules are kept, whatever the shell says: without them each of the tests' processes compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-alpha quick check docs docs-check site package bench drill drill-short dev clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  Variables: PYTHON=$(PYTHON) (3.10 or newer), VENV=$(VENV), SERVE=$(SERVE), COVERAGE=$(COVERAGE), SEED=$(SEED)'

demo: $(VENV)/.demo ## Install everything, hold a short conversation in a session, and show it in the browser (SERVE=0: don't)
	@rm -f $(VENV)/demo.db
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/llm sessions demo -d $(VENV)/demo.db
	@[ "$(SERVE)" = 0 ] || $(BIN)/llm sessions browse bridge -d $(VENV)/demo.db

test: $(VENV)/.test ## Install everything and run the whole suite (COVERAGE=1: and measure what it covers, a third slower)
ifeq ($(COVERAGE),1)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(SPREAD)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
else
	$(BIN)/python -m pytest $(SPREAD)
endif

test-alpha: $(VENV)/alpha/.test ## Run the rules of the views on the newest alpha of Datasette 1.0
	$(VENV)/alpha/bin/python -m pytest $(SPREAD) tests/views tests/insight tests/reader tests/commands/test_querying.py tests/interchange/test_from_a_page.py

quick: $(VENV)/.test ## Run the suite's quick part (for another Python: PYTHON=python3.13 VENV=.venv313)
	$(BIN)/python -m pytest $(SPREAD) -m 'not slow'

check: $(VENV)/.dev ## Check format, lint and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

docs: $(VENV)/.dev ## Regenerate the parts of README.md and docs/ that come from the code
	$(BIN)/python -m docs.generate

docs-check: $(VENV)/.dev ## Check that README.md and docs/ say what the program says
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m pytest tests/test_docs.py

site: $(VENV)/.site ## Build the documentation as a site, in build/site; a warning is an error
	rm -rf build/site
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/site
	@echo "Open build/site/index.html"

package: $(VENV)/.dev ## Build the wheel and the source distribution into dist/, and check their metadata
	rm -rf build dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

bench: $(VENV)/.test ## Run the benchmarks (several minutes); results go into benchmarks/README.md by hand
	set -e; for module in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$module; done

drill: $(VENV)/.test ## Kill, fill, lock and break everything for ten minutes; results go into docs/reliability.md (SEED=1)
	$(BIN)/python -m tests.drill --seed $(SEED) --minutes 10 --write

drill-short: $(VENV)/.test ## As many of the same faults as two minutes hold
	$(BIN)/python -m tests.drill --seed $(SEED) --minutes 2 --forks

dev: $(VENV)/.dev ## Install everything for development
	@echo "Ready: $(BIN)/python -m pytest tests/rules/test_policy.py runs one file of tests"

clean: ## Remove all that these commands made, the environment included
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# Stamps, so that the second call is quick.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=...")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	    { echo 'This Python lacks venv. On Debian or Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml setup.cfg
	$(BIN)/python $(INSTALL) --editable '.[ollama,views]'
	@touch $@

# A pip that knows the groups of pyproject.toml, whatever the Python came with.
$(VENV)/.test: $(VENV)/.demo
	$(BIN)/python $(INSTALL) --group test
	@touch $@

# The newest alpha of Datasette, and what it needs, in an environment of its own that sees the first one behind it.
$(VENV)/alpha/.test: $(VENV)/.test
	$(BIN)/python -m venv $(VENV)/alpha
	$(VENV)/alpha/bin/python -c 'import pathlib, sys, sysconfig; \
	    pathlib.Path(sysconfig.get_path("purelib"), "behind.pth").write_text(f"import site; site.addsitedir({sys.argv[1]!r})\n")' \
	    "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	$(VENV)/alpha/bin/python $(INSTALL) --upgrade --pre 'datasette>=1.0a37'
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	$(BIN)/python $(INSTALL) --group check --group package
	@touch $@

$(VENV)/.site: $(VENV)/.dev
	$(BIN)/python $(INSTALL) --group site
	@touch $@
