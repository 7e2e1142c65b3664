# Cheops from a fresh clone: `make demo` shows it, `make test` proves it.
# Every target installs what it misses (apt, with sudo where not root).
#
# One folder, build/, serves build, demo, test and bench: what is configured
# stays in its cache, so a target adds to it and never makes it build anew.
.DEFAULT_GOAL := build
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
SITES ?= 3
SEEDS ?= 10000
FIRST_SEED ?= 1
# Given by the caller, it also adds a slice of fuzzing to `make test`.
fuzz_slice := $(if $(filter undefined,$(origin FUZZ_SECONDS)),,yes)
FUZZ_SECONDS ?= 60
BENCHES := bench-proxy bench-link bench-body bench-replication

.PHONY: setup setup-build setup-test setup-bench setup-fuzz setup-lint \
	setup-openstack setup-kubernetes build build-test demo test test-long test-asan test-tsan \
	e2e sim bench $(BENCHES) testbed-openstack testbed-openstack-down \
	test-openstack bench-openstack testbed-kubernetes \
	testbed-kubernetes-down test-kubernetes bench-kubernetes \
	fuzz format format-check lint clean install help

# Of the data plane: on sockets, with threads.
http_tests := test_http_head test_http_proxy test_http_support test_traffic
# A fresh folder begins with the programs alone: no packages for tests.
fresh = $(if $(wildcard build/CMakeCache.txt),,-DCHEOPS_BUILD_TESTS=OFF -DCHEOPS_BUILD_BENCH=OFF)
# $(call configure,PRESET,OPTIONS) is silent unless it fails.
configure = mkdir -p build; \
	cmake --preset $(1) $(2) >build/configure-$(1).log 2>&1 || \
	{ cat build/configure-$(1).log >&2; exit 1; }
# $(call ninja,FOLDER,TARGETS)
ninja = cmake --build $(1) -j $(JOBS) --target $(2)
# $(call run-tests,FOLDER,OPTIONS) keeps the output in FOLDER/ctest.log.
run-tests = ctest --test-dir $(1) --output-on-failure --no-tests=error \
	-j $(JOBS) $(2) 2>&1 | tee $(1)/ctest.log

help: ## Say what there is to make
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | \
	  sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 24
	@echo
	@echo "Variables: JOBS=$(JOBS) PREFIX=$(PREFIX) FUZZ_SECONDS=$(FUZZ_SECONDS) SITES=$(SITES) SEEDS=$(SEEDS) FIRST_SEED=$(FIRST_SEED)"

setup: setup-build setup-test ## Install what building and testing need

setup-build setup-test setup-bench setup-fuzz setup-lint setup-openstack setup-kubernetes: setup-%:
	@packaging/setup.sh $*

build: setup-build ## Build the programs into build/bin
	@$(call configure,release,$(fresh))
	@$(call ninja,build,programs)

demo: build ## Start three sites here and tell the story of Andy and Bo
	@build/bin/cheops demo

build-test: setup-build setup-test
	@$(call configure,release,$(fresh) -DCHEOPS_BUILD_TESTS=ON)
	@$(call ninja,build,programs tests)

# Last come the closing lines of each run, whatever was printed before them.
test: build-test ## Run all tests, and those of the core under the sanitizers
	@$(call configure,asan-core)
	@$(call ninja,build/asan-core,tests)
	@failed=; \
	$(call run-tests,build/asan-core,-LE long) || failed=1; \
	if [[ -n "$(fuzz_slice)" ]]; then $(MAKE) fuzz || failed=1; fi; \
	$(call run-tests,build,-LE long) || failed=1; \
	printf '\n--- the core under the sanitizers ---\n'; \
	sed -n '/tests passed/,$$p' build/asan-core/ctest.log; \
	printf '\n--- all tests ---\n'; \
	sed -n '/tests passed/,$$p' build/ctest.log; \
	[[ -z $$failed ]]

# CHEOPS_TEST_LONG=1 is what tests look at; RC_PARAMS is rapidcheck's own.
test-long: test ## The same, then the tests that take minutes
	@failed=; \
	tests/openstack/run.py --long 2>&1 | tee build/openstack.log || failed=1; \
	export CHEOPS_TEST_LONG=1 RC_PARAMS="max_success=2000"; \
	$(call run-tests,build,-L 'long|property') || failed=1; \
	[[ -z $$failed ]]

# The data plane's tests on sockets and threads, as they would find a use
# after free or a race. Minutes to build, so not a part of `test`.
test-asan: ## The data plane's tests under address and undefined sanitizers
test-tsan: ## The same under the thread sanitizer
test-asan test-tsan: test-%: setup-build setup-test
	@$(call configure,$*)
	@$(call ninja,build/$*,$(http_tests))
	@$(call run-tests,build/$*,-R '^test_(http_|traffic)')

e2e: build-test ## Run the tests on real processes
	@$(call run-tests,build,-L e2e -LE long)

sim: setup-build setup-test ## Simulate SEEDS worlds, the first from FIRST_SEED; a bad one tells its story
	@$(call configure,release,$(fresh) -DCHEOPS_BUILD_TESTS=ON)
	@$(call ninja,build,cheops_sim)
	@build/bin/cheops_sim $(SEEDS) $(FIRST_SEED)

bench: $(BENCHES) ## Run every benchmark; figures go to build/bench/*.json

testbed-openstack: build ## Start SITES real OpenStack sites here, each behind a node
	@testbed/openstack/testbed.py up $(SITES)

testbed-openstack-down: ## Stop them
	@testbed/openstack/testbed.py down

test-openstack: build ## Run the tests on real OpenStack services
	@tests/openstack/run.py 2>&1 | tee build/openstack.log

testbed-kubernetes: build ## Start SITES real API servers here, each behind a node
	@testbed/kubernetes/testbed.py up $(SITES)

testbed-kubernetes-down: ## Stop them
	@testbed/kubernetes/testbed.py down

test-kubernetes: build ## Run the tests on real Kubernetes API servers
	@tests/kubernetes/run.py 2>&1 | tee build/kubernetes.log

# A benchmark is bench/NAME.sh where it needs several processes, else the
# program bench_NAME.
$(BENCHES): bench-%: setup-build setup-bench
	@$(call configure,release,$(fresh) -DCHEOPS_BUILD_BENCH=ON)
	@$(call ninja,build,programs benches)
	@mkdir -p build/bench
	@if [[ -x bench/$*.sh ]]; then bench/$*.sh; else build/bin/bench_$*; fi
bench-proxy: ## Beside nginx and HAProxy: throughput, latency, memory
bench-link: ## Links between nodes: round trips, idle cost, cuts
bench-body: ## A body of 10 GB through two nodes: memory
bench-replication: ## Replicated writes beside etcd; idle replicants; after a cut

bench-openstack: build ## In front of real OpenStack services: latency
	@bench/openstack.py

bench-kubernetes: build ## In front of a real API server: latency, memory
	@bench/kubernetes.py

fuzz: setup-build setup-fuzz ## Run each fuzz target for FUZZ_SECONDS
	@$(call configure,fuzz)
	@$(call ninja,build/fuzz,fuzzers)
	@fuzz/run.sh $(FUZZ_SECONDS)

format: setup-lint ## Format the sources
	@git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format -i

format-check: setup-lint ## Fail where the sources are not formatted
	@git ls-files -z '*.cpp' '*.hpp' | \
	  xargs -0 clang-format --dry-run --Werror

lint: setup-build setup-test setup-bench setup-lint ## Run clang-tidy and shellcheck
	@$(call configure,lint)
	@.ci/lint $(JOBS)

install: build ## Install under PREFIX (DESTDIR is heeded)
	@$(call ninja,build,manual)
	@cmake --install build --prefix $(PREFIX)

clean: ## Remove build/
	@rm -rf build
