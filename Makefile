# Every target installs what it needs into .venv the first time it runs.

PRESET   ?= quick
DATA_DIR ?=
WEIGHTS  ?=
PRECISION ?=
BENCH    ?= full
PYTHON   ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,\
              $(if $(shell $(name) $(is_supported) 2>/dev/null && echo yes),$(name))) python3)

is_supported = -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'

# Where this is set, packages are installed without bytecode and TensorFlow takes 15 s to import.
unexport PYTHONDONTWRITEBYTECODE
export UV_PYTHON_DOWNLOADS := never

UV       := $(shell command -v uv 2>/dev/null)
install   = $(if $(UV),$(UV) pip install --compile-bytecode --python $(1)/bin/python,\
              $(1)/bin/python -m pip install --disable-pip-version-check)

# FER+ has a preset of its own for each data set, so that of MNIST counts only where it is asked for.
ferplus_options = $(if $(DATA_DIR),--data-dir "$(DATA_DIR)") \
                  $(if $(filter-out file,$(origin PRESET)),--preset $(PRESET)) \
                  $(if $(WEIGHTS),--weights "$(WEIGHTS)")

mnist_options = $(if $(DATA_DIR),--data-dir "$(DATA_DIR)") $(if $(PRECISION),--precision $(PRECISION))

RUNTIME  := .venv/installed-runtime
TESTING  := .venv/installed-test
LINTING  := .venv/installed-dev
JAX      := .venv-jax/installed
TORCH    := .venv-torch/installed
DOCS     := .venv-docs/installed
PEERS    := .venv-peers/torch-uncertainty .venv-peers/probly

FAST     := $(wildcard tests/metrics tests/data tests/test_checks.py tests/test_predictive.py \
              tests/test_writing.py tests/test_imports.py hetero_unc/metrics)

.DEFAULT_GOAL := help
.PHONY: help install mnist ferplus ferplus-recovered regression test test-end-to-end fast test-jax test-torch lint bench docs notebooks clean

help: ## List these targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PRESET=quick|full|grid|flipped|smoke   how much of an experiment runs ($(PRESET))"
	@echo "  DATA_DIR=folder                        holds mnist/, or fer2013.csv and fer2013new.csv; else"
	@echo "                                         HETERO_UNC_DATA, else MNIST is downloaded, faces drawn"
	@echo "  WEIGHTS=file                           of Inception-ResNet-v1, for ferplus; random without"
	@echo "  PRECISION=mixed_bfloat16               faster where the hardware has it; else float32"
	@echo "  BENCH=quick|full                       under two minutes, or about a quarter of an hour ($(BENCH))"

install: $(RUNTIME) ## Create .venv and install the package with all that it needs to run.

mnist: $(RUNTIME) ## Train three classifiers on MNIST and write runs/mnist/report.html.
	.venv/bin/python experiments/mnist.py --preset $(PRESET) $(mnist_options)

ferplus: $(RUNTIME) ## From votes on faces to runs/ferplus/report.html; on drawn faces without data.
	.venv/bin/python experiments/ferplus.py $(ferplus_options)

ferplus-recovered: $(RUNTIME) ## Our metrics on the paper's own forecasts, beside what it printed.
	.venv/bin/python experiments/ferplus_recovered.py $(if $(DATA_DIR),--data-dir "$(DATA_DIR)")

regression: $(RUNTIME) ## Fit mean and variance of one variable, and write runs/regression/.
	.venv/bin/python experiments/regression.py

test: $(TESTING) ## Run the tests: under ten minutes on two cores.
	.venv/bin/python -m pytest -n 2 --dist loadfile -m "not end_to_end"

test-end-to-end: $(TESTING) ## Run the rest: whole experiments, fuzzing, many small trainings.
	.venv/bin/python -m pytest -n 2 --dist loadfile -m end_to_end

fast: $(TESTING) ## Run the tests of the rooms that need NumPy only: under 20 seconds.
	.venv/bin/python -m pytest -q -n 2 --dist loadfile -m "not slow" $(FAST)

test-jax: $(JAX) ## Run the backend tests on JAX, in .venv-jax, where TensorFlow is not installed.
	KERAS_BACKEND=jax .venv-jax/bin/python -m pytest tests/backends

test-torch: $(TORCH) ## The same on PyTorch, in .venv-torch.
	KERAS_BACKEND=torch .venv-torch/bin/python -m pytest tests/backends

lint: $(LINTING) ## Check style and formatting.
	.venv/bin/ruff check
	.venv/bin/ruff format --check

bench: $(RUNTIME) ## Measure time, memory and error, beside recipes and peers; BENCH=quick is rough.
	@$(if $(filter quick,$(BENCH)),,$(MAKE) --keep-going --no-print-directory $(PEERS) || true)
	.venv/bin/python -m benchmarks.run $(if $(filter quick,$(BENCH)),--quick)

docs: $(DOCS) ## Build the documentation into build/docs; a broken link is an error.
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict

notebooks: $(TESTING) ## Execute the notebooks on the smoke preset.
	.venv/bin/python -m pytest tests/test_notebooks.py

clean: ## Remove caches and build folders; .venv and runs/ stay.
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

%/created:
	@$(PYTHON) $(is_supported) || { echo "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is" \
	  "$$($(PYTHON) --version 2>&1). Name another: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(if $(UV),$(UV) venv --quiet --allow-existing --python $(PYTHON) $*,$(PYTHON) -m venv $*)
	@touch $@

$(RUNTIME): setup.cfg pyproject.toml | .venv/created
	@echo "Installing into .venv. The first time, TensorFlow is a download of 600 MB."
	$(call install,.venv) --editable .
	@touch $@

$(TESTING): $(RUNTIME)
	$(call install,.venv) --editable '.[test]'
	@touch $@

$(LINTING): $(RUNTIME)
	$(call install,.venv) --editable '.[dev]'
	@touch $@

# Without TensorFlow the package's own list of dependencies cannot be used: these are the rest of it.
without_tensorflow = 'keras>=3.15,<4' 'numpy>=1.26' 'scipy>=1.12' 'scikit-learn>=1.6' 'pytest>=8.4'

$(JAX): setup.cfg pyproject.toml | .venv-jax/created
	$(call install,.venv-jax) 'jax>=0.10,<0.11' $(without_tensorflow)
	$(call install,.venv-jax) --no-deps --editable .
	@touch $@

$(TORCH): setup.cfg pyproject.toml | .venv-torch/created
	$(call install,.venv-torch) 'torch>=2.13' $(without_tensorflow)
	$(call install,.venv-torch) --no-deps --editable .
	@touch $@

# The pages are read from the sources, so that nothing of the package is installed beside MkDocs.
$(DOCS): setup.cfg pyproject.toml | .venv-docs/created
	$(call install,.venv-docs) 'mkdocs>=1.6,<2' 'mkdocs-material>=9.5' 'mkdocstrings[python]>=0.27'
	@touch $@

# What `make bench` compares with, on PyTorch. probly needs Python 3.12, so a newer one is preferred
# here; a peer that does not install is named, and its rows are absent.
PEER_PYTHON ?= $(firstword $(foreach name,python3.13 python3.12,\
                 $(if $(shell $(name) -c '' 2>/dev/null && echo yes),$(name))) $(PYTHON))

# Not compiled beforehand, unlike the rest: most of PyTorch is never imported here.
install_peer = $(subst --compile-bytecode,,$(call install,.venv-peers))

.venv-peers/bin/python:
	$(if $(UV),$(UV) venv --quiet --python $(PEER_PYTHON) .venv-peers,$(PEER_PYTHON) -m venv .venv-peers)

.venv-peers/torch: | .venv-peers/bin/python
	@echo "Installing peers into .venv-peers. The first time, PyTorch is a large download."
	$(install_peer) 'torch==2.13.0'
	@touch $@

.venv-peers/torch-uncertainty: | .venv-peers/torch
	$(install_peer) 'torch==2.13.0' 'torch-uncertainty[cpu]==0.13.0'
	@touch $@

.venv-peers/probly: | .venv-peers/torch
	$(install_peer) 'torch==2.13.0' 'probly==0.9.1'
	@touch $@
