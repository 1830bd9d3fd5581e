/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be said of one rule alone, where its nodes are still at hand. */
#pragma once

#include "core/policy/decode.h"

/* @rule was read from @node without an error. */
void policy_check_rule(struct decoder *d, const struct node *node, const struct policy_rule *rule);
/* The ends of a rule or test: a tier at one of them, dns not a source. False after a report. */
bool policy_check_ends(struct decoder *d, const struct policy_rule *rule, const char *what);
