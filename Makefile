# Cheops from a fresh clone: `make demo` shows it, `make test` proves it.
# Every target installs what it misses (apt, with sudo where not root).
.DEFAULT_GOAL := build
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)

.PHONY: setup setup-test build demo test test-long e2e bench bench-proxy \
	bench-link bench-body fuzz format format-check lint clean install help

help: ## What there is
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | \
	  sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

setup: ## Install what a build needs
	@packaging/setup.sh build

setup-test: setup
	@packaging/setup.sh test

build: setup ## Build the programs into build/bin
	@cmake --preset release -DCHEOPS_BUILD_TESTS=OFF -DCHEOPS_BUILD_BENCH=OFF >build.log 2>&1 || { cat build.log; exit 1; }
	@rm -f build.log
	@cmake --build --preset release -j $(JOBS)
