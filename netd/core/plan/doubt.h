/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host shows and Docker's word do not agree on, and what to do about it. Docker drops
 * events without a mark for a slow reader; rtnetlink's ports tell that something is missing: a port
 * that no endpoint explains, an endpoint without a port, a container that was never listed, a
 * network whose bridge is gone. All of them are closed meanwhile. Pure, in virtual time.
 *
 * A doubt is asked about: the object first, then everything; what is left after that is said, once,
 * and asked about with every full reading that comes anyway. */
#pragma once

#include "core/compile/compile.h"

enum doubt_kind {
	DOUBT_PORT,	 /* no endpoint explains it */
	DOUBT_ENDPOINT,	 /* rtnetlink shows no port for it */
	DOUBT_STALE,	 /* its port is younger than what Docker said, or was another endpoint's */
	DOUBT_CONTAINER, /* an endpoint of a container that Docker has not listed */
	DOUBT_NETWORK,	 /* rtnetlink does not show its bridge */
};

enum doubt_stage { DOUBT_EARLY, DOUBT_NEW, DOUBT_ASKED, DOUBT_READ, DOUBT_SAID };

struct doubt {
	enum doubt_kind kind;
	uint64_t key; /* with is_port, tells it from others while it lasts */
	bool is_port;
	bool is_awaited;  /* a port, for an endpoint that Docker has told of since it came */
	bool has_mac;	  /* a port whose far end is known */
	const char *noun; /* "container", "sandbox" */
	char network[WORLD_ID_LEN], container[WORLD_ID_LEN]; /* to ask about; container: or "" */
	char subject[2 * WORLD_IFNAME_LEN + 8]; /* port, container or network, cut to this */
	char bridge[WORLD_IFNAME_LEN];
	enum doubt_stage stage;
	unsigned int n_early; /* questions of DOUBT_EARLY */
	uint64_t due_us;      /* when something is done next; PLAN_NEVER */
};

struct doubts {
	struct doubt *items; /* sorted */
	size_t n;
	uint64_t read_at_us; /* the last full reading for a doubt */
};

/* Of BuildKit's sandboxes Docker sends no event, but tells of them 1-10 ms after their port has
 * come, and 100-200 ms before it has a carrier. So a port that nobody waits for leads to questions
 * at once: after 0, 10, 30, 70, 150 and 310 ms, for an answer may be too early; and once more from
 * when its far end is known, for Docker 28 knows then whose it is, tells of it some 40 ms later,
 * and has the container run another 10 ms later. */
#define DOUBT_EARLY_US 10000u
#define DOUBT_EARLY_QUESTIONS 6u
/* An ordinary start is over by then: up to Docker 26 the port is there up to 0.8 s before its far
 * end gets its MAC; a container's end is told some hundred milliseconds before its port goes. */
#define DOUBT_GRACE_US 1000000u
/* For an answer, and for what follows from it: 30 ms on a busy machine. */
#define DOUBT_ANSWER_US 500000u
/* One full reading for doubts in this time: a build that plugs in a sandbox for each of its steps
 * shall not make Docker list everything all the time. */
#define DOUBT_PAUSE_US 5000000u

void doubts_done(struct doubts *doubts);
/* Takes what disagrees now in the place of before; known doubts go on. At most LIMIT_DOUBTS, the
 * others wait. 0 or -ENOMEM (@doubts are as they were). */
int doubts_update(struct doubts *doubts, const struct world *world,
		  const struct assignment *assignments, uint64_t now_us) MUST_CHECK;
/* When the next one is due; PLAN_NEVER. */
uint64_t doubts_due_us(const struct doubts *doubts);

enum doubt_action { DOUBT_WAIT, DOUBT_ASK, DOUBT_READ_ALL, DOUBT_SAY };
/* What is due, one a call until DOUBT_WAIT; *ret is the doubt, valid until the next update. */
enum doubt_action doubts_next(struct doubts *doubts, uint64_t now_us, const struct doubt **ret);

/* "no container explains port veth1 of br-1", for people; in @arena. NULL: out of memory. */
const char *doubt_text(const struct doubt *doubt, struct arena *arena) MUST_CHECK;
