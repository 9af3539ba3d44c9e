# Five verbs: setup, check, test, demo, bench. Each does all it needs. demo-neo4j is the demo on a
# Neo4j server of its own, which takes Java and Maven.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
HOME_DIR ?= .coterie
PORT   ?= 8000
# Test files that run side by side: one more than cores, as many wait for servers. The largest take
# about 5 GB of memory each.
WORKERS ?= 3
THREADS ?= 1
PIP    := $(BIN)/python -m pip install -q --disable-pip-version-check
# The CPU build of torch is a tenth of the size; where its index does not answer, PyPI's is taken.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: setup check test demo demo-neo4j bench clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Coterie needs Python 3.11 or newer; run: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Installing Coterie into $(VENV) (a few minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import torch' 2>/dev/null || \
	  $(PIP) torch --index-url $(TORCH_INDEX) --retries 0 --timeout 10 >/dev/null 2>&1 || true
	@$(PIP) -e '.[learn,demo,dev,otel]'
	@touch $@

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py tests/test_docs.py

test: check
	OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile \
	  --no-loadscope-reorder --ignore tests/test_architecture.py --ignore tests/test_docs.py

demo: setup
	$(BIN)/coterie demo --home $(HOME_DIR) --port $(PORT)

demo-neo4j: setup
	$(BIN)/python tests/neo4j_server/server.py --home $(HOME_DIR)/neo4j -- \
	  $(BIN)/coterie demo --home $(HOME_DIR) --port $(PORT)

bench: setup
	$(BIN)/python -m benchmarks.graph_store complete-journey
	$(BIN)/python -m benchmarks.training --complete-journey
	$(BIN)/python -m benchmarks.rules

clean:
	rm -rf $(VENV) $(HOME_DIR) .mypy_cache .ruff_cache .pytest_cache .hypothesis
