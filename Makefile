# Everything works in a fresh clone: each target sets up what it needs first.

PYTHON ?= python3
BIN := .venv/bin
NODE_MODULES := plugin-shim/node_modules

.PHONY: help demo demo-tui test lint format check-python check-shim tools pictures clean

help:
	@echo "make demo      watch a handoff in a real OpenCode, without an API key"
	@echo "make demo-tui  the same, but you type \`handoff\` yourself"
	@echo "make test      lint and all tests, those in the real OpenCode included"
	@echo "make lint      the linters and type checkers alone"
	@echo "make format    let the formatters have their way"
	@echo "make pictures  take the README's pictures anew, in the real TUI"
	@echo "make tools     write plugin-shim/tools.json anew from the Python definitions"

demo: .venv/runtime
	@$(BIN)/handoff-sidecar demo

demo-tui: .venv/runtime
	@$(BIN)/handoff-sidecar demo --tui

test: lint check-shim check-python

lint: .venv/dev $(NODE_MODULES)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd plugin-shim && npm run --silent lint && npm run --silent check

check-shim: $(NODE_MODULES)/installed
	node --test "tests/shim/"

check-python: .venv/dev
	$(BIN)/pytest

format: .venv/dev $(NODE_MODULES)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd plugin-shim && npm run --silent format

tools: .venv/runtime
	$(BIN)/python -m handoff_sidecar.tools.definitions > plugin-shim/tools.json

pictures: .venv/dev
	$(BIN)/python tests/opencode/pictures.py docs

.venv/runtime: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/dev: .venv/runtime
	$(BIN)/pip install --quiet --group dev
	@touch $@

# The tools are pinned in package.json; a lock would list only the platforms of whoever wrote it.
$(NODE_MODULES)/installed: plugin-shim/package.json
	cd plugin-shim && npm install --silent --no-package-lock
	@touch $@

clean:
	rm -rf .venv $(NODE_MODULES) dist
