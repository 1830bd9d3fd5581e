/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to netd's control socket and its answer, on an event loop, for the processes that
 * run beside netd. netdctl, which has nothing else to do, waits for its answers in ctl/client.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "core/wire/wire.h"

struct control_ask;

struct control_asked {
	const char *path; /* of the socket; borrowed until done() */
	uint64_t timeout_us;
	size_t answer_bytes; /* the longest answer that is taken */
	/* Once, in a later turn of the loop, unless the question is cancelled; the question is gone
	 * after it. @answer is netd's, of any code; or NULL, and @error says why there is none, in
	 * a constant text or one that is valid during the call. */
	void (*done)(void *userdata, const struct wire_answer *answer, const char *error);
	void *userdata;
};

/* @line with its newline, @len bytes; copied. 0 or -errno: nothing was asked. */
int control_ask(sd_event *loop, const struct control_asked *asked, const char *line, size_t len,
		struct control_ask **ret) MUST_CHECK;
struct control_ask *control_ask_cancel(struct control_ask *ask); /* NULL is fine; returns NULL */
