/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What on a host weakens a guarantee: facts in, findings out, each with its remedy. Pure; the facts
 * are gathered by edge/host, edge/fw and edge/docker. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "core/base/cleanup.h"
#include "core/world/hostfacts.h"
#include "core/world/world.h"

/* Something that could not be looked at. */
struct doctor_gap {
	const char *what, *why;
};

/* One that is closed, or shared with others. */
struct doctor_bridge {
	const char *name;
	bool closed;
};

/* A container that may use addresses of others, as the policy says. */
struct doctor_speaker {
	const char *name, *addresses;
};

struct doctor_facts {
	struct doctor_host host;
	enum doctor_answer owns_tables; /* the kernel keeps others from changing netd's tables */
	enum doctor_answer has_secmark; /* connections have a security mark in this kernel */
	const char *secmark_user;	/* whose rules keep one in connections; NULL: nobody's */
	const char *kernel_error;   /* why it refuses netd's rules; NULL: it does not, or unknown */
	const char *foreign_engine; /* what answers in Docker's place, or NULL */
	bool rootless;		    /* the engine runs in namespaces of its own */
	bool lacks_bridge_nf;	    /* the policy in force needs it, and it is not to be had */
	bool waits_for_policy;	    /* netd closes nothing, as no policy was ever in force */
	bool facts_disagree;	    /* ports of bridges and Docker's word do, netd says */
	const struct world *world;  /* NULL: Docker was not asked */
	const struct doctor_bridge *bridges; /* as netd tells */
	size_t n_bridges;
	const struct doctor_speaker *speakers; /* likewise */
	size_t n_speakers;
	const struct doctor_gap *gaps;
	size_t n_gaps;
};

/* {"v":1,"findings":[{"id","severity":"error"|"warning"|"note","subject","text","remedy"}],
 *  "unchecked":[{"what","why"}]}. *found: errors and warnings; notes are none. 0 or -ENOMEM. */
int report_doctor(const struct doctor_facts *facts, cJSON **ret, size_t *found) MUST_CHECK;
