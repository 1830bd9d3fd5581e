/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies of test_again_lib.h. */
#pragma once

#include <stddef.h>

enum { POLICIES = 9 };

static const char *const policies[POLICIES] = {
	"version: 1\ntiers:\n  a: {match: [{network: net0}]}\n"
	"  b: {match: [{label: {tier: b}}], within: deny}\n"
	"allow:\n  - {from: a, to: b, ports: [80/tcp]}\n  - {from: internet, to: a, until: "
	"2026-01-01T00:05:00Z}\n"
	"  - {from: a, to: dns}\n",
	"version: 1\ntiers:\n  a: {match: [{network: net0}], mode: audit}\n"
	"  b: {match: [{label: {tier: b}}]}\n  c: {match: [{network: net1}]}\n"
	"allow:\n  - {from: c, to: a, until: 2026-01-01T00:05:00Z}\n",
	"version: 1\nunmatched: ignore\ntiers:\n  a: {match: [{network: net0}]}\n",
	"version: 1\ntiers:\n  vpn: {match: [{network: net2}], speaks_for: [10.8.0.0/24, "
	"10.9.0.1]}\n"
	"  a: {match: [{network: net0}]}\nallow:\n  - {from: vpn, to: a}\n",
	"version: 1\nmode: audit\ntiers:\n  a: {match: [{network: net0}]}\n"
	"  b: {match: [{label: {tier: b}}]}\nallow:\n  - {from: a, to: b}\n",
	"version: 1\ntiers:\n  a: {match: [{network: net0}]}\n  b: {match: [{container: c1*}, "
	"{network: net1}], within: deny}\n  c: {match: [{label: {tier: b}}], mode: audit}\n"
	"allow:\n  - {from: a, to: c, ports: [80/tcp]}\n  - {from: internet, to: c}\n",
	"version: 1\ntiers:\n  a: {match: [{network: net0}]}\n  b: {match: [{label: {tier: b}}], "
	"mode: audit}\n  c: {match: [{network: net1}], within: deny}\n"
	"allow:\n  - {from: a, to: [b, c], ports: [8000-8001/tcp]}\n  - {from: internet, to: a}\n"
	"  - {from: internet, to: [b, c], ports: [80/tcp, 8002/tcp]}\n"
	"deny:\n  - {from: internet, to: a, ports: [8001/tcp]}\n  - {from: b, to: c, ports: "
	"[8003/tcp]}\n",
	("version: 1\ntiers:\n  a: {match: [{network: net0}], require: {read_only: true}}\n"
	 "  b: {match: [{network: net1}]}\nallow:\n  - {from: a, to: b, ports: [80/tcp]}\n"),
	("version: 1\ntiers:\n  a: {match: [{network: net0}], require: {image: {max_severity: "
	 "high, "
	 "max_age: 4m}}}\n  b: {match: [{network: net1}], require: {image: {signed_by: k.pem}}}\n"
	 "allow:\n  - {from: a, to: b, ports: [80/tcp]}\n"),
};
/* Those by which a container is elements and nothing else. */
static const size_t with_elements_alone[] = { 0, 1, 4, 5, 6 };
