/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A compilation that reuses the one before it. compile_ruleset() is the one truth; this is the same
 * in less time where only ports of bridges have changed, which most events are about.
 *
 * What a compilation makes depends on its pieces like this:
 *
 *   chains, counters, all other sets   policy, rules in force at that time, bridges, resolvers,
 *                                      the hosts of the fleet,
 *                                      what Docker said (world.records, and who is held), settings
 *   sets filled by ports (ports.c)     port by port: that port, and the endpoint plugged in there
 *   the port of an endpoint            the ports and endpoints with its MAC on its bridge
 *
 * So where nothing of the first line has changed, those are borrowed. A port is touched when it is
 * new, gone or another, or has the MAC and bridge of one that is: its run of elements is taken out
 * of each set of the second line and made anew, by the code of the whole compilation. Anything else
 * (many ports at once, another policy, a word of Docker's) is compiled as a whole. */
#pragma once

#include "core/compile/compile.h"

/* What was made before, with what it was made of. */
struct compile_before {
	const struct compile_input *in;
	const struct compile_output *output;
	/* Where all that is borrowed lives; it is kept by the arenas of those who borrow. */
	struct arena *base;
};

struct compile_result {
	struct compile_output output;
	struct arena *base; /* for the next time; kept by the arena of the result */
	bool reused;	    /* it was not compiled as a whole */
	size_t n_renewed;   /* endpoints that are made anew in what was reused */
};

/* As compile_ruleset(), and equal to what that makes; @before may be NULL. */
int compile_again(const struct compile_input *in, const struct compile_before *before,
		  struct arena *arena, struct compile_result *ret, const char **why) MUST_CHECK;
