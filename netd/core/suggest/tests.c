/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tests that a suggestion carries: each rule does what it is for, and next to each port that is
 * open to somebody stands who must not get there. */
#include <string.h>

#include "core/suggest/draft.h"

/* What is asked about a tier that nobody was seen to speak to. */
static const struct port_range nobodys_port = { PROTO_TCP, 22, 22 };

/* A policy has more room than anybody reads; beyond this nothing is tested. */
#define TESTS_MOST 3000u

static void print_test(const char *const ends[2], const struct port_range *port, bool allow,
		       size_t indent, struct text *out)
{
	struct port_range one = *port;
	char name[PORT_RANGE_TEXT_LEN];

	if (proto_has_ports((enum ip_proto)one.proto))
		one.hi = one.lo;
	text_printf(out, "%*s- {from: %s, to: %s, port: %s, expect: %s}\n", (int)indent, "",
		    ends[0], ends[1], port_range_format(&one, name), allow ? "allow" : "deny");
}

/* The tier's rule for that port and that end, which is a tier or a zone. */
static bool is_open(const struct suggest *s, uint32_t to, const char *from,
		    const struct port_range *port)
{
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct suggest_rule *rule = &s->rules[i];
		if (rule->to_group != to || rule->why || strcmp(rule->from, from) != 0)
			continue;
		for (size_t p = 0; p < rule->n_ports; p++)
			if (port_range_contains(&rule->ports[p], (enum ip_proto)port->proto,
						port->lo))
				return true;
	}
	return false;
}

/* The first new tier by name that may not get there, or NULL. */
static const char *find_stranger(const struct suggest *s, uint32_t to,
				 const struct port_range *port)
{
	size_t n;
	const uint32_t *order = suggest_new_groups(s, &n);

	for (size_t i = 0; order && i < n; i++) {
		const char *name = s->groups[order[i]].name;
		if (order[i] != to && !is_open(s, to, name, port))
			return name;
	}
	return NULL;
}

static void print_closed(const struct suggest *s, uint32_t to, const struct port_range *port,
			 size_t indent, struct text *out)
{
	const char *const strangers[] = { "internet", "lan", find_stranger(s, to, port) };

	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		const char *const ends[] = { strangers[i], s->groups[to].name };
		if (strangers[i] && !is_open(s, to, strangers[i], port))
			print_test(ends, port, false, indent, out);
	}
}

/* The port that most of its rules are for: of the first. */
static const struct port_range *server_port(const struct suggest *s, uint32_t group)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (s->rules[i].to_group == group && !s->rules[i].why && s->rules[i].n_ports)
			return &s->rules[i].ports[0];
	return &nobodys_port;
}

void suggest_print_tests(const struct suggest *s, size_t indent, struct text *out)
{
	static const struct port_range dns = { PROTO_UDP, 53, 53 };
	size_t n;
	const uint32_t *order = suggest_new_groups(s, &n);

	out->failed |= !order;
	if (out->failed)
		return;
	for (size_t i = 0; i < s->n_rules && i < TESTS_MOST; i++) {
		const struct suggest_rule *rule = &s->rules[i];
		const char *const ends[] = { rule->from_sample, rule->to_sample };
		if (!rule->why)
			print_test(ends, strcmp(rule->to, "dns") == 0 ? &dns : &rule->ports[0],
				   true, indent, out);
	}
	for (size_t i = 0; i < n && s->n_rules + 3 * i < TESTS_MOST; i++)
		print_closed(s, order[i], server_port(s, order[i]), indent, out);
}
