# Each target does its own set-up: a virtual environment with the versions of constraints.txt.
# Needed beforehand: make, and a Python from 3.11 on with its venv module.

VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test gate lint format types fuzz drill mutants explain-mutants bench bench-track bench-diff bench-tables engines engines-speed engines-levels plot docs dist clean campaign-drill campaign-engines campaign-hostile

help:
	@echo 'make demo    run both programs on the built-in market, then explain a candidate that is wrong'
	@echo 'make test    all tests'
	@echo 'make gate    goldens, drift and throughput; ARGS="--base REV" times another revision beside this one'
	@echo 'make lint    ruff, formatting and the strict type check'
	@echo 'make fuzz    property tests until told to stop; counterexamples are kept'
	@echo 'make mutants break each module once, and name what no test notices; ARGS="--package reference"'
	@echo 'make explain-mutants  break engines and the reference at random, and ask explain what is wrong'
	@echo 'make drill   plant every fault of the catalogue, alone and in pairs, and score what is found'
	@echo 'make campaign-drill, campaign-engines, campaign-hostile  the same faults, the exports of engines'
	@echo '             and the hostile inputs as campaigns, which go on where they were stopped'
	@echo 'make bench   throughput, beside what is aimed at; make bench-track  the same work in pytest-benchmark'
	@echo 'make bench-diff  reconcile diff of two tables of 10 million rows, beside datacompy'
	@echo 'make bench-tables  a million rows of CSV read and imported, beside pyarrow'
	@echo 'make docs    the documentation site, in out/site'
	@echo 'make dist    the source archive and the wheel that are published, checked'
	@echo 'make engines real engines, each in an environment of its own: their ledgers, explained; docs/engines.md'
	@echo 'make engines-speed  their speed on the same work; make plot  draws it'
	@echo 'make engines-levels  their stops and targets beside stated conventions; docs/conventions.md'

demo: $(VENV)/.stamp-test
	@$(VENV)/bin/reconcile run top25
	@echo
	@echo "And one that does not tie out: the loop's return is +771 %, the candidate's -27 %. Why?"
	@echo
	@mkdir -p out
	@$(VENV)/bin/reconcile explain incident reconcile.incident:candidate --html out/incident.html

test: $(VENV)/.stamp-test
	@$(PY) -m pytest -q -n 2 $(ARGS)

# 4: throughput stayed undecided. It is printed, and fails nothing.
gate: $(VENV)/.stamp-test
	@code=0; $(VENV)/bin/reconcile gate $(ARGS) || code=$$?; [ "$$code" -eq 4 ] || exit "$$code"

lint: types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: $(VENV)/.stamp-dev
	@$(PY) -m mypy --strict src

format: $(VENV)/.stamp-dev
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

fuzz: $(VENV)/.stamp-test
	@$(PY) tests/fuzz.py $(ARGS)

drill: $(VENV)/.stamp-test
	@$(VENV)/bin/reconcile drill --pairs --grounds $(ARGS)

# Plans of this repository: outcomes are kept in out/, so that what was stopped goes on where it was.
campaign-drill: $(VENV)/.stamp-test
	@$(VENV)/bin/reconcile campaign tests/campaigns/drill.toml --keep out/campaign-drill $(ARGS)

# 2: audits of exports without cash and positions are clean as far as they can be checked.
campaign-engines: $(VENV)/.stamp-test
	@code=0; $(VENV)/bin/reconcile campaign tests/campaigns/engines.toml --keep out/campaign-engines $(ARGS) || code=$$?; \
	  [ "$$code" -eq 2 ] || exit "$$code"

campaign-hostile: $(VENV)/.stamp-test
	@$(PY) tests/campaigns/hostile_corpus.py $(ARGS)

mutants: $(VENV)/.stamp-test
	@$(PY) tests/mutants.py $(ARGS)

explain-mutants: $(VENV)/.stamp-test
	@$(PY) tests/explain_mutants.py out/mutants --judge tests/explain_mutants.json $(ARGS)

bench: $(VENV)/.stamp-test
	@$(PY) benchmarks/run.py $(ARGS)

bench-track: $(VENV)/.stamp-test
	@$(PY) -m pytest benchmarks -q --benchmark-only $(ARGS)

bench-diff: $(VENV)/.stamp-diff
	@$(PY) benchmarks/compare_10m.py $(ARGS)

bench-tables: $(VENV)/.stamp-test
	@$(PY) benchmarks/read_tables.py $(ARGS)

engines: $(VENV)/.stamp-test
	@$(PY) benchmarks/engines/run.py $(ARGS)

engines-speed: $(VENV)/.stamp-test
	@$(PY) benchmarks/engines/speed.py $(ARGS)

engines-levels: $(VENV)/.stamp-test
	@$(PY) benchmarks/engines/levels_run.py $(ARGS)

plot: $(VENV)/.stamp-bench
	@$(PY) benchmarks/plot.py

# The documentation site, in out/site. Links and anchors are checked; a warning fails.
docs: $(VENV)/.stamp-docs
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict && echo 'the documentation is in out/site/index.html'

# What is published: a source archive and a wheel, both checked, and a conda recipe that can be rendered.
dist: $(VENV)/.stamp-dist
	@rm -rf dist
	@$(PY) -m build --outdir dist . >/dev/null
	@$(PY) -m twine check --strict dist/*
	@$(VENV)/bin/check-wheel-contents dist/*.whl
	@$(PY) -c 'from rattler_build import Stage0Recipe as R; R.from_file("packaging/conda/recipe.yaml").render()'

clean:
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made again when its Python is gone (a moved folder, an upgraded system).
$(VENV)/.stamp-test: pyproject.toml constraints.txt
	@if ! $(PY) -c '' 2>/dev/null; then \
	  found=; \
	  for candidate in "$$PYTHON" python3 python3.13 python3.12 python3.11 python3.14 python; do \
	    if [ -n "$$candidate" ] && "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; \
	    then found=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then echo 'No Python 3.11 to 3.14 found: install one, or name it: make PYTHON=/path/to/python' >&2; exit 1; fi; \
	  echo "Making $(VENV) with $$("$$found" --version) (once)" >&2; \
	  "$$found" -m venv --clear $(VENV) || { rm -rf $(VENV); echo "$$found cannot make a virtual environment: install its venv module (Debian: python3-venv)" >&2; exit 1; }; \
	fi
	@echo 'Installing pinned versions (once)' >&2
	@$(PIP) install -c constraints.txt hatchling
	@$(PIP) install --no-build-isolation -c constraints.txt -e '.[test,html,figures]'
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp-test
	@echo 'Installing linter and type checker (once)' >&2
	@$(PIP) install --no-build-isolation -c constraints.txt -e '.[test,html,figures,dev]'
	@touch $@

$(VENV)/.stamp-bench: $(VENV)/.stamp-test
	@echo 'Installing what draws the plot (once)' >&2
	@$(PIP) install --no-build-isolation -c constraints.txt -e '.[test,html,figures,bench]'
	@touch $@

$(VENV)/.stamp-diff: $(VENV)/.stamp-test
	@echo 'Installing datacompy and polars (once)' >&2
	@$(PIP) install --no-build-isolation -c constraints.txt -e '.[test,html,figures,diff]'
	@touch $@

$(VENV)/.stamp-dist: $(VENV)/.stamp-test
	@echo 'Installing what builds and checks a distribution (once)' >&2
	@$(PIP) install --no-build-isolation -c constraints.txt -e '.[test,html,figures,dist]'
	@touch $@

$(VENV)/.stamp-docs: $(VENV)/.stamp-test
	@echo 'Installing what builds the documentation (once)' >&2
	@$(PIP) install --no-build-isolation -c constraints.txt -e '.[test,html,figures,docs]'
	@touch $@
