/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything the policy parser can report, by name; the texts of the table are in finding.c. */
#pragma once

#include <stdbool.h>

#include "core/base/diag.h"
#include "core/yaml/node.h"

/* In the order of the ids, so that the table is sorted. */
enum finding {
	F_BAD_CIDR,
	F_BAD_NAME,
	F_BAD_PORT,
	F_BAD_SPEAKS_FOR,
	F_BAD_TIME,
	F_BAD_VALUE,
	F_BAD_VERSION,
	F_CIDR_HOST_BITS,
	F_CONFLICTING_VALUE,
	F_CONTRADICTING_RULE,
	F_DENY_FROM_HOST,
	F_DNS_SOURCE,
	F_DUPLICATE_KEY,
	F_DUPLICATE_TIER,
	F_EMPTY_LIST,
	F_EMPTY_MATCH,
	F_ENFORCED_UNDER_AUDIT,
	F_MISSING_KEY,
	F_NEVER_MATCHES,
	F_NO_TIER_IN_RULE,
	F_OVERLAPPING_PEERS,
	F_OVERLAPPING_PORTS,
	F_PARTLY_DENIED,
	F_RESERVED_NAME,
	F_REVERSED_RANGE,
	F_SAME_MATCH,
	F_SHADOWED_RULE,
	F_TOO_DEEP,
	F_TOO_LARGE,
	F_TOO_MANY_COMBINATIONS,
	F_TOO_MANY_FILES,
	F_TOO_MANY_ITEMS,
	F_TOO_MANY_RULES,
	F_TOO_MANY_TESTS,
	F_TOO_MANY_TIERS,
	F_UNKNOWN_KEY,
	F_UNKNOWN_PEER,
	F_UNKNOWN_TIER,
	F_UNTIL_PASSED,
	F_WRONG_TYPE,
	F_YAML_ALIAS,
	F_YAML_ENCODING,
	F_YAML_MULTI_DOCUMENT,
	F_YAML_SYNTAX,
	F_YAML_TAG,
};

/* diag_add() with id and severity of the table. @hint lives in the list's arena, or is static. */
void policy_report(struct diag_list *diags, enum finding finding, struct source_loc loc,
		   const char *hint, const char *format, ...) PRINTF_LIKE(5, 6);
/* No further record is kept: work that only makes a hint can be saved. */
bool policy_report_is_full(const struct diag_list *diags);

/* Policies as YAML: one document, no aliases, anchors or tags, no key twice. */
extern const struct node_dialect policy_dialect;
