# `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

export GOPET_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/gopet

# Sets up libtorch and the shim where they are missing and lets go find them, in the same shell.
WITH_SHIM = env=$$(bash third_party/setup.sh --env) && eval "$$env"

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Downloads and built libraries are kept in $(GOPET_CACHE) (set GOPET_CACHE to move them)."
	@echo "CUDA=1 adds the GPU libraries; LIBTORCH=DIR or LIBTORCH_USE_PYTORCH=1 use a libtorch of yours."

.PHONY: shim
shim: ## set up libtorch and build libgopet_torch.so
	@bash third_party/setup.sh

.PHONY: build
build: ## build bin/gopet (it finds lib/ beside bin/, from any folder)
	@env=$$(bash third_party/setup.sh --link lib) && eval "$$env" && \
		go build -ldflags '-r $$ORIGIN/../lib' -o bin/gopet ./cmd/gopet
