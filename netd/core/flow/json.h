/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flow as JSON and back: one shape for the state folder, the answers and their readers. The man
 * page netdctl(8) describes it. */
#pragma once

#include <cjson/cJSON.h>

#include "core/base/arena.h"
#include "core/flow/flow.h"

#define FLOW_VERSION 1

/* {"v":1,"from":…,…} as it was seen: no rule of an allowed one, which the answers add. NULL: no
 * memory. */
cJSON *flow_to_json(const struct flow *flow) MUST_CHECK;
/* The way back. Members that it does not know are passed over, and those that came later (image and
 * labels of an end) may be missing. Texts are borrowed from @json, or constants, but for place and
 * labels (@arena). FLOW_E_INVALID: no flow of this version; -ENOMEM. */
#define FLOW_E_INVALID 1
int flow_from_json(const cJSON *json, struct arena *arena, struct flow *ret) MUST_CHECK;
/* One line of a file. *ret_json is the caller's to delete, after @ret. As above. */
int flow_read_line(const char *line, size_t len, struct arena *arena, struct flow *ret,
		   cJSON **ret_json) MUST_CHECK;
