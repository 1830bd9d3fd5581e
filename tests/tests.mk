# SPDX-License-Identifier: GPL-2.0-or-later
# The tests and gates. Cheap ones first; each can be called alone.

# For recipes that call something else: a line with $$(MAKE) in it runs even with -n.
make_program := $(MAKE)
# The flags are not handed on where tests are to run one by one; -n is.
dry = $(if $(findstring n,$(firstword -$(MAKEFLAGS))),-n)

.PHONY: check
check: all check-layers check-headers check-purity check-names check-libraries check-docs check-exposure check-unit check-ctl check-fuzz ## the gates that need no root: seconds

.PHONY: check-layers
check-layers: ## a module includes only itself and the modules to its left
	@tests/gates/layers $(CORE)

.PHONY: check-headers
check-headers: ## every header compiles alone
	@tests/gates/headers "$(CC)" -std=gnu17 -D_GNU_SOURCE -Inetd -I. $(WARNINGS) -Werror

.PHONY: check-purity
check-purity: $(core_lib) ## the core calls nothing but memory, string and parser functions
	@tests/gates/purity $(core_lib)

.PHONY: check-names
check-names: all ## an external symbol says whose it is, no name is defined twice, no files need each other in a circle
	@tests/gates/names $(O)/obj
	@tests/gates/circles $(O)/obj

.PHONY: check-libraries
check-libraries: all ## what is not always needed is not loaded when a program starts
	@tests/gates/libraries $(O)/netd $(O)/netdctl $(O)/netd-reader $(O)/netd-metrics $(O)/netd-fleet

.PHONY: check-unit
check-unit: $(unit_bin) ## unit and golden tests
	@tests/run-cmocka $(unit_bin)

.PHONY: check-ctl
check-ctl: $(O)/netdctl ## what netdctl prints (REGOLD=1 writes it anew)
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/run
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/hostile
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/suggest
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/engines
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/formats
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/completion
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/readme
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/progress
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/posture
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/images

.PHONY: check-page
check-page: ## the page of netdctl report in a real browser (chromium)
	@O=$(O) tests/ctl/page

.PHONY: check-fuzz
check-fuzz: $(fuzz_bin) ## readers of outside bytes: known inputs and mutations of them (SEED=n RUNS=n)
	@tests/fuzz/run $(fuzz_bin)

.PHONY: fuzz
fuzz: ## libFuzzer on one of them, T=policy SECS=60; what it finds is kept in build-fuzz (clang)
	@$(MAKE) --no-print-directory CC=clang SAN=1 FUZZ=1 O=build-fuzz build-fuzz/tests/fuzz/fuzz_$(or $(T),policy)
	@tests/fuzz/hunt build-fuzz $(or $(T),policy) $(or $(SECS),60)

.PHONY: check-property
check-property: $(O)/netdctl $(tool_bin) ## netdctl against an independent oracle, over random policies (SEED=n)
	@O=$(O) tests/property/run

.PHONY: test-compose
test-compose: $(O)/netdctl ## netdctl against docker compose, over generated projects (SECS=600, or N=n; SEED=n)
	@NETDCTL=$(abspath $(O))/netdctl tests/compose/run

.PHONY: check-live
check-live: all ## netdctl against a running netd, in a network namespace of its own (root)
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/live
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/changes
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/allow
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/admins
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/first
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/refused
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/connections
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/loop
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/metrics

.PHONY: check-docs
check-docs: ## options, verbs and findings are in the man pages, and one version everywhere
	@tests/gates/docs
	@tests/gates/release

.PHONY: check-exposure
check-exposure: ## the units give away no more than they did (systemd-analyze security)
	@tests/gates/exposure || [ $$? -eq 77 ]

.PHONY: check-netns
check-netns: $(netns_bin) ## tests against the kernel, in network namespaces of their own (root)
	@tests/run-cmocka $(netns_bin)

.PHONY: check-docker
check-docker: all ## tests with a real Docker engine in a namespace of its own (root)
	@NETD=$(abspath $(O))/netd tests/docker/run
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/ctl/docker

.PHONY: check-engines
check-engines: all ## the tests with Docker on the Dockers of other Debian suites (root, downloads them once)
	@NETD=$(abspath $(O))/netd tests/docker/engines

.PHONY: check-podman
check-podman: all ## tests with podman of other Debian suites (root, downloads them once)
	@NETD=$(abspath $(O))/netd NETDCTL=$(abspath $(O))/netdctl tests/podman/run

.PHONY: check-system
check-system: all ## netd.service on a host with systemd and Docker, booted for it (root)
	@O=$(O) tests/system/run

.PHONY: check-packages
check-packages: ## Debian packages from the build to the purge, SUITES="bookworm trixie sid" (root, downloads)
	@O=$(O) tests/packages/run

.PHONY: test test-full
test: ## all levels of tests, in short, with a closing line over all of them
	@O=$(O) tests/run-all

test-full: ## every test file, as often as the figures stand on: an hour and more
	@FULL=yes O=$(O) tests/run-all

# A report names lines; a variable's value is for a build with -g.
of_asan = --no-print-directory SAN=1 CFLAGS=-g1 O=build-asan
of_clang = --no-print-directory CC=clang CFLAGS=-g0 O=build-clang

.PHONY: asan
asan: ## unit, netdctl, fuzz and netns tests with the address and undefined-behaviour sanitizers (root)
	@$(MAKE) $(of_asan) all test-programs
	@MAKEFLAGS= $(MAKE) $(dry) -k $(of_asan) check-unit check-ctl check-fuzz check-netns

.PHONY: clang
clang: ## everything built with clang, and the unit tests run
	@$(MAKE) $(of_clang) all test-programs check-headers
	@MAKEFLAGS= $(MAKE) $(dry) $(of_clang) check-unit

.PHONY: coverage
coverage: ## how many lines of each module the tests reach (as root, also those in namespaces)
	@$(MAKE) --no-print-directory COVERAGE=1 O=build-coverage all test-programs
	@find build-coverage -name '*.gcda' -delete
	@MAKEFLAGS= $(MAKE) $(dry) -k --no-print-directory COVERAGE=1 O=build-coverage check-unit check-ctl \
		check-fuzz check-property $(if $(filter 0,$(shell id -u)),check-netns check-live)
	@tests/coverage build-coverage

.PHONY: test-programs
test-programs: $(unit_bin) $(netns_bin) $(tool_bin) $(fuzz_bin) $(bench_bin)

.PHONY: valgrind
valgrind: all ## the daemon through start, events, reload and stop (root)
	@NETD=$(abspath $(O))/netd tests/valgrind

.PHONY: demo
demo: ## a three-tier app on a Docker engine of its own, before and after netd (root)
	@O=$(O) MAKE=$(make_program) tests/demo

.PHONY: demo-adopt
demo-adopt: ## from an unknown host to an enforced policy, as an admin does it, on a host booted for it (root, downloads)
	@O=$(O) tests/demo-adopt

.PHONY: bench
bench: bench-ctl ## packet rate, throughput, latency and memory, as interleaved ratios (root)
	@NETD=$(abspath $(O))/netd tests/bench/packets
	@NETD=$(abspath $(O))/netd tests/bench/run

.PHONY: bench-ctl
bench-ctl: all ## how fast netdctl answers, and in how much memory
	@NETDCTL=$(abspath $(O))/netdctl tests/bench/ctl

.PHONY: format
format: ## rewrite the sources in the house format
	clang-format -i $$(git ls-files '*.c' '*.h')
