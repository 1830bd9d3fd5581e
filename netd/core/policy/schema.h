/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy language as JSON Schema 2020-12, for editors: structure and spelling. What takes a
 * whole policy to see (unknown tiers, shadowed rules) only the parser finds.
 * tests/unit/test_schema.c keeps it equal to the parser. */
#pragma once

#include "core/base/cleanup.h"

/* malloc'ed; NULL: out of memory. */
char *policy_schema(void) MUST_CHECK;
