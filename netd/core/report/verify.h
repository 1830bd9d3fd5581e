/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `verify` found in the kernel. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/base/cleanup.h"

struct report_drift {
	const char *kind;   /* "missing", "foreign", "changed" */
	const char *object; /* "chain inet netd forward" */
};

struct report_verified {
	const struct report_drift *drifts;
	size_t n_drifts;   /* that are named */
	size_t n_more;	   /* that are not */
	size_t n_objects;  /* of the ruleset */
	uint64_t n_mended; /* times that netd wrote its tables anew since it started */
};

/* 0 or -ENOMEM. */
int report_verify(const struct report_verified *verified, cJSON **ret) MUST_CHECK;
