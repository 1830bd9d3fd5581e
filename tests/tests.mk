# SPDX-License-Identifier: GPL-2.0-or-later
# The tests and gates. Cheap ones first; each can be called alone.

.PHONY: check
check: all check-layers check-headers check-purity check-unit check-ctl ## the gates that need no root: seconds

.PHONY: check-layers
check-layers: ## a module includes only itself and the modules to its left
	@tests/gates/layers $(CORE)

.PHONY: check-headers
check-headers: ## every header compiles alone
	@tests/gates/headers "$(CC)" -std=gnu17 -D_GNU_SOURCE -Inetd -I. $(WARNINGS) -Werror

.PHONY: check-purity
check-purity: $(core_lib) ## the core calls nothing but memory, string and parser functions
	@tests/gates/purity $(core_lib)

.PHONY: check-unit
check-unit: $(unit_bin) ## unit, golden and property tests
	@tests/run-cmocka $(unit_bin)

.PHONY: check-ctl
check-ctl: $(O)/netdctl ## what netdctl prints (REGOLD=1 writes it anew)
	@NETDCTL=$(abspath $(O))/netdctl tests/ctl/run

.PHONY: check-netns
check-netns: $(netns_bin) ## tests against the kernel, in network namespaces of their own (root)
	@tests/run-cmocka $(netns_bin)

.PHONY: check-docker
check-docker: all ## tests with a real Docker engine in a namespace of its own (root)
	@tests/run-docker

.PHONY: test
test: ## everything that CI runs
	@tests/run-all

.PHONY: demo
demo: ## a three-tier app on a Docker engine of its own, before and after netd (root)
	@tests/demo

.PHONY: bench
bench: all ## packet rate, throughput, latency and memory, as interleaved ratios (root)
	@tests/bench/run

.PHONY: format
format: ## rewrite the sources in the house format
	clang-format -i $$(git ls-files '*.c' '*.h')
