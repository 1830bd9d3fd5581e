/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of diagnostics: the one place where an id, its severity and its meaning stand. */
#include "core/policy/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/policy/policy.h"

static const struct diag_info infos[] = {
	[F_BAD_CIDR] = { "bad-cidr", DIAG_ERROR, "an address or CIDR that does not parse" },
	[F_BAD_NAME] = { "bad-name", DIAG_ERROR,
			 "a tier name that is not lower-case letters, digits and dashes" },
	[F_BAD_PORT] = { "bad-port", DIAG_ERROR, "a port that does not parse" },
	[F_BAD_SPEAKS_FOR] = { "bad-speaks-for", DIAG_ERROR,
			       "an address that no container can speak for, or that two tiers do" },
	[F_BAD_TIME] = { "bad-time", DIAG_ERROR,
			 "a time that is not of the form 2026-12-31T18:00:00Z" },
	[F_BAD_VALUE] = { "bad-value", DIAG_ERROR, "a value that its key does not take" },
	[F_BAD_VERSION] = { "bad-version", DIAG_ERROR,
			    "a version of the language that this netd does not read" },
	[F_CIDR_HOST_BITS] = { "cidr-host-bits", DIAG_ERROR,
			       "a CIDR with bits set beyond its prefix length" },
	[F_CONFLICTING_VALUE] = { "conflicting-value", DIAG_ERROR,
				  "two files give one setting different values" },
	[F_CONTRADICTING_RULE] = { "contradicting-rule", DIAG_WARNING,
				   "a deny takes away everything that an allow allows" },
	[F_DENY_FROM_HOST] = { "deny-from-host", DIAG_ERROR,
			       "a deny from the host, which always reaches containers" },
	[F_DNS_SOURCE] = { "dns-source", DIAG_ERROR, "dns as a source; it is a destination only" },
	[F_DUPLICATE_KEY] = { "duplicate-key", DIAG_ERROR, "a key that stands twice in a mapping" },
	[F_DUPLICATE_TIER] = { "duplicate-tier", DIAG_ERROR, "a tier that two files define" },
	[F_EMPTY_LIST] = { "empty-list", DIAG_ERROR,
			   "a list without entries, where some are needed" },
	[F_EMPTY_MATCH] = { "empty-match", DIAG_ERROR, "a match that names nothing" },
	[F_ENFORCED_UNDER_AUDIT] = { "enforced-under-audit", DIAG_WARNING,
				     "a tier that is to be enforced, while the policy is in audit "
				     "mode" },
	[F_MISSING_KEY] = { "missing-key", DIAG_ERROR, "a key that must be there is not" },
	[F_NEVER_MATCHES] = { "never-matches", DIAG_WARNING,
			      "a rule, or a part of one, that changes no verdict" },
	[F_NO_TIER_IN_RULE] = { "no-tier-in-rule", DIAG_ERROR,
				"a rule or test with a tier at neither end" },
	[F_OVERLAPPING_PEERS] = { "overlapping-peers", DIAG_WARNING,
				  "two peers of one list that stand for the same addresses" },
	[F_OVERLAPPING_PORTS] = { "overlapping-ports", DIAG_WARNING,
				  "two entries of one ports list that overlap" },
	[F_PARTLY_DENIED] = { "partly-denied", DIAG_WARNING,
			      "a deny takes away a part of what an allow allows" },
	[F_RESERVED_NAME] = { "reserved-name", DIAG_ERROR,
			      "a tier name that the language uses for something else" },
	[F_REVERSED_RANGE] = { "reversed-range", DIAG_ERROR,
			       "a port range that ends before it begins" },
	[F_SAME_MATCH] = { "same-match", DIAG_WARNING,
			   "one match in two tiers: whatever it matches is in conflict" },
	[F_SHADOWED_RULE] = { "shadowed-rule", DIAG_WARNING,
			      "an earlier rule of the same list covers this one" },
	[F_TOO_DEEP] = { "too-deep", DIAG_ERROR, "lists and mappings nested too deep" },
	[F_TOO_LARGE] = { "too-large", DIAG_ERROR, "more bytes than a policy may have" },
	[F_TOO_MANY_COMBINATIONS] = { "too-many-combinations", DIAG_ERROR,
				      "rules that name too many sources, destinations and ports "
				      "together" },
	[F_TOO_MANY_FILES] = { "too-many-files", DIAG_ERROR, "more files than a policy may have" },
	[F_TOO_MANY_ITEMS] = { "too-many-items", DIAG_ERROR, "more entries than a list may have" },
	[F_TOO_MANY_RULES] = { "too-many-rules", DIAG_ERROR, "more rules than a policy may have" },
	[F_TOO_MANY_TESTS] = { "too-many-tests", DIAG_ERROR, "more tests than a policy may have" },
	[F_TOO_MANY_TIERS] = { "too-many-tiers", DIAG_ERROR, "more tiers than a policy may have" },
	[F_UNKNOWN_KEY] = { "unknown-key", DIAG_ERROR, "a key that the language does not have" },
	[F_UNKNOWN_PEER] = { "unknown-peer", DIAG_ERROR, "a word that cannot name a peer" },
	[F_UNKNOWN_TIER] = { "unknown-tier", DIAG_ERROR, "a tier that no file defines" },
	[F_UNTIL_PASSED] = { "until-passed", DIAG_WARNING,
			     "a rule, or the acceptance of a finding, that has ended" },
	[F_WRONG_TYPE] = { "wrong-type", DIAG_ERROR,
			   "a list, mapping or word in the place of another" },
	[F_YAML_ALIAS] = { "yaml-alias", DIAG_ERROR,
			   "a YAML anchor or alias, which policies do not use" },
	[F_YAML_ENCODING] = { "yaml-encoding", DIAG_ERROR,
			      "bytes that are not UTF-8, or characters that hide what is written" },
	[F_YAML_MULTI_DOCUMENT] = { "yaml-multi-document", DIAG_ERROR,
				    "a second YAML document in one file" },
	[F_YAML_SYNTAX] = { "yaml-syntax", DIAG_ERROR, "text that is not YAML" },
	[F_YAML_TAG] = { "yaml-tag", DIAG_ERROR, "a YAML tag, which policies do not use" },
};

const struct diag_info *policy_diag_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(infos);
	return infos;
}

void policy_report(struct diag_list *diags, enum finding finding, struct source_loc loc,
		   const char *hint, const char *format, ...)
{
	const struct diag_info *info = &infos[finding];
	char text[512]; /* quoted words are short, so nothing is cut but long file names */
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	diag_add(diags, info->severity, loc, info->id, hint, "%s", text);
}

bool policy_report_is_full(const struct diag_list *diags)
{
	return diags->diags.n >= LIMIT_DIAGS;
}

/* ---- what is wrong with the YAML ---- */

static const enum finding of_fault[] = {
	[NODE_FAULT_ALIAS] = F_YAML_ALIAS,
	[NODE_FAULT_DUPLICATE_KEY] = F_DUPLICATE_KEY,
	[NODE_FAULT_ENCODING] = F_YAML_ENCODING,
	[NODE_FAULT_MULTI_DOCUMENT] = F_YAML_MULTI_DOCUMENT,
	[NODE_FAULT_SYNTAX] = F_YAML_SYNTAX,
	[NODE_FAULT_TAG] = F_YAML_TAG,
	[NODE_FAULT_TOO_DEEP] = F_TOO_DEEP,
	[NODE_FAULT_TOO_LARGE] = F_TOO_LARGE,
};

static void report_fault(struct diag_list *diags, enum node_fault fault, struct source_loc loc,
			 const char *hint, const char *text)
{
	policy_report(diags, of_fault[fault], loc, hint, "%s", text);
}

const struct node_dialect policy_dialect = { .one = "a policy",
					     .many = "policies",
					     .depth_hint = "a policy needs five levels",
					     .report = report_fault };
