/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables: codes and verbs. Adding a verb is a row here, a file in ctl/, a paragraph in its man
 * page (make check-docs compares). */
#include "core/wire/wire.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	int exit_status;
} codes[] = {
	[WIRE_OK] = { "ok", 0 },	   [WIRE_FINDING] = { "finding", 1 },
	[WIRE_INVALID] = { "invalid", 1 }, [WIRE_USAGE] = { "usage", 2 },
	[WIRE_REFUSED] = { "refused", 4 }, [WIRE_UNAVAILABLE] = { "unavailable", 3 },
	[WIRE_WORKING] = { "working", 3 }, [WIRE_INTERNAL] = { "internal", 3 },
};

const char *wire_code_name(enum wire_code code)
{
	return codes[code].name;
}

int wire_code_parse(const char *name, enum wire_code *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (strcmp(codes[i].name, name) == 0) {
			*ret = (enum wire_code)i;
			return 0;
		}
	}
	return -EINVAL;
}

int wire_exit_status(enum wire_code code)
{
	return codes[code].exit_status;
}

#define OFFLINE WIRE_ACCESS_OFFLINE
#define READ WIRE_ACCESS_READ
#define ADMIN WIRE_ACCESS_ADMIN
#define ANY WIRE_ARGS_ANY

/* In the order of the help text. */
static const struct wire_verb verbs[] = {
	/* name, arguments, min, max, access, summary */
	{ "validate", "FILE...", 1, ANY, OFFLINE, "check policy files and report what is wrong" },
	{ "test", "FILE...", 1, ANY, OFFLINE, "run the tests that a policy carries" },
	{ "plan", "FILE...", 1, ANY, READ, "show what a policy would change" },
	{ "explain", "SRC DST PORT/PROTO", 3, 3, READ, "say whether a flow passes, and why" },
	{ "matrix", "", 0, 0, READ, "show who may reach whom" },
	{ "suggest", "", 0, 0, READ, "propose a policy, or rules, for what was seen" },
	{ "audit", "", 0, 0, READ, "list what containers lack of a good posture" },
	{ "export", "FILE...", 1, ANY, OFFLINE, "print the ruleset as an nft script" },
	{ "schema", "", 0, 0, OFFLINE, "print the JSON Schema of policies, for editors" },
	{ "completion", "SHELL", 1, 1, OFFLINE,
	  "print the completion script of bash, zsh or fish" },
	{ "inventory", "", 0, 0, READ, "print networks, containers and endpoints as JSON" },
	{ "doctor", "", 0, 0, READ, "say what on this host weakens a guarantee" },
	{ "status", "", 0, 0, READ, "show the health of netd" },
	{ "metrics", "", 0, 0, READ, "print what netd counts, for Prometheus" },
	{ "report", "", 0, 0, READ, "print all of it as one page for a browser" },
	{ "endpoints", "", 0, 0, READ, "list endpoints and their tiers" },
	{ "rules", "", 0, 0, READ, "list rules with their hits" },
	{ "ports", "", 0, 0, READ, "list published ports and who can reach them" },
	{ "flows", "", 0, 0, READ, "list what talks to what" },
	{ "top", "", 0, 0, READ, "show the busiest flows, tiers and rules" },
	{ "verify", "", 0, 0, READ, "compare the kernel with what was committed" },
	{ "apply", "FILE...", 1, ANY, ADMIN, "put a policy into force" },
	{ "stage", "[FILE...]", 0, ANY, ADMIN,
	  "stage a policy, or show what it would deny of what is seen" },
	{ "allow", "NUMBER...", 1, ANY, ADMIN,
	  "put rules into force that let pass what was denied" },
	{ "confirm", "", 0, 0, ADMIN, "keep the policy that waits for confirmation" },
	{ "history", "[GEN]", 0, 1, ADMIN, "list the policies that were in force, or show one" },
	{ "rollback", "[GEN]", 0, 1, ADMIN, "put an earlier policy into force again" },
	{ "reload", "", 0, 0, ADMIN, "read the policy files again" },
	{ "fleet", "COMMAND [FILE...]", 1, ANY, OFFLINE,
	  "see and change the policy that many hosts share" },
	{ "hosts", "[FILE]", 0, 1, ADMIN, "list the other hosts of the fleet, or set them" },
	{ "off", "", 0, 0, ADMIN, "remove netd's tables: nothing is enforced any more" },
};

#undef OFFLINE
#undef READ
#undef ADMIN
#undef ANY

const struct wire_verb *wire_verbs(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(verbs);
	return verbs;
}

const struct wire_verb *wire_verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}
