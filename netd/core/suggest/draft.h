/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A suggestion while it is made: who there is, who spoke to whom, which of them are one tier, which
 * rules follow. Private to core/suggest; everything lives in one arena. */
#pragma once

#include "core/base/text.h"
#include "core/report/report.h"
#include "core/simulate/simulate.h"
#include "core/suggest/suggest.h"

#define SUGGEST_NONE UINT32_MAX

/* Containers that are one thing to their operator: those of a compose service, replicas, or one
 * alone; or a tier of the policy in force. */
struct suggest_who {
	const char *key;      /* its entry of `match`, as YAML; of a tier in force its name */
	const char *call;     /* what it is called: the service, else the container */
	const char *project;  /* of compose or a stack; NULL: none */
	const char *image;    /* without tag; "" unknown */
	const char *role;     /* a label of the operator's that says which tier it is; NULL */
	const char *networks; /* their names */
	bool in_force;	      /* a tier of the policy in force */
	const char *why_not;  /* why no policy can name it, NULL: one can */
	bool in_tier;	      /* containers of it are in a tier of the policy in force elsewhere */
	uint32_t group;
	uint32_t endpoint; /* one of its endpoints */
};

/* A tier, proposed or in force. */
struct suggest_group {
	const char *name;
	bool in_force;
	uint32_t *whos; /* sorted by key */
	size_t n_whos;
	/* What was seen of it, and what of that would pass. */
	size_t n_flows, n_allowed;
	uint64_t count, allowed;
};

enum suggest_side_kind { SUGGEST_WHO, SUGGEST_HOST, SUGGEST_OUTSIDE };

struct suggest_side {
	enum suggest_side_kind kind;
	uint32_t who, endpoint; /* SUGGEST_WHO */
	const char *peer;	/* else: as in a rule: "host", "dns", "lan", "[a, b]" */
	const char *sample;	/* one of them, as in a test */
};

/* What becomes of a flow. */
enum suggest_fate {
	SUGGEST_RULE,
	SUGGEST_IN_FORCE, /* the policy in force lets it pass */
	SUGGEST_IMPLIED,  /* passes as soon as the container is in a tier */
	SUGGEST_COMMENT,  /* a rule that somebody must choose */
	SUGGEST_LEFT,	  /* no rule: why says it */
};

struct suggest_edge {
	const struct flow *flow;
	struct suggest_side from, to;
	struct port_range port;
	enum suggest_fate fate;
	const char *why;
	bool asked, allowed; /* by the evaluator, of what is proposed */
};

/* One rule: ports of one direction between two ends, with its evidence. */
struct suggest_rule {
	const char *from, *to; /* as in the policy */
	const char *from_sample, *to_sample;
	uint32_t to_group; /* SUGGEST_NONE: no tier */
	const char *why;   /* a comment only, and why; NULL: a rule */
	bool folded;	   /* the ports are a range with others between */
	struct port_range *ports;
	size_t n_ports;
	struct suggest_edge **edges; /* sorted */
	size_t n_edges;
};

typedef VEC(struct suggest_edge) suggest_edges;

struct suggest {
	const struct suggest_input *in;
	struct arena *arena;
	const struct world *world;     /* with those that are gone; complete */
	struct report_input *in_force; /* the policy in force there; NULL: none is */
	VEC(struct suggest_who) whos;
	uint32_t *who_of;	   /* per endpoint of the world */
	const struct flow **flows; /* in an order of their own, whatever that of the evidence */
	suggest_edges edges;	   /* of those that passed, in that order */
	size_t n_denied;	   /* flows that were denied: nothing is made of them */
	struct suggest_group *groups;
	size_t n_groups;
	struct suggest_rule *rules; /* in the order of print */
	size_t n_rules;
	size_t n_asked, n_passed; /* suggest_measure(): of the edges */
};

/* suggest.c: all steps up to the rules. 0 or -ENOMEM. */
int suggest_draft(struct suggest *s) MUST_CHECK;
int suggest_settle(struct suggest *s) MUST_CHECK; /* those behind the edges; once more is fine */
int suggest_look(struct suggest *s) MUST_CHECK;	  /* those up to who there is */
/* gone.c: the world with those that flows name and that are not there any more. 0 or -ENOMEM. */
int suggest_add_gone(struct suggest *s) MUST_CHECK;
bool suggest_is_gone(const struct world_container *container);
/* who.c */
/* The value of a label that counts as the operator's own: an image may bear any label. NULL: there
 * is none. */
const char *suggest_own_label(const struct world_container *container, const char *key);
/* Docker makes up names of this form: the next container of the kind has another. */
bool suggest_looks_made_up(const char *name);
int suggest_find_whos(struct suggest *s) MUST_CHECK;
/* The endpoint that stands for an end of a flow; SUGGEST_NONE: nobody does. */
uint32_t suggest_endpoint_of(const struct suggest *s, const struct flow_end *end);
/* edges.c: the flows that passed; with a policy in force those that it lacks a rule for. */
int suggest_find_edges(struct suggest *s) MUST_CHECK;
int suggest_make_edge(const struct suggest *s, const struct flow *flow,
		      struct suggest_edge *ret) MUST_CHECK;
/* No rule is made of it. */
void suggest_leave(struct suggest_edge *edge, const char *why);
/* Sets its fate where the policy in force lets it pass, or says that it never will. */
int suggest_ask_in_force(const struct suggest *s, struct suggest_edge *edge) MUST_CHECK;
/* The evaluator's word about an edge; *asked false: an end is unknown to it. */
int suggest_judge(const struct report_input *in, const struct suggest_edge *edge, bool *asked,
		  struct sim_result *ret, struct arena *arena) MUST_CHECK;
/* outside.c: who is meant by addresses outside: a zone, a network, the addresses. */
int suggest_choose_peers(struct suggest *s) MUST_CHECK;
/* groups.c, names.c */
int suggest_group_whos(struct suggest *s) MUST_CHECK;
int suggest_name_groups(struct suggest *s) MUST_CHECK;
/* rules.c */
int suggest_make_rules(struct suggest *s) MUST_CHECK;

/* print.c: parts of a policy, each line with @indent blanks before it. */
void suggest_print_tier(const struct suggest *s, const struct suggest_group *group, size_t indent,
			struct text *out);
void suggest_print_rule(const struct suggest *s, const struct suggest_rule *rule, size_t indent,
			struct text *out);
/* The tests that the new rules and tiers carry. */
void suggest_print_tests(const struct suggest *s, size_t indent, struct text *out);
void suggest_print_head(const struct suggest *s, struct text *out);
/* "Is that enough?": after suggest_measure(). */
void suggest_print_measure(const struct suggest *s, struct text *out);
void suggest_print_policy(const struct suggest *s, struct text *out);
/* How many of the rules are more than a comment: those before the others. */
size_t suggest_active_rules(const struct suggest *s);
/* The new tiers, or all, by name, as indices of s->groups; in the arena, NULL: no memory. */
const uint32_t *suggest_new_groups(const struct suggest *s, size_t *ret_n);
const uint32_t *suggest_all_groups(const struct suggest *s, size_t *ret_n);

/* measure.c: asks the evaluator about every edge under @policy, and counts. Edges that got a rule
 * and do not pass all the same (no port is published, an address is missing) are left: *ret_idle is
 * how many. */
int suggest_measure(struct suggest *s, const struct policy *policy, size_t *ret_idle) MUST_CHECK;
cJSON *suggest_to_json(const struct suggest *s, const char *text) MUST_CHECK;

/* patch.c: the texts with the new parts in their places, or (@apart) in a file of their own. The
 * sources of the patched policy go to @ret, in the arena. */
struct suggest_patched {
	struct policy_source *sources;
	size_t n;
};
int suggest_patch(struct suggest *s, bool apart, struct text *diff,
		  struct suggest_patched *ret) MUST_CHECK;

/* words.c */
/* As a YAML scalar, quoted where it must be; in the arena, NULL: no memory. */
const char *suggest_quote(const char *text, struct arena *arena);
/* "2026-11-28", "1,204". */
#define SUGGEST_DAY_LEN 11
const char *suggest_day(int64_t seconds, char ret[SUGGEST_DAY_LEN]);
#define SUGGEST_NUMBER_LEN 28
const char *suggest_number(uint64_t number, char ret[SUGGEST_NUMBER_LEN]);
/* The two ends of a flow in words: "web-1 -> db-1". Cleaned, cut; in the arena. */
const char *suggest_end_text(const struct flow_end *end, struct arena *arena);
int suggest_compare_flows(const struct flow *a, const struct flow *b);
/* What can stand in a `match` as itself: not empty, no control characters, no glob. */
bool suggest_is_literal(const char *text);
