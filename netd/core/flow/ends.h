/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The containers at the ends of flows, one entry for each of their networks, kept for as long as a
 * flow has it, whether the container is still there or not. Private to core/flow. */
#pragma once

#include "core/flow/flow.h"
#include "core/flow/texts.h"

#define FLOW_END_BUCKETS 4096u

struct flow_known_end {
	uint32_t id, network, name, tier; /* texts */
	uint32_t image, labels;		  /* the same */
	uint32_t next, refs;		  /* refs 0: this place is free */
	uint8_t sandbox;
	bool told;		 /* image and labels are all that there will be */
	struct ip_addr addrs[2]; /* IPv4, IPv6, as last seen */
};

/* Begins zeroed. Place 0 is nobody. */
struct flow_ends {
	struct flow_texts texts;
	struct flow_known_end *items;
	size_t n, cap, used;
	uint32_t free;
	uint32_t buckets[FLOW_END_BUCKETS];
};

/* 0: it is not known. */
uint32_t flow_ends_find(const struct flow_ends *ends, const struct flow_end *end);
/* One more reference; what is said of it is as in @end from now on. 0 and *ret; -ENOMEM; -ENOSPC:
 * there are LIMIT_FLOW_ENDS. */
int flow_ends_take(struct flow_ends *ends, const struct flow_end *end, uint32_t *ret) MUST_CHECK;
/* What is said of it, without a reference. -ENOMEM: some of it is as it was. */
int flow_ends_refresh(struct flow_ends *ends, uint32_t place,
		      const struct flow_end *end) MUST_CHECK;
void flow_ends_drop(struct flow_ends *ends, uint32_t place);
/* Its texts, and its address of @family. */
void flow_ends_get(const struct flow_ends *ends, uint32_t place, enum ip_family family,
		   struct flow_end *ret);
void flow_ends_done(struct flow_ends *ends);
