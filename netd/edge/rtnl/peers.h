/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/rtnl: the MAC at the far end of each port that is a veth. One that is in the host
 * tells of itself. For one in another namespace the kernel is asked: at the start by the loop,
 * which has nothing else to do yet, and from then on beside it. Until the answer has come, what was
 * known before is all that is: of a port that began elsewhere nothing, so it is closed. */
#pragma once

#include <stdbool.h>

#include "edge/rtnl/asker.h"
#include "edge/rtnl/links.h"
#include "edge/rtnl/query.h"
#include "edge/rtnl/rtnl.h"

/* Those that are here. */
void peers_look_up(struct links *links);
/* Those elsewhere, and waits for each answer. */
void peers_read(struct links *links, struct query *query, struct rtnl_counters *counters);
/* Asks for those elsewhere of which there is news, as far as there is room: one question at a time
 * about each port. */
void peers_ask(struct links *links, struct asker *asker, struct rtnl_counters *counters);

/* An answer to that, which counts if the port is still there, and its far end where it was. */
void peers_take(struct links *links, const struct asker_answer *answer,
		struct rtnl_counters *counters);
/* No question of before will be answered: they are due once more. */
void peers_lose(struct links *links);

/* Of a port with a carrier something is missing, and nobody is asked for it. */
bool peers_are_missing(const struct links *links);
/* Asks for those once more. */
void peers_retry(struct links *links);
