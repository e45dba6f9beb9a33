# make setup      installs the Debian packages that are missing (needs root or sudo)
# make build      release build of everything
# make demo       installs, builds, fetches a real model, runs the main job, writes Results/demo
# make test       installs, builds, fetches the fixtures, passes every test
# make test-consumers  lets every real package read what `apply` and `export` write, writes Results/consumers
# make llama-cpp  builds llama.cpp's own quantizer (minutes) for the one test that asks it
# make lint       swift format, strict
# make bench      speed and memory against the targets, printed
# make results    regenerates Results/ from the real models
# make estimators compares the estimators on real models, printed
# make latency    times real models on this machine (leave it alone meanwhile), writes Results/latency
# make fixtures   fetches real models and data into .fixtures
# make vit        trains a small ViT on Fashion-MNIST (minutes of one core) into .fixtures/vit
# make clean      forgets the build (not the fixtures)

SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: setup build demo test lint bench results latency estimators fixtures demo-fixtures clean test-consumers llama-cpp vit

APT := libtorch-dev libglpk-dev libxgboost-dev libdnnl-dev libopenblas-dev libsqlite3-dev libgd-dev zlib1g-dev \
  libssl-dev g++ python3 python3-pip python3-venv unzip
PYTHON := .fixtures/venv/bin/python
# The packages that read what the tool writes; those that need torch are in $(CONSUMERS)-torch.
CONSUMERS := .fixtures/consumers
# Deterministic and quick: parallelism is over samples and layers, not inside an operator.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

setup:
	@missing=""; for p in $(APT); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; \
	done; \
	if [ -n "$$missing" ]; then \
	  root=""; [ "$$(id -u)" = 0 ] || root="sudo"; \
	  if [ -n "$$root" ] && ! command -v sudo >/dev/null; then \
	    echo "these packages are missing, and installing them needs root: apt-get install$$missing" >&2; exit 1; \
	  fi; \
	  echo "installing:$$missing"; \
	  $$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq --no-install-recommends $$missing >/dev/null \
	    || { echo "apt-get could not install:$$missing" >&2; exit 1; }; \
	fi; \
	command -v swift >/dev/null || { echo "Swift 6.3 is missing: install it from swift.org and put it on the PATH" >&2; exit 1; }

build: setup
	swift build -c release

fixtures: setup
	@test -x $(PYTHON) || /usr/bin/python3 -m venv .fixtures/venv
	@$(PYTHON) -m pip install -q --disable-pip-version-check -r Tests/Fixtures/requirements.txt
	$(PYTHON) Tests/Fixtures/fixtures.py .fixtures
	@test -x $(CONSUMERS)/bin/python || /usr/bin/python3 -m venv $(CONSUMERS)
	@$(CONSUMERS)/bin/python -m pip install -q --disable-pip-version-check -r Tests/Consumers/requirements.txt

demo-fixtures: setup
	python3 Tests/Fixtures/fixtures.py .fixtures demo

demo: build demo-fixtures
	@rm -rf Results/demo
	@printf '\n== What MiniLM (a sentence encoder) is made of, and the sizes that are possible\n'
	.build/release/bitbudget inspect .fixtures/minilm
	@printf '\n== Measure, plan, prove and draw: 4 bits a weight, from 256 sentences\n'
	.build/release/bitbudget auto .fixtures/minilm --data .fixtures/text/sentences.txt --samples 256 \
	  --budget 4bpw -o Results/demo
	@printf '\n== Everything is in Results/demo: policy.json, verification.json, frontier.{svg,csv,json}\n'

test: setup fixtures
	swift build -c release --build-tests
	swift test -c release --skip-build

test-consumers: build fixtures llama-cpp
	$(CONSUMERS)/bin/python Tests/Consumers/consumers.py .build/release/bitbudget .fixtures Results/consumers
	@test -x $(CONSUMERS)-torch/bin/python || /usr/bin/python3 -m venv $(CONSUMERS)-torch
	@# One by one when not all of them can be installed: the table says which ones were not.
	@list=Tests/Consumers/requirements-torch.txt; export BUILD_CUDA_EXT=0; \
	install="$(CONSUMERS)-torch/bin/python -m pip install -q --disable-pip-version-check"; \
	$$install $$(grep -E '^(torch|setuptools)==' $$list) && $$install --no-deps --no-build-isolation -r $$list \
	  || grep -v '^#' $$list | xargs -n 1 $$install --no-deps --no-build-isolation || true
	$(CONSUMERS)-torch/bin/python Tests/Consumers/recipes.py .build/release/bitbudget Results/consumers

# llama.cpp's quantizing of whole models is in no wheel: it is compiled, some twenty minutes of one processor.
llama-cpp: setup
	@test -x .fixtures/llama-venv/bin/python || /usr/bin/python3 -m venv .fixtures/llama-venv
	CMAKE_ARGS="-DGGML_NATIVE=OFF" .fixtures/llama-venv/bin/python -m pip install -q --disable-pip-version-check \
	  -r Tests/Consumers/requirements-llamacpp.txt

lint:
	swift format lint --strict --recursive --parallel Package.swift Sources Tests \
	  --configuration .swift-format

bench: build fixtures
	.build/release/bitbudget-bench bench

results: build fixtures
	.build/release/bitbudget-bench results
	.build/release/bitbudget-bench pipelines
	.build/release/bitbudget-bench search
	.build/release/bitbudget-bench exchange
	.build/release/bitbudget-bench trust

latency: build fixtures
	.build/release/bitbudget-bench latency

estimators: build fixtures
	@bash Results/estimators.sh

# The data is a Debian package that nothing else needs. The pin of torch takes the CPU build where pip finds one.
VIT := .fixtures/vit-venv
vit:
	@$(MAKE) --no-print-directory setup APT="$(APT) dataset-fashion-mnist"
	@test -x $(VIT)/bin/python || /usr/bin/python3 -m venv $(VIT)
	@$(VIT)/bin/python -m pip install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6 onnx==1.23.2
	$(VIT)/bin/python Results/train_vit.py .fixtures/vit

clean:
	rm -rf .build
