# SPDX-License-Identifier: GPL-2.0-or-later
# netd: one non-recursive Makefile. `make help` lists the targets; V=1 shows the commands.
O ?= build
CC ?= gcc
PREFIX ?= /usr
SYSCONFDIR ?= /etc
DESTDIR ?=
VERSION := 0.1.0

# A module of the core may include itself and the modules to its left (make check-layers).
CORE := base conf request etcd yaml images posture policy world compose ruleset compile simulate flow plan report metrics suggest wire fleet

CORE_LIBS := yaml-0.1 libcjson
# And libcurl and libcrypto, which are loaded when they are needed (edge/http/curl.h,
# edge/base/openssl.h).
EDGE_LIBS := libmnl libnftnl libsystemd zlib
CTL_LIBS := smartcols
TEST_LIBS := cmocka
PKG_CONFIG ?= pkg-config
# Expanded once, when the first file is compiled: `make help` and `make deps` work without them.
pkg = $(shell $(PKG_CONFIG) $(1) $(2) || echo "missing-libraries-run-make-deps")

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wformat=2 -Wconversion -Wsign-conversion -Wimplicit-fallthrough -Wswitch-enum -Wundef \
	-Wcast-qual -Wnull-dereference
GCC_WARNINGS := -Wjump-misses-init -Wlogical-op -Wduplicated-cond -Wduplicated-branches
HARDENING := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-ftrivial-auto-var-init=zero -fPIE
# The processor's own, where it has one.
HARDENING += $(if $(filter x86_64% i%86%,$(shell $(CC) -dumpmachine)),-fcf-protection=full)
HARDENING_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
OPTIMIZE ?= -O2 -g
# make SAN=1: address and undefined-behaviour sanitizers instead of hardening.
ifdef SAN
OPTIMIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
	-DNETD_CHECK_REUSE
HARDENING := -fPIE
HARDENING_LD := -pie -fsanitize=address,undefined
endif
# make FUZZ=1, with clang and SAN=1: for libFuzzer.
ifdef FUZZ
OPTIMIZE += -fsanitize=fuzzer-no-link
endif
# make COVERAGE=1: for gcov.
ifdef COVERAGE
OPTIMIZE := -O0 -g --coverage
HARDENING :=
HARDENING_LD :=
endif
ifneq ($(findstring clang,$(shell $(CC) --version 2>/dev/null | head -n 1)),)
HARDENING := $(filter-out -ftrivial-auto-var-init=zero,$(HARDENING))
else
WARNINGS += $(GCC_WARNINGS)
endif
# Warnings are errors here and in CI, not in a tarball's build on an unknown compiler.
WERROR ?= -Werror

CFLAGS_ALL = -std=gnu17 -D_GNU_SOURCE -DNETD_VERSION='"$(VERSION)"' -Inetd -I. $(OPTIMIZE) \
	$(WARNINGS) $(WERROR) $(HARDENING) -MMD -MP $(CFLAGS)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

core_src := $(foreach m,$(CORE),$(wildcard netd/core/$(m)/*.c))
edge_src := $(wildcard netd/edge/*/*.c)
daemon_src := $(wildcard netd/daemon/*.c)
reader_src := $(wildcard netd/reader/*.c)
exporter_src := $(wildcard netd/exporter/*.c)
fleet_src := $(wildcard netd/fleet/*.c)
ctl_src := $(wildcard ctl/*.c)
unit_src := $(wildcard tests/unit/test_*.c)
netns_src := $(wildcard tests/netns/test_*.c)
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
tool_src := $(wildcard tests/property/*.c)
fleet_bench_src := tests/bench/fleet-hosts.c tests/bench/fleet-netd.c
obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

unit_bin := $(patsubst %.c,$(O)/%,$(unit_src))
netns_bin := $(patsubst %.c,$(O)/%,$(netns_src))
fuzz_bin := $(patsubst %.c,$(O)/%,$(fuzz_src))
tool_bin := $(patsubst %.c,$(O)/%,$(tool_src))
fleet_bench_bin := $(O)/tests/bench/fleet-hosts
bench_bin := $(fleet_bench_bin) $(O)/tests/bench/events
core_lib := $(O)/libnetdcore.a
edge_lib := $(O)/libnetdedge.a

.PHONY: all
all: $(O)/netd $(O)/netdctl $(O)/netd-reader $(O)/netd-metrics $(O)/netd-fleet ## build netd, netdctl and what runs beside netd (the default)

$(O)/obj/%.o: %.c
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<

$(core_lib): $(call obj,$(core_src))
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(edge_lib): $(call obj,$(edge_src))
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

link = $(Q)$(CC) $(OPTIMIZE) $(HARDENING_LD) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	$(call pkg,--libs,$(CORE_LIBS) $(EDGE_LIBS) $(1))

$(O)/netd: $(call obj,$(daemon_src)) $(edge_lib) $(core_lib)
	$(say) LD $@
	$(call link)

$(O)/netdctl: $(call obj,$(ctl_src)) $(edge_lib) $(core_lib)
	$(say) LD $@
	$(call link,$(CTL_LIBS))

# Of all libraries it needs one.
$(O)/netd-reader: $(call obj,$(reader_src)) $(edge_lib) $(core_lib)
	$(say) LD $@
	$(Q)$(CC) $(OPTIMIZE) $(HARDENING_LD) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,libsystemd)

$(O)/netd-metrics: $(call obj,$(exporter_src)) $(edge_lib) $(core_lib)
	$(say) LD $@
	$(Q)$(CC) $(OPTIMIZE) $(HARDENING_LD) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,libsystemd libcjson)

# What knows nothing of packets needs no library for them, whatever else is in the archive.
$(O)/netd-fleet: $(call obj,$(fleet_src)) $(edge_lib) $(core_lib)
	$(say) LD $@
	$(Q)$(CC) $(OPTIMIZE) $(HARDENING_LD) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,libsystemd libcjson yaml-0.1 zlib)

$(unit_bin) $(netns_bin): $(O)/%: $(O)/obj/%.o $(edge_lib) $(core_lib)
	$(say) LD $@
	@mkdir -p $(@D)
	$(call link,$(TEST_LIBS))

$(tool_bin) $(O)/tests/bench/events: $(O)/%: $(O)/obj/%.o $(edge_lib) $(core_lib)
	$(say) LD $@
	@mkdir -p $(@D)
	$(call link)

# Many of what netd-fleet is one of.
$(fleet_bench_bin): $(call obj,$(fleet_bench_src) $(filter-out netd/fleet/main.c,$(fleet_src))) $(edge_lib) $(core_lib)
	$(say) LD $@
	@mkdir -p $(@D)
	$(call link)

# With libFuzzer's own main, or with one that replays.
$(fuzz_bin): $(O)/%: $(O)/obj/%.o $(if $(FUZZ),,$(O)/obj/tests/fuzz/replay.o) $(edge_lib) $(core_lib)
	$(say) LD $@
	@mkdir -p $(@D)
	$(call link) $(if $(FUZZ),-fsanitize=fuzzer)

$(O)/tests/unit/test_reader: $(O)/obj/netd/reader/proxy.o $(O)/obj/netd/reader/relay.o
$(O)/tests/unit/test_exporter: $(O)/obj/netd/exporter/server.o $(O)/obj/netd/exporter/source.o
$(O)/tests/unit/test_conf: $(O)/obj/netd/daemon/options.o
$(O)/tests/unit/test_statefiles: $(O)/obj/netd/daemon/statefiles.o
$(O)/tests/unit/test_denials: $(O)/obj/netd/daemon/denials.o
$(O)/tests/netns/test_dials: $(O)/obj/netd/daemon/dials.o
# The client is the one part of netdctl with tests of its own.
$(O)/tests/unit/test_control $(O)/tests/unit/test_control_hostile: $(O)/obj/ctl/client.o

include tests/tests.mk
include packaging/packaging.mk

.PHONY: deps
deps: ## install with apt what building and testing need (Debian)
	tests/install-deps

.PHONY: clean
clean: ## remove what was built
	rm -rf $(O)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
