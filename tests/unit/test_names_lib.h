/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies whose tiers and files are called as nobody expects: nft's words, netd's own chains, sets
 * and counters, these without their last letter (a set is called like its tier, with something
 * behind it) or with others in front, and random bytes of every length. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/compile/compile.h"
#include "core/policy/peer.h"
#include "core/report/report.h"

#define NAMES_TIERS 60u /* of one policy */
#define NAMES_RANDOM 400u

struct names {
	struct arena *arena;
	VEC(const char *) candidates; /* NAMES_TIERS of them make a policy */
	uint64_t state;		      /* of the dice; never 0 */
};

static inline uint32_t names_roll(struct names *names, uint32_t n) /* 0..n-1 */
{
	names->state ^= names->state << 13;
	names->state ^= names->state >> 7;
	names->state ^= names->state << 17;
	return (uint32_t)((names->state >> 16) % n);
}

/* Once only, with dashes where it has underscores. */
static inline void names_add(struct names *names, const char *name)
{
	char *copy = arena_strdup(names->arena, name);

	assert_non_null(copy);
	for (char *c = copy; *c; c++)
		*c = *c == '_' ? '-' : *c;
	for (size_t i = 0; i < names->candidates.n; i++)
		if (strcmp(names->candidates.items[i], copy) == 0)
			return;
	assert_int_equal(VEC_PUSH(names->arena, &names->candidates, (const char *)copy), 0);
}

/* The word, and what becomes it when something is put behind it or in front of it. */
static inline void names_add_word(struct names *names, const char *word)
{
	static const char *const fronts[] = {
		"to_",	      "from_",	     "within_", "outside_",
		"denied_to_", "audited_to_", "denied_", "published_"
	};
	char *shorter = arena_strndup(names->arena, word, strlen(word) - 1);

	assert_non_null(shorter);
	names_add(names, word);
	if (*shorter)
		names_add(names, shorter);
	for (size_t i = 0; i < ARRAY_LEN(fronts); i++)
		if (strncmp(word, fronts[i], strlen(fronts[i])) == 0)
			names_add_word(names, word + strlen(fronts[i]));
}

static inline int names_compile(const struct policy *policy, const struct world *world,
				struct arena *arena, struct compile_output *ret, const char **why)
{
	struct compile_input in = { .policy = policy,
				    .world = world,
				    .mark_bit = COMPILE_MARK_BIT,
				    .stamp = 0x00100000u,
				    .log_group = COMPILE_LOG_GROUP };

	return compile_ruleset(&in, arena, ret, why);
}

/* A host with one container for each tier, of the label t, which publishes three ports, on a
 * network whose bridge is called like nothing else. */
static inline const struct world *names_world(struct arena *arena, const char *const *tiers,
					      size_t n)
{
	struct text out = { 0 };
	const struct world *bare, *world;
	const char *error = NULL;

	text_add(&out, "{\"version\":1,\"networks\":[{\"id\":\"n\",\"name\":\"front\","
		       "\"driver\":\"bridge\",\"bridge\":\"br.f_-0\",\"internal\":false,"
		       "\"subnets\":[\"172.18.0.0/16\",\"fd00:1::/64\"],\"gateways\":[]}],"
		       "\"containers\":[");
	for (size_t i = 0; i < n; i++)
		text_printf(&out,
			    "%s{\"id\":\"c%zu\",\"name\":\"c%zu\",\"image\":\"x\","
			    "\"labels\":{\"t\":\"%s\"},\"endpoints\":[{\"network\":\"front\","
			    "\"ipv4\":\"172.18.1.%zu\",\"ipv6\":\"fd00:1::%zu\","
			    "\"mac\":\"02:42:ac:12:01:%02zx\"}],\"published\":["
			    "{\"host_ip\":\"0.0.0.0\",\"host_port\":%zu,\"port\":\"80/tcp\"},"
			    "{\"host_ip\":\"0.0.0.0\",\"host_port\":%zu,\"port\":\"81/tcp\"},"
			    "{\"host_ip\":\"192.0.2.1\",\"host_port\":%zu,\"port\":\"53/udp\"}]}",
			    i ? "," : "", i, i, tiers[i], i + 1, i + 1, i, 2000 + i, 3000 + i,
			    4000 + i);
	text_add(&out, "],\"resolvers\":[]}");
	assert_false(text_failed(&out));
	int r = world_parse_inventory(text_str(&out), strlen(text_str(&out)), arena, &bare, &error);
	if (r != 0)
		fail_msg("inventory: %s", error);
	text_done(&out);
	assert_int_equal(report_complete_world(bare, arena, &world), 0);
	return world;
}

/* netd's own names are those of an empty policy, and of one in audit mode. */
static inline void names_add_own(struct names *names)
{
	static const char *const policies[] = { "version: 1\n",
						"version: 1\nmode: audit\nunmatched: ignore\n" };

	for (size_t p = 0; p < ARRAY_LEN(policies); p++) {
		struct policy_source source = { "p", policies[p], strlen(policies[p]) };
		struct compile_output out;
		const struct policy *policy;
		struct diag_list diags;
		const char *why = NULL;
		diag_init(&diags, names->arena);
		assert_int_equal(policy_parse(&source, 1, names->arena, &diags, &policy), 0);
		assert_int_equal(names_compile(policy, names_world(names->arena, NULL, 0),
					       names->arena, &out, &why),
				 0);
		for (size_t t = 0; t < RS_FAMILY_COUNT; t++) {
			const struct rs_table *table = &out.ruleset->tables[t];
			for (size_t i = 0; i < table->sets.n; i++)
				names_add_word(names, table->sets.items[i]->name);
			for (size_t i = 0; i < table->chains.n; i++)
				names_add_word(names, table->chains.items[i]->name);
			for (size_t i = 0; i < table->counters.n; i++)
				names_add_word(names, table->counters.items[i]);
		}
	}
}

/* Most are names of tiers; every tenth has any bytes. */
static inline void names_add_random(struct names *names)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	char name[POLICY_TIER_NAME + 2];
	size_t len = 1 + names_roll(names, POLICY_TIER_NAME + 1);
	bool any = names_roll(names, 10) == 0;

	for (size_t i = 0; i < len; i++)
		name[i] = any ? (char)(1 + names_roll(names, 255))
			      : allowed[names_roll(names, i ? sizeof(allowed) - 1 : 26)];
	name[len] = '\0';
	names_add(names, name);
}

static inline void names_make(struct names *names, struct arena *arena, uint64_t seed)
{
	size_t n;
	const char *const *words = ruleset_reserved_words(&n);

	*names = (struct names){ .arena = arena, .state = seed * 2654435769u + 1 };
	for (size_t i = 0; i < n; i++)
		names_add_word(names, words[i]);
	names_add_own(names);
	for (size_t i = 0; i < NAMES_RANDOM; i++)
		names_add_random(names);
}

/* A double-quoted scalar of YAML; what is not ASCII is not written as such. */
static inline void names_quote(struct text *out, const char *name)
{
	text_add(out, "\"");
	for (const char *c = name; *c; c++)
		text_printf(out, "\\x%02x", (uint8_t)*c);
	text_add(out, "\"");
}

/* Any bytes but `/` and the end, as a file may be called. */
static inline const char *names_file(struct names *names)
{
	char name[256];
	size_t len = 1 + names_roll(names, sizeof(name) - 1);

	for (size_t i = 0; i < len; i++)
		do
			name[i] = (char)(1 + names_roll(names, 255));
		while (name[i] == '/');
	name[len] = '\0';
	const char *copy = arena_printf(names->arena, "/etc/netd/%s", name);
	assert_non_null(copy);
	return copy;
}

/* One policy of these tiers: each may reach itself and the next, from outside too, and the host;
 * some are audited. */
static inline const char *names_policy(struct names *names, const char *const *tiers, size_t n)
{
	struct text out = { 0 };

	text_add(&out, "version: 1\nunmatched: ignore\ntiers:\n");
	for (size_t i = 0; i < n; i++) {
		text_add(&out, "  ");
		names_quote(&out, tiers[i]);
		text_printf(&out, ": {mode: %s, within: %s, match: [{label: {t: ",
			    i % 3 ? "enforce" : "audit", i % 2 ? "allow" : "deny");
		names_quote(&out, tiers[i]);
		text_printf(&out, "}}], speaks_for: [10.%zu.0.0/16, \"fd00:%zx::/32\"]}\n", i % 250,
			    i + 1);
	}
	text_add(&out, "allow:\n");
	for (size_t i = 0; i < n; i++) {
		text_add(&out, "  - {from: [internet, ");
		names_quote(&out, tiers[i]);
		text_add(&out, "], to: ");
		names_quote(&out, tiers[(i + 1) % n]);
		text_add(&out, ", ports: [80/tcp, 53/udp], log: true}\n  - {from: ");
		names_quote(&out, tiers[i]);
		text_add(&out, ", to: [host, dns, lan], ports: [22/tcp]}\n");
	}
	const char *copy = text_failed(&out) ? NULL : arena_strdup(names->arena, text_str(&out));
	text_done(&out);
	assert_non_null(copy);
	return copy;
}

/* What validate says of the tier alone. */
static inline bool names_is_valid(struct names *names, const char *name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = names_policy(names, &name, 1);
	struct policy_source source = { "p.yaml", text, strlen(text) };
	const struct policy *policy;
	struct diag_list diags;

	assert_non_null(arena);
	diag_init(&diags, arena);
	int r = policy_parse(&source, 1, arena, &diags, &policy);
	assert_true(r >= 0);
	return r == 0;
}

/* The next NAMES_TIERS valid candidates from *@next on, as a policy of one file of any name, on a
 * host that has them all; NULL: no candidates are left. The candidates that validate refuses are
 * left out. */
static inline const struct ruleset *names_next_ruleset(struct names *names, size_t *next,
						       struct arena *arena)
{
	const char *tiers[NAMES_TIERS], *why = NULL;
	struct compile_output out;
	const struct policy *policy;
	struct diag_list diags;
	size_t n = 0;

	for (; n < NAMES_TIERS && *next < names->candidates.n; ++*next)
		if (names_is_valid(names, names->candidates.items[*next]))
			tiers[n++] = names->candidates.items[*next];
	if (n == 0)
		return NULL;
	const char *text = names_policy(names, tiers, n);
	struct policy_source source = { names_file(names), text, strlen(text) };
	diag_init(&diags, arena);
	int r = policy_parse(&source, 1, arena, &diags, &policy);
	if (r != 0)
		fail_msg("alone they are valid: %s", diags.diags.items[0].text);
	r = names_compile(policy, names_world(arena, tiers, n), arena, &out, &why);
	if (r != 0)
		fail_msg("valid, but does not compile: %s", why ? why : "?");
	return out.ruleset;
}
