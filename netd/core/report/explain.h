/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/report: one question about named ends, in three steps. explain_resolve() finds
 * out who is meant (a container, a tier, a service, an address, a zone); explain_ask() makes the
 * flows that this stands for and sends each through the evaluator; explain_sum_up() says what the
 * answers amount to. Results live in the caller's arena and borrow from the survey. */
#pragma once

#include "core/report/survey.h"

enum explain_kind { EXPLAIN_HOST, EXPLAIN_CONTAINER, EXPLAIN_TIER, EXPLAIN_OUTSIDE };

struct explain_end {
	enum explain_kind kind;
	const char *name;	   /* as asked: "web-1", "frontend", "internet" */
	const uint32_t *endpoints; /* of the container; of the tier its samples */
	size_t n_endpoints;
	uint32_t class; /* EXPLAIN_TIER; SURVEY_NONE: nobody is in that tier */
	uint32_t tier;	/* EXPLAIN_TIER, and of a container with one tier; else NONE */
	/* Per family: EXPLAIN_OUTSIDE; EXPLAIN_HOST where an address of it was asked for. */
	struct ip_addr addrs[2];
	bool stands_for;  /* the addresses stand for a zone or prefix */
	bool alike;	  /* containers of one service: a few stand for all */
	const char *note; /* what the asker should know, or NULL */
};

struct explain_way {
	struct sim_flow flow;
	struct sim_result result;
};
typedef VEC(struct explain_way) explain_ways;

/* More ways between two containers than this are asked about, but left out where alike. */
#define EXPLAIN_WAYS 8u
#define EXPLAIN_WAYS_ALIKE 2u /* between containers of services */

/* 0; REPORT_E_QUESTION with *error; -ENOMEM. */
int explain_resolve(const struct survey *survey, const char *text, struct arena *arena,
		    struct explain_end *ret, const char **error) MUST_CHECK;
/* One container; the containers of a compose service, as `service` or `project/service` (-ENOENT:
 * there is none); the host. Otherwise as explain_resolve(). */
int explain_container(const struct survey *survey, uint32_t index, struct arena *arena,
		      struct explain_end *ret, const char **error) MUST_CHECK;
int explain_service(const struct survey *survey, const char *name, struct arena *arena,
		    struct explain_end *ret, const char **error) MUST_CHECK;
int explain_host(struct explain_end *ret, const char *note) MUST_CHECK;
int explain_endpoint(const struct survey *survey, uint32_t endpoint, struct arena *arena,
		     struct explain_end *ret) MUST_CHECK;
/* Where a container that the tier names is in the network of another, a sentence that says so; "":
 * none is; NULL: no memory. */
const char *explain_joined_note(const struct survey *survey, uint32_t tier, struct arena *arena);
/* A peer of a policy: not `world`. 0 or -ENOMEM. */
int explain_resolve_peer(const struct survey *survey, const struct policy_peer *peer,
			 struct arena *arena, struct explain_end *ret) MUST_CHECK;
/* All ways there are, both families. 0 or -ENOMEM. */
int explain_ask(const struct survey *survey, const struct explain_end ends[2],
		const struct port_range *port, struct arena *arena, explain_ways *ret) MUST_CHECK;
/* Over all ways: passes; passes, but for audit mode only. */
void explain_sum_up(const explain_ways *ways, bool *allowed, bool *audited);
/* A tier without members: it can only be asked about in a world made for the policy. */
bool explain_is_empty_tier(const struct explain_end *end);
/* Nobody is at the end, which this peer names, just now: such a tier, or a fleet of one host. */
bool explain_is_nobody(const struct explain_end *end, const struct policy_peer *peer);
int explain_make_symbolic(const struct survey *survey, struct arena *arena,
			  struct survey *ret) MUST_CHECK;
