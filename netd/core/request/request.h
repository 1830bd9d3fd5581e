/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may be asked over HTTP. Of Docker's socket: the questions that netd asks, and nothing else.
 * Whoever may write to that socket is root of the host, so a request is never passed on: it is read
 * down to its target, the target is compared with a table, and a new request is written. No header,
 * body or second request of a client can reach Docker. Of netd-metrics: its one page. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"
#include "core/base/limits.h"

struct request {
	char target[LIMIT_QUESTION_BYTES]; /* "/v1.41/networks", when it is allowed */
	const char *refusal;		   /* why not: a constant sentence */
	bool openmetrics;		   /* request_read_scrape(): that form is taken */
};

#define REQUEST_E_PARTIAL 1 /* its end has not come yet */
#define REQUEST_E_REFUSED 2 /* ret->refusal says why; the connection cannot go on */

/* @bytes: all that a client has sent on its connection. 0: one whole request that is allowed, and
 * nothing behind it; ret->target is what it asks for. */
int request_read(const char *bytes, size_t len, struct request *ret) MUST_CHECK;
/* The same for a scraper, which may ask for /metrics alone, and send what headers it likes: none of
 * them leads anywhere. */
int request_read_scrape(const char *bytes, size_t len, struct request *ret) MUST_CHECK;
