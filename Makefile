# Needs Python 3.11 or newer and make; everything else lands in .venv.
#   make demo PORT=9000            another port
#   make install PYTHON=python3.13 another Python
#   make test ARGS="-k related"    some of the tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALLED := $(VENV)/installed
TESTS_INSTALLED := $(VENV)/tests-installed
NPM := $(VENV)/npm
NPM_INSTALLED := $(NPM)/installed

# Strict: a link that leads nowhere ends it. It needs no network.
SITE := $(BIN)/python -m sphinx -W --keep-going --quiet docs docs/_build

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test chaos check format docs release bench widget lock clean moved

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1#\2/p' Makefile | awk -F'#' '{ printf "%-16s%s\n", $$1, $$2 }'

install: $(INSTALLED) ## make .venv with the alsosee command in it
	@echo "Installed: $(BIN)/alsosee"

# `exec`: Ctrl-C goes to the service itself, and its exit status is what make sees.
demo: $(INSTALLED) ## install, then run the service with the sample archive (PORT=8000)
	@$(if $(PORT),ALSOSEE_PORT='$(PORT)') exec $(BIN)/alsosee demo

# Images often forbid bytecode files; each of a hundred processes would then compile everything anew.
test: $(TESTS_INSTALLED) $(NPM_INSTALLED) ## every test (ARGS= goes to pytest)
	@PYTHONDONTWRITEBYTECODE= exec $(BIN)/pytest -q --numprocesses 2 --dist loadfile $(ARGS)

chaos: $(TESTS_INSTALLED) $(NPM_INSTALLED) ## the long tests of reliability, and their evidence page (ARGS= goes to pytest)
	@rm -f .chaos.jsonl
	@CHAOS_EVIDENCE=.chaos.jsonl PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -q -m chaos --timeout 900 $(ARGS)
	@$(BIN)/python tests/chaos/evidence.py .chaos.jsonl && rm .chaos.jsonl

check: $(TESTS_INSTALLED) ## format, lint, types, layers, spelling, and the tests that compare docs with code
	$(BIN)/ruff format --check --quiet --output-format concise .
	$(BIN)/ruff check --quiet --output-format concise .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell docs examples api/templates *.md
	$(SITE)
	$(BIN)/pytest -q $(wildcard tests/test_docs.py) tests/test_deployment.py

format: $(TESTS_INSTALLED) ## let ruff put the code in order
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

docs: $(TESTS_INSTALLED) ## the documentation as a site, on http://127.0.0.1:8001
	@$(BIN)/python docs/reference.py
	@$(SITE)
	@exec $(BIN)/python -m http.server --bind 127.0.0.1 --directory docs/_build 8001

release: $(TESTS_INSTALLED) ## wheel, plugin, documentation, list of dependencies and checksums, in dist/
	@$(SITE)
	@exec $(BIN)/python deploy/release.py

bench: $(TESTS_INSTALLED) ## speed and memory (ARGS=--help shows what can be chosen)
	@exec $(BIN)/python tests/benchmarks/run.py $(ARGS)

widget: $(NPM_INSTALLED) ## write the box's scripts, api/static/*.js, from *.src.js
	cd api/static && for name in widget widget-extras; do \
		$(CURDIR)/$(NPM)/node_modules/.bin/esbuild $$name.src.js --minify --charset=utf8 --target=es2022 \
			--banner:js="// The source, for people: $$name.src.js" --outfile=$(WIDGET_OUTPUT)$$name.js || exit; \
	done

# What `make install` has besides the service.
EXTRAS := --extra evaluate --extra import --extra mcp

# Without ARGS=--upgrade, versions that still fit stay as they are.
COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make lock' $(ARGS)

# requirements.txt is the service as its image has it. Each file below it holds the one before.
lock: $(BIN)/uv ## pin what pyproject.toml asks for (ARGS=--upgrade for newer versions)
	$(COMPILE) --group build --output-file requirements.txt
	$(COMPILE) --group build $(EXTRAS) --constraint requirements.txt --output-file requirements-install.txt
	$(COMPILE) --group build $(EXTRAS) --group dev --constraint requirements-install.txt --output-file requirements-dev.txt

clean: ## remove .venv and caches; the archive in var/ stays
	rm -rf $(VENV) build dist docs/_build .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps. A venv holds absolute paths, so one that was moved is made anew.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null || pwd -P),$(shell pwd -P))
$(INSTALLED): moved
endif

define A_GOOD_PYTHON
import sys
if sys.version_info < (3, 11):
    sys.exit("Also See needs Python 3.11 or newer, and %s is %s. Name another: make install PYTHON=python3.13"
             % (sys.executable, sys.version.split()[0]))
try:
    import ensurepip, venv
except ImportError:
    sys.exit("%s has no venv. On Debian and Ubuntu: apt-get install python3-venv" % sys.executable)
endef
export A_GOOD_PYTHON

$(INSTALLED): requirements-install.txt pyproject.toml
	@command -v '$(PYTHON)' >/dev/null || \
		{ echo "Also See needs Python 3.11 or newer, and there is no $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) -c "$$A_GOOD_PYTHON"
	@echo "Installing into $(VENV) (about a minute the first time) …"
	@[ "$$(cat $@ 2>/dev/null || pwd -P)" = "$$(pwd -P)" ] && $(PIP) --version >/dev/null 2>&1 || \
		$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --quiet --require-hashes --requirement requirements-install.txt
	@$(PIP) install --quiet --no-build-isolation --no-deps --editable .
	@$(BIN)/python -P -c "from recommender.pipeline.warm import warm; warm()"
	@pwd -P >$@

$(TESTS_INSTALLED): requirements-dev.txt $(INSTALLED)
	@echo "Installing what the tests need into $(VENV) …"
	@$(PIP) install --quiet --require-hashes --requirement requirements-dev.txt
	@touch $@

# Frameworks for the tests of the box, and the program that writes widget.js. Without npm those tests are skipped.
$(NPM_INSTALLED): tests/npm/package.json tests/npm/package-lock.json tests/npm/.npmrc $(INSTALLED)
	@mkdir -p $(NPM) && cp $(filter tests/%,$^) $(NPM)/
	@if npm ci --prefix $(NPM) --silent; then touch $@; \
	else echo "WARNING: no npm, or it failed: tests with React, Vue and others are skipped"; fi

$(BIN)/uv:
	@$(MAKE) --no-print-directory $(TESTS_INSTALLED)
