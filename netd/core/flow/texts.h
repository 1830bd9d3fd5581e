/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts that many flows share, each kept once for as long as somebody refers to it. Private to
 * core/flow. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"

#define FLOW_TEXT_BUCKETS 4096u

struct flow_text {
	char *bytes; /* NULL: this place is free */
	uint32_t hash, next, refs;
};

/* Begins zeroed. Place 0 is "", which nobody counts. */
struct flow_texts {
	struct flow_text *items;
	size_t n, cap;
	size_t bytes;  /* of all of them, with their ends */
	uint32_t free; /* the first place that is; 0: none */
	uint32_t buckets[FLOW_TEXT_BUCKETS];
};

/* One more reference. 0 and *ret, or -ENOMEM. */
int flow_texts_take(struct flow_texts *texts, const char *bytes, uint32_t *ret) MUST_CHECK;
void flow_texts_drop(struct flow_texts *texts, uint32_t text);
/* UINT32_MAX: nobody refers to it. */
uint32_t flow_texts_find(const struct flow_texts *texts, const char *bytes);
const char *flow_texts_get(const struct flow_texts *texts, uint32_t text);
void flow_texts_done(struct flow_texts *texts);
