# flowood: everything needs only Python 3.10+ and make. `make` alone prints the targets.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow docs bench export readme refresh clean

BIN := .venv/bin
# the first interpreter on PATH that is new enough; `make setup PY=/path/to/python` overrides
PY = $(or $(firstword $(foreach p,python3 python python3.13 python3.12 python3.11 python3.10,\
     $(shell $(p) -c 'import sys; sys.version_info >= (3,10) and print("$(p)")' 2>/dev/null))),python3)
NB ?= $(sort $(wildcard nbs/*.ipynb nbs/tutorials/*.ipynb nbs/repro/*.ipynb))

help: ## print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.stamp ## create .venv with everything in it (does nothing when it is up to date)
.venv/.stamp: settings.ini setup.py tools/env.py
	@$(PY) tools/env.py .venv -e '.[dev]'
	@touch $@

demo: setup ## see a flow prefer data it never saw, and see it caught (2 minutes)
	@$(BIN)/flowood demo

test: setup ## every notebook, the checks of order and style, and the wheel in a clean environment
	@$(BIN)/python tools/test.py

test-slow: setup ## the same, with the cells marked slow
	@$(BIN)/python tools/test.py --flags slow

docs: setup ## the website, in _docs (needs Quarto); a broken link is an error
	@$(BIN)/python tools/docs.py

bench: setup ## speed of flows beside four other libraries, and of dimensions and statistics
	@$(BIN)/flowood bench

export: setup ## write the package from the notebooks
	@$(BIN)/nbdev_export

readme: setup ## write README.md from nbs/index.ipynb
	@$(BIN)/python tools/make_readme.py

refresh: setup ## execute notebooks in place (NB=nbs/01_core.ipynb for one; SLOW=--slow runs slow cells, too)
	@$(BIN)/python tools/refresh.py $(SLOW) $(NB)

clean: ## remove what the other targets made, but .venv
	@rm -rf .venv-smoke build dist demo _docs _proc *.egg-info nbs/nbdev.yml nbs/sidebar.yml
	@find . -name .venv -prune -o -name __pycache__ -type d -print -o -name .ipynb_checkpoints -type d -print | xargs rm -rf
