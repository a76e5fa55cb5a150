# Every target sets itself up: a machine with Python 3.11+ and make is enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo run test test-long long properties lint audit hooks bench bench-check bench-ledger bench-peers chaos rolling partners quarter planted walk fuzz returns lock clients site clean

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Shukka needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	$(BIN)/shukka demo

run: $(READY)
	$(BIN)/shukka up

test: $(READY)
	$(BIN)/python -m pytest -n 3 --dist worksteal

# What takes minutes and more: killing everything in turn, ninety simulated days.
test-long: test long properties chaos rolling walk fuzz returns quarter planted

# Tests of a minute and more each.
long: $(READY)
	$(BIN)/python -m pytest -n 2 -m long

# Every property on all of its examples; `make test` tries a part of them.
properties: $(READY)
	SHUKKA_ALL_EXAMPLES=1 $(BIN)/python -m pytest -n 2 tests/rules tests/values tests/files tests/documents tests/stages

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Known weaknesses of what is locked. Not part of CI: it needs the network, and what it says changes without a commit.
# A mirror answers for packages and knows nothing of advisories: one that is known, of pip 24.0, must be there.
ADVISORIES := https://pypi.org/pypi/pip/24.0/json
audit:
	@$(PYTHON) -c 'import json, urllib.request as r; assert json.load(r.urlopen("$(ADVISORIES)", timeout=15))["vulnerabilities"]' 2>/dev/null || \
	  { echo "audit: the advisory database at pypi.org cannot be reached; nothing was audited" >&2; exit 3; }
	@$(PYTHON) -m venv --clear build/audit
	@build/audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit==2.10.1' || \
	  { echo "audit: pip-audit cannot be installed; nothing was audited" >&2; exit 3; }
	build/audit/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict

hooks: $(READY)
	$(BIN)/pre-commit install

# Every part of the benchmark, in some hours; BENCH=--short: a small form of each, BENCH="--only engine,path --json FILE".
bench: $(READY)
	$(BIN)/python -m benchmarks $(BENCH)

# Whether an order, the whole way or an idle service has become dearer than docs/bench-baseline.json says; four minutes.
bench-check: $(READY)
	$(BIN)/python -m benchmarks.check

bench-ledger: $(READY)
	$(BIN)/python -m benchmarks.ledger

# Shukka beside what the same job would be written with otherwise (docs/peers.md). The peers want much, and other versions of what
# Shukka uses, and stay out of its environment.
PEERS := build/peers
bench-peers: $(PEERS)/.ready
	$(PEERS)/bin/python -m benchmarks.peers

$(PEERS)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

chaos: $(READY)
	$(BIN)/python -m benchmarks.chaos --seeds 1-5 --write docs/chaos-run.md

rolling: $(READY)
	$(BIN)/python -m benchmarks.rolling

# Partners in trouble, the broker gone for ten minutes, a worker paused in the middle of its work.
partners: $(READY)
	$(BIN)/python -m benchmarks.partners troubles
	$(BIN)/python -m benchmarks.partners redis --rate 20
	$(BIN)/python -m benchmarks.partners pause

# Faults planted in the product, one at a time: each must be caught by the judge named for it (docs/judges.md).
planted: $(READY)
	$(BIN)/python -m benchmarks.planted

walk: $(READY)
	$(BIN)/python -m benchmarks.walk
	$(BIN)/python -m benchmarks.walk --other-shops --lives 2500

N ?= 20000
fuzz: $(READY)
	SHUKKA_FUZZ=$(N) $(BIN)/python -m pytest tests/web/test_fuzz.py

# Any order, any part of it returned: what is foretold is what happens.
returns: $(READY)
	SHUKKA_RETURNS=2000 $(BIN)/python -m pytest tests/rules/returns

quarter: $(READY)
	$(BIN)/python -m benchmarks.quarter
	$(BIN)/python -m benchmarks.quarter --other-shops --days 45

# Typed clients of the published schema, in build/clients: Python (shukka_client) and, where npm is, TypeScript (shukka.d.ts).
# Their generators want other versions of what Shukka uses and stay out of its environment.
PYTHON_CLIENT := openapi-python-client==0.29.1
TYPESCRIPT := openapi-typescript@7.13.0 openapi-fetch@0.17.0 typescript@5.9.3 @types/node@20
clients: $(READY)
	mkdir -p build/clients
	$(BIN)/shukka openapi > build/clients/openapi.json
	@[ -x build/clients/tool/bin/openapi-python-client ] || { $(PYTHON) -m venv build/clients/tool && \
	  build/clients/tool/bin/python -m pip install --quiet --disable-pip-version-check '$(PYTHON_CLIENT)'; }
	build/clients/tool/bin/openapi-python-client generate --path build/clients/openapi.json --output-path build/clients/shukka_client \
	  --overwrite --meta none --config docs/examples/clients/python.yml --fail-on-warning
	cp docs/examples/clients/call.* docs/examples/clients/tsconfig.json build/clients
	@command -v npm >/dev/null || { echo "clients: npm is not here; the TypeScript client was left out" >&2; exit 0; } && \
	  cd build/clients && { [ -f package.json ] || echo '{"private": true, "type": "module"}' > package.json; } && \
	  npm install --silent --no-audit --no-fund --no-package-lock --no-save $(TYPESCRIPT) && \
	  node_modules/.bin/openapi-typescript openapi.json -o shukka.d.ts

# docs/ as a site, in build/site; whatever links to nothing, or is in no menu, fails.
site: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

lock:
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache
