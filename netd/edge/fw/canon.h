/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a message of nf_tables says, in a form that does not depend on who wrote it: netd's own
 * batch and the kernel's dump of it become equal bytes. Handles, the numbers
 * of sets in a batch and what the kernel adds by itself do not count; an attribute that is not
 * known does. Pure. Private to the module. */
#pragma once

#include "core/base/arena.h"
#include "edge/fw/batch.h"

struct fw_bytes {
	const uint8_t *at;
	size_t len;
};

/* A table, chain, rule, set, element or counter. */
struct fw_thing {
	enum fw_object kind;
	enum rs_family family;
	const char *name;     /* of the chain, set or counter; "" */
	uint32_t place;	      /* of a rule in its chain, from 1 */
	struct fw_bytes key;  /* of an element */
	struct fw_bytes says; /* all of it */
};

/* A set that rules fill: what is in it is nobody's decision. */
struct fw_meter {
	enum rs_family family;
	const char *name;
};

struct fw_canon {
	struct arena *arena;
	VEC(struct fw_thing) things;
	VEC(struct fw_meter) meters;
};

/* Takes a message about one of netd's tables; others are passed over. 0 or -ENOMEM. */
int fw_canon_take(struct fw_canon *canon, const struct nlmsghdr *nlh) MUST_CHECK;
/* By family, kind and name; rules by place, elements by key. */
void fw_canon_sort(struct fw_canon *canon);
int fw_thing_compare(const struct fw_thing *a, const struct fw_thing *b);
bool fw_bytes_equal(struct fw_bytes a, struct fw_bytes b);
