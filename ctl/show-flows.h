/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows as they come. */
#pragma once

#include "ctl/ctl.h"

/* "2026-11-28T22:31:07Z  denied  a (web) -> b (db)  5432/tcp  no-rule  +3" */
void show_flow_line(const struct ctl *ctl, const cJSON *flow, double n);
