# Everything works in a fresh clone: each target sets up what it needs first.

PYTHON ?= python3
BIN := .venv/bin
NODE_MODULES := plugin-shim/node_modules

.PHONY: help demo demo-tui test failed-again compat faults neighbours tui prompts soak fuzz audit dist dist-test lint format tools pictures bench real clean \
	lint-python types types-windows types-macos rooms lint-shim check-shim check-python opencode

help:
	@echo "make demo      watch a handoff in a real OpenCode, without an API key"
	@echo "make demo-tui  the same, but you type \`handoff\` yourself"
	@echo "make test      lint and all tests, those in the real OpenCode included"
	@echo "make compat    in other versions of OpenCode, with models of other sizes, beside a rival plugin"
	@echo "make faults    every fault at every step of a handoff (about 4 minutes)"
	@echo "make neighbours beside other people's plugins from npm (about 5 minutes)"
	@echo "make tui       more of the TUI: the companion in two windows and versions, drafts, the demo (about 4 minutes)"
	@echo "make prompts  what a new session begins with, for one session handed off in five ways"
	@echo "make soak      200 handoffs and 1,400 look-ups in one OpenCode, and what they leave behind"
	@echo "make fuzz      thousands of random examples for everything that comes from outside"
	@echo "make audit     look up known vulnerabilities in the dependencies, on the internet"
	@echo "make dist      build the wheel and the npm package into dist/"
	@echo "make dist-test install each of them into an empty environment, and make a handoff there"
	@echo "make lint      only the linters and type checkers"
	@echo "make format    format all code"
	@echo "make pictures  take the pictures of README and docs again, in the real OpenCode"
	@echo "make bench     measure everything again, in the real OpenCode (about an hour on an idle machine)"
	@echo "make real      hand off with a model of your own: make real MODEL=provider/model"
	@echo "make tools     generate plugin-shim/tools.json and the settings' schema from Python"

demo: .venv/runtime
	@$(BIN)/handoff-sidecar demo

demo-tui: .venv/runtime
	@$(BIN)/handoff-sidecar demo --tui

# All at once, set-up included, as half of a test in the real OpenCode is waiting; each one's output comes whole, and
# every failure.
CHECKS := lint-python types types-windows types-macos rooms lint-shim check-shim check-python
KEPT_APART := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

test:
	@$(MAKE) --no-print-directory --jobs --keep-going $(KEPT_APART) $(CHECKS)

# What failed, once more and alone: a machine that is too busy is told from a fault. What fails twice has failed.
failed-again: lint check-shim
	$(BIN)/pytest --last-failed --last-failed-no-failures=none

compat: .venv/dev
	$(BIN)/pytest -m compat -v tests/opencode

faults: .venv/dev
	$(BIN)/pytest -m faults -v tests/opencode

neighbours: .venv/dev
	$(BIN)/pytest -m neighbours -s -v tests/opencode/test_neighbours.py

tui: .venv/dev
	$(BIN)/pytest -m tui -v tests/opencode

prompts: .venv/dev
	@$(BIN)/python tests/opencode/prompts.py

soak: .venv/dev
	$(BIN)/pytest -m soak -s tests/opencode/test_soak.py

fuzz: .venv/dev
	$(BIN)/pytest tests/unit/fuzz --hypothesis-profile=long --timeout=3600

# What a person gets, newest versions, and the tools that check the plugin, which has no dependencies of its own.
# `--strict`: a package that could not be looked up is no package without vulnerabilities.
audit: .venv/dev
	$(PYTHON) -m venv --clear .venv/audit
	.venv/audit/bin/pip install --quiet --upgrade pip
	.venv/audit/bin/pip install --quiet --group audit
	$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > .venv/audit/needed.txt
	.venv/audit/bin/pip-audit --strict --requirement .venv/audit/needed.txt
	cd plugin-shim && npm install --silent --package-lock-only && npm audit; status=$$?; rm -f package-lock.json; exit $$status

# The two packages carry one version, which a unit test holds; each can do without the other's repository.
dist: .venv/dev
	rm -rf dist
	$(BIN)/hatchling build -d dist
	cd plugin-shim && npm pack --silent --pack-destination ../dist

dist-test: dist
	$(BIN)/pytest -m dist -v

lint: lint-python types types-windows types-macos rooms lint-shim

lint-python: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

types-windows: .venv/dev
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 src

types-macos: .venv/dev
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin src

rooms: .venv/dev
	$(BIN)/lint-imports

lint-shim: $(NODE_MODULES)/installed
	cd plugin-shim && npm run --silent lint && npm run --silent check

check-shim: $(NODE_MODULES)/installed
	node --test "tests/shim/"

# Three at a time on two cores, as half of a test in the real OpenCode is waiting. A file's tests share a server, so they
# stay together. Those in the real OpenCode come first: what is left at the end, when not all have work, should be small.
check-python: .venv/dev opencode
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

# What the tests run in, once, before each of pytest's processes would fetch it.
opencode: .venv/runtime
	@$(BIN)/python -c "from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode as find; \
	from handoff_sidecar.opencode.versions import OLDEST; find(PINNED_VERSION, print); find(str(OLDEST), print)"

format: .venv/dev $(NODE_MODULES)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd plugin-shim && npm run --silent format

tools: .venv/runtime
	$(BIN)/python -m handoff_sidecar.sidecar.manifest > plugin-shim/tools.json
	$(BIN)/python -m handoff_sidecar.settings > src/handoff_sidecar/handoff.schema.json

pictures: .venv/dev
	$(BIN)/python tests/opencode/pictures.py docs

# In an environment of its own that has nothing but the package, installed as a person would: what else a
# developer has installed makes the sidecar start slower.
bench: .venv/runtime
	$(PYTHON) -m venv --clear .venv/bench
	.venv/bench/bin/pip install --quiet .
	.venv/bench/bin/python -m benchmarks
	.venv/bench/bin/python -m benchmarks.index
ifdef REAL
	.venv/bench/bin/python -m benchmarks fidelity --sessions "$(REAL)"
else
	@echo "Real sessions: skipped. docs/benchmarks.md says how to get some; then make bench REAL=FOLDER."
endif
ifdef TALK
	.venv/bench/bin/python -m benchmarks.conversations "$(TALK)"
endif

real: .venv/runtime
	@$(BIN)/python -m benchmarks real --model "$(MODEL)"

.venv/runtime: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --no-compile --editable .
	@touch $@

.venv/dev: .venv/runtime
	$(BIN)/pip install --quiet --no-compile --group dev
	@touch $@

# The tools are pinned in package.json; a lock would list only the platforms of whoever wrote it.
$(NODE_MODULES)/installed: plugin-shim/package.json
	cd plugin-shim && npm install --silent --no-package-lock
	@touch $@

clean:
	rm -rf .venv $(NODE_MODULES) dist
