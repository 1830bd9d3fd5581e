/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows as they come. */
#pragma once

#include "ctl/ctl.h"

/* "2026-11-28T22:31:07Z  denied  a (web) -> b (db)  5432/tcp  no-rule  +3" */
void show_flow_line(const struct ctl *ctl, const cJSON *flow, double n);
/* The end "from" or "to": "web-1 (frontend)", "203.0.113.0/24 (internet)", "host"; the port, with
 * the published one: "80/tcp (8080)". In @arena. */
const char *show_flow_end(const cJSON *flow, const char *name, struct arena *arena);
const char *show_flow_port(const cJSON *flow, struct arena *arena);
