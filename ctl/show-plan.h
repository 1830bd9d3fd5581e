/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the forms of a plan share. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "core/base/arena.h"

const cJSON *plan_member(const cJSON *object, const char *name);
/* "IPv4 only", "IPv6 only", or "" for a flow that changes over both. */
const char *plan_families(const cJSON *flow);
/* An end of a connection: "172.18.0.2:43210", "5432/tcp at 172.19.0.2"; in @arena, "" out of
 * memory.
 */
const char *plan_source(const cJSON *connection, struct arena *arena);
const char *plan_destination(const cJSON *connection, struct arena *arena);
/* How much changes, in a sentence or two, and what was asked about. */
void plan_print_summary(const cJSON *report);
/* "web-1 (web)", "db-1", "host"; "" for somebody outside. */
const char *plan_end(const cJSON *connection, bool source, struct arena *arena);
