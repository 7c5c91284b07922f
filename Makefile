# `make help` lists the targets. The first call of any of them sets up .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TORCH := $(VENV)/.torch

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-backends verify verify-tensorflow verify-jax verify-torch verify-sample \
        keras-suite keras-suite-tensorflow keras-suite-jax bench-foundations bench-recurrent bench-attention \
        bench-gpu bench-decoding bench-serving cnn-parity soak smoke notebooks audit lint format clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: $(READY) ## Set up .venv with everything that development needs

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "kerasdl needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Use: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV); the first time takes a few minutes ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(TORCH): $(READY)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[torch]'
	@touch $@

demo: $(READY) ## The whole way once: train, export, serve, ask over HTTP
	@exec $(BIN)/kerasdl demo

# Two processes, each taking whole files, so that what a file prepares is prepared once.
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

# What a contributor runs before a push.
test: $(READY) ## The tests but the slow ones, on TensorFlow
	$(BIN)/python -m pytest -q $(WORKERS) -m "not slow"

test-all: $(READY) ## All tests, those that train and serve for minutes included
	$(BIN)/python -m pytest -q $(WORKERS)

# What users of other backends call: layers, operations, optimisers.
ELSEWHERE := tests/layers tests/ops tests/optimizers -m "not slow"

test-backends: $(TORCH) ## The tests of layers, operations and optimisers on JAX and PyTorch
	KERAS_BACKEND=jax $(BIN)/python -m pytest -q $(WORKERS) $(ELSEWHERE)
	KERAS_BACKEND=torch $(BIN)/python -m pytest -q $(WORKERS) $(ELSEWHERE)

# The full proof: every public symbol against Keras' built-in. docs/results/parity.md is written.
verify: verify-tensorflow verify-jax verify-torch ## Prove every symbol on TensorFlow, JAX and PyTorch

verify-tensorflow: $(READY)
	$(BIN)/kerasdl verify --backend tensorflow

# JAX compiles tens of thousands of tiny programs and runs each a few times: without LLVM's polish
# the proof takes half as long.
HASTY := --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true \
         --xla_cpu_use_fusion_emitters=false

verify-jax: $(READY)
	XLA_FLAGS="$(HASTY)" $(BIN)/kerasdl verify --backend jax

verify-torch: $(TORCH)
	$(BIN)/kerasdl verify --backend torch

# What CI proves of the two backends for which the full proof takes too long there.
SAMPLE := '^activations|^layers.(Dense|Embedding|MaxPooling2D|BatchNormalization|LayerNormalization)$$'

verify-sample: $(TORCH)
	XLA_FLAGS="$(HASTY)" $(BIN)/kerasdl verify --backend jax $(SAMPLE)
	$(BIN)/kerasdl verify --backend torch $(SAMPLE)

keras-suite: keras-suite-tensorflow keras-suite-jax ## Keras' own unit tests with our classes in place of theirs

# Keras' tests of data types ask PyTorch what they expect, whatever the backend.
keras-suite-tensorflow: $(TORCH)
	KERAS_BACKEND=tensorflow $(BIN)/python tests/keras_suite -- $(WORKERS)

keras-suite-jax: $(TORCH)
	KERAS_BACKEND=jax $(BIN)/python tests/keras_suite -- $(WORKERS)

bench-foundations: $(READY) ## Ours against the built-ins in time and memory, on TensorFlow and JAX
	KERAS_BACKEND=tensorflow $(BIN)/python benchmarks/foundations.py
	KERAS_BACKEND=jax $(BIN)/python benchmarks/foundations.py

bench-recurrent: $(READY) ## Recurrent layers against the built-ins, on TensorFlow and JAX
	KERAS_BACKEND=tensorflow $(BIN)/python benchmarks/recurrent.py
	KERAS_BACKEND=jax $(BIN)/python benchmarks/recurrent.py

bench-attention: $(READY) ## Attention against the built-in, on TensorFlow and JAX
	KERAS_BACKEND=tensorflow $(BIN)/python benchmarks/attention.py
	KERAS_BACKEND=jax $(BIN)/python benchmarks/attention.py

# JAX must see one GPU: its CUDA plugin is not among what `make setup` installs.
bench-gpu: $(READY) ## Attention, recurrent layers and the ViT recipe on a GPU, on JAX
	KERAS_BACKEND=jax $(BIN)/python benchmarks/gpu.py

bench-decoding: $(READY) ## Decoding with a cache against computing all anew for each token
	KERAS_BACKEND=tensorflow $(BIN)/python benchmarks/decoding.py

# Needs wrk, and the folder of the recorded TF Serving: make bench-serving CONFORMANCE=folder
bench-serving: $(READY) ## Requests a second of `kerasdl serve`, beside the real TF Serving's
	$(BIN)/python benchmarks/serving.py $(CONFORMANCE)

# Long: six full trainings. FLAGS="--epochs 1 --seeds 1" for a look.
cnn-parity: $(READY) ## Train the CNN recipe from ours and from built-ins, three seeds each
	$(BIN)/python benchmarks/cnn_parity.py $(FLAGS)

# FLAGS="--minutes 1" for a look.
soak: $(READY) ## Ten minutes of valid and hostile load on a server, with version changes and a kill
	$(BIN)/python tests/soak $(FLAGS)

# Any server, the real TF Serving above all: TF_SERVING_URL=http://127.0.0.1:8501 make smoke
smoke: $(READY) ## The recorded answers of TF Serving against the server at $TF_SERVING_URL
	@test -n "$$TF_SERVING_URL" || { echo "Set TF_SERVING_URL, such as http://127.0.0.1:8501"; exit 1; }
	$(BIN)/python -m pytest -q -rP tests/server/test_smoke.py

audit: $(READY) ## Known vulnerabilities of the dependencies, asked of the package index
	$(BIN)/pip install --quiet pip-audit
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip

notebooks: $(READY) ## Run every notebook from top to bottom, headless
	@mkdir -p build/notebooks
	$(BIN)/jupyter execute --timeout=600 --kernel_name=python3 \
	  "--output=../build/notebooks/{notebook_name}" notebooks/*.ipynb

lint: $(READY) ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## Put the code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what can be made again (not your runs)
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis *.egg-info
