/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/rtnl: reading all links into the table. The kernel holds rtnetlink's lock for it,
 * so the loop does so at the start only; later, when messages were lost, a process beside it does.
 */
#pragma once

#include <stdbool.h>

#include "core/base/cleanup.h"
#include "edge/beside/beside.h"
#include "edge/rtnl/links.h"
#include "edge/rtnl/query.h"

/* 0: @links is what there is; 1: links changed all the time, so some of it may be gone; -errno. */
int dump_read(struct query *query, struct links *links) MUST_CHECK;

/* Begins zeroed but for the loop in @besides. */
struct dump {
	struct beside_group besides;
	struct beside *beside; /* NULL: none is under way */
	struct links *links;
	void (*done)(void *userdata, int r); /* as dump_read(), once for each dump_begin() */
	void *userdata;
};
/* What it has read is taken into @links all at once, just before done(). Messages that come from
 * now on are to be applied after that. 0 or -errno. */
int dump_begin(struct dump *dump) MUST_CHECK;
void dump_done(struct dump *dump);
