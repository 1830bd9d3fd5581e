/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts that several answers share. Private to core/report. */
#pragma once

#include "core/report/json.h"
#include "core/report/report.h"

/* Ids of findings that two files report. */
#define REPORT_TEST_FAILS "test-fails"
#define REPORT_UNCOMPILED "uncompiled"

/* "172.18.0.2", or null. */
void report_add_addr(struct rj *j, cJSON *object, const char *name, const struct ip_addr *addr);
/* Members of a rule: file, line, action, from, to, ports, until, log. */
void report_add_rule(struct rj *j, cJSON *object, const struct policy *policy, size_t rule);
/* "file" and "line" of a rule named as in struct sim_result: index + 1, 0 none. */
void report_add_rule_place(struct rj *j, cJSON *object, const struct policy *policy,
			   uint32_t policy_rule);
bool report_rule_expired(const struct report_input *in, size_t rule);
/* Members of an endpoint: container, network, ipv4, ipv6, mac, port, tier. */
void report_add_endpoint(struct rj *j, cJSON *object, const struct report_input *in, size_t i);
const char *report_tier_name(const struct report_input *in, size_t endpoint); /* or NULL */
/* The tier that requires a posture of it, whether it is in it or kept out of it; NULL: none does.
 */
const struct policy_tier *report_required_of(const struct report_input *in, size_t endpoint);
/* What it lacks of that, each as the tier says it: "tier `web` requires user: non-root (it runs as
 * root)". Nothing: it lacks nothing. */
void report_print_shortfalls(const struct report_input *in, size_t endpoint, struct text *out);
/* Why policy cannot let anything through to an endpoint, whatever the rules say, or NULL. */
const char *report_why_not(const struct report_input *in, size_t endpoint);
