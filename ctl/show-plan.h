/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the forms of a plan share. */
#pragma once

#include <cjson/cJSON.h>

const cJSON *plan_member(const cJSON *object, const char *name);
/* "IPv4 only", "IPv6 only", or "" for a flow that changes over both. */
const char *plan_families(const cJSON *flow);
