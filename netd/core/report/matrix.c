/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_matrix(): who may reach whom, for every pair of tiers, zones and the host. */
#include <errno.h>

#include "core/report/survey.h"

struct matrix {
	struct rj j;
	const struct survey *survey;
	cJSON *cells;
};

/* A cell with the ports that @pick takes; none: no member. */
static void print_ports(struct matrix *m, cJSON *cell, const char *name, const survey_parts *parts,
			const survey_selection *selected)
{
	if (selected->n)
		survey_print_ports(&m->j, rj_add_object(&m->j, cell, name), parts, selected);
}

enum matrix_word { DENIED, ALLOWED, AUDITED, BY_DOCKER };

static enum matrix_word word_of(const struct survey_verdict *verdict, uint8_t families)
{
	uint8_t allowed = verdict->allowed & families, audited = verdict->audited & families;

	if (allowed & ~audited)
		return ALLOWED;
	return audited ? AUDITED : verdict->by_docker & families ? BY_DOCKER : DENIED;
}

/* A cell is about both families. Where the rest of the ports has another verdict over each, that of
 * icmp and that of icmpv6 are known to differ: they get parts of their own. */
static int split_icmp(survey_parts *parts, struct arena *scratch)
{
	struct survey_part kinds[] = { { .ports = { PROTO_ICMP, 0, UINT16_MAX } },
				       { .ports = { PROTO_ICMPV6, 0, UINT16_MAX } } };
	const struct survey_verdict *rest = NULL;
	int r = 0;

	for (size_t i = 0; i < parts->n; i++)
		if (parts->items[i].rest)
			rest = &parts->items[i].verdict[0];
	if (!rest || !(rest->sent & SURVEY_OVER_IPV4) || !(rest->sent & SURVEY_OVER_IPV6) ||
	    word_of(rest, SURVEY_OVER_IPV4) == word_of(rest, SURVEY_OVER_IPV6))
		return 0;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		uint8_t other = k ? SURVEY_OVER_IPV4 : SURVEY_OVER_IPV6;
		kinds[k].verdict[0] = *rest;
		kinds[k].verdict[0].allowed &= (uint8_t)~other;
		kinds[k].verdict[0].audited &= (uint8_t)~other;
		kinds[k].verdict[0].by_docker &= (uint8_t)~other;
	}
	for (size_t k = 0; k < ARRAY_LEN(kinds) && r == 0; k++) {
		bool named = false;
		for (size_t i = 0; i < parts->n; i++)
			named |= !parts->items[i].rest &&
				 parts->items[i].ports.proto == kinds[k].ports.proto;
		if (!named)
			r = VEC_PUSH(scratch, parts, kinds[k]);
	}
	return r;
}

static int add_cell(struct matrix *m, struct survey_end from, struct survey_end to,
		    struct arena *scratch)
{
	char from_name[LIMIT_PEER_TEXT], to_name[LIMIT_PEER_TEXT];
	survey_parts parts;
	int r = survey_ask(m->survey, from, to, scratch, &parts);
	if (r == 0)
		r = split_icmp(&parts, scratch);
	survey_selection by_word[BY_DOCKER + 1] = { 0 };

	for (uint32_t i = 0; i < parts.n && r == 0; i++) {
		enum matrix_word word = word_of(&parts.items[i].verdict[0], UINT8_MAX);
		r = VEC_PUSH(scratch, &by_word[word], i);
	}
	if (r < 0)
		return r;
	cJSON *cell = rj_push_object(&m->j, m->cells);
	rj_text(&m->j, cell, "from", survey_end_name(m->survey, from, from_name));
	rj_text(&m->j, cell, "to", survey_end_name(m->survey, to, to_name));
	print_ports(m, cell, "allow", &parts, &by_word[ALLOWED]);
	print_ports(m, cell, "audit", &parts, &by_word[AUDITED]);
	print_ports(m, cell, "docker_drops", &parts, &by_word[BY_DOCKER]);
	return m->j.failed ? -ENOMEM : 0;
}

static void print_matrix_tiers(struct matrix *m, cJSON *root)
{
	const struct survey *survey = m->survey;
	const struct policy *policy = survey->in[0]->policy;
	cJSON *tiers = rj_add_array(&m->j, root, "tiers");
	cJSON *empty = NULL;

	for (size_t c = 0; c < survey->n_classes; c++)
		rj_push_text(&m->j, tiers, survey->classes[c].name);
	empty = rj_add_array(&m->j, root, "empty_tiers");
	for (uint32_t t = 0; t < policy->n_tiers; t++) {
		bool found = false;
		for (size_t c = 0; c < survey->n_classes; c++)
			found |= survey->classes[c].as[0].kind == ASSIGN_TIER &&
				 survey->classes[c].as[0].tier == t;
		if (!found)
			rj_push_text(&m->j, empty, policy->tiers[t].name);
	}
}

int report_matrix(const struct report_input *in, cJSON **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct survey_end from, to;
	struct survey_walk walk;
	struct survey survey;
	struct matrix m = { .survey = &survey };
	int r = arena ? survey_init(&survey, &in, 1, arena) : -ENOMEM;

	if (r == 0)
		r = survey_walk_init(&survey, &walk);
	if (r < 0)
		return r;
	cJSON *root = rj_answer(&m.j);
	rj_bool(&m.j, root, "symbolic", in->symbolic);
	print_matrix_tiers(&m, root);
	m.cells = rj_add_array(&m.j, root, "cells");
	while (r == 0 && survey_walk_next(&survey, &walk, &from, &to)) {
		CLEANUP(arena_freep) struct arena *scratch = arena_new();
		r = scratch ? add_cell(&m, from, to, scratch) : -ENOMEM;
	}
	m.j.failed |= r < 0;
	return rj_finish(&m.j, root, ret);
}
