# The commands of gopet; `make help` lists them. Each sets up what it needs and is missing.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export GOPET_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gopet

# What tests find beside their own files; they skip with a word where one of these is missing.
export GOPET_MINILM_L6 = $(GOPET_CACHE)/models/all-MiniLM-L6-v2
export GOPET_TEST_PYTHON = $(GOPET_CACHE)/python/tests/python3

# Lets go find the shim, in the same shell.
WITH_SHIM = env=$$(bash third_party/setup.sh --env) && eval "$$env"

GO_TEST = go test -timeout 30m

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Downloads are kept in $(GOPET_CACHE); GOPET_CACHE=DIR moves them."
	@echo "CUDA=1 adds the GPU libraries. LIBTORCH=DIR or LIBTORCH_USE_PYTORCH=1 use a libtorch of yours."

DEMO_FLAGS =

.PHONY: demo
demo: build ## tune a BERT on Reuters topics and print a table (five minutes)
	@bash scripts/demo.sh $(DEMO_FLAGS)

.PHONY: build
build: ## build bin/gopet, which finds lib/ beside bin/ from any folder
	@env=$$(bash third_party/setup.sh --link lib) && eval "$$env" && \
	go build -ldflags '-r $$ORIGIN/../lib' -o bin/gopet ./cmd/gopet

.PHONY: dist
dist: ## make the tarball dist/gopet-VERSION-linux-x86_64.tar.gz
	@bash scripts/dist.sh

.PHONY: dist-test
dist-test: dist ## run that tarball in empty roots (as root; with debootstrap in a minimal Debian too)
	@bash scripts/dist_test.sh

.PHONY: shim
shim: ## set up libtorch and build libgopet_torch.so only
	@bash third_party/setup.sh

KERNELS = $(MAKE) -C torch/csrc/kernels BUILD=$(CURDIR)/build/kernels

.PHONY: kernels
kernels: ## compile the CUDA kernels for GPUs: build/kernels/libgopet_cuda.so
	@nvcc=$$(bash third_party/fetch.sh nvcc) && $(KERNELS) lib NVCC="$$nvcc"

.PHONY: kernels-test
kernels-test: ## compile the CUDA kernels for this CPU, run their tests and those of what calls them
	@$(KERNELS) test
	@$(KERNELS) host-lib
	@$(WITH_SHIM) && GOPET_KERNELS=$(CURDIR)/build/kernels/libgopet_cuda_host.so \
	$(GO_TEST) -count=1 ./torch ./torch/nn ./torch/optim ./internal/doctor

.PHONY: gpu-bundle
gpu-bundle: ## make dist/gopet-gpu-check.tar.xz, whose scripts/gpu_check.sh checks a machine with a GPU
	@bash scripts/gpu_bundle.sh

.PHONY: test
test: test-data ## run every test
	@$(WITH_SHIM) && $(GO_TEST) ./...

.PHONY: race
race: test-data ## run every test under the race detector
	@$(WITH_SHIM) && $(GO_TEST) -race ./...

.PHONY: test-data
test-data:
	@bash third_party/fetch.sh model data python-tests >/dev/null
	@bash data/tokenizer/testdata/corpus.sh >/dev/null

.PHONY: dependency
dependency: ## build and test examples/ from a module zip, as another module would
	@bash scripts/test_as_dependency.sh

.PHONY: parity
parity: build ## make the golden files again with PyTorch and transformers and compare (3 GB)
	@bash scripts/parity.sh

.PHONY: bench
bench: build ## step times beside the floor and beside PyTorch, interleaved (3 GB)
	@bash scripts/bench.sh

.PHONY: bench-input
bench-input: build ## reading and the first step beside Hugging Face's datasets and transformers (4 GB)
	@bash scripts/bench_input.sh

BENCH_PEERS_FLAGS =

.PHONY: bench-peers
bench-peers: build ## steps and memory beside transformers and peft, into docs/benchmarks.md (3 GB, forty minutes)
	@bash scripts/bench_peers.sh $(BENCH_PEERS_FLAGS)

.PHONY: bench-bfloat16
bench-bfloat16: build ## accuracy after tuning in bfloat16 beside float32, into docs/bfloat16.md (4 GB, ten minutes)
	@bash scripts/bfloat16_accuracy.sh

.PHONY: bench-plan
bench-plan: build ## what gopet plan predicts beside what gopet bench measures (TOKENIZER=DIR of a T5's)
	@bash scripts/bench_plan.sh --tokenizer "$(TOKENIZER)"

.PHONY: bench-tokenizer
bench-tokenizer: ## tokenizer speed beside Hugging Face's tokenizers
	@bash data/tokenizer/bench.sh

.PHONY: lint
lint: ## check formatting and run go vet, staticcheck, clang-format, shellcheck
	@$(WITH_SHIM) && bash scripts/lint.sh

.PHONY: fmt
fmt: ## format Go and C++ in place
	@bash scripts/lint.sh --fix

.PHONY: clean
clean: ## remove what was built here; downloads stay in the cache
	rm -rf bin build lib demo dist
