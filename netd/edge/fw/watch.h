/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else changes netd's tables. Where they are owned nobody can; elsewhere this is how netd comes
 * to put them back, and to name who it was. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "edge/fw/fw.h"

/* One transaction of another process that touched our tables. */
struct fw_change {
	uint32_t pid;	  /* 0: not known */
	char process[32]; /* its name, as the kernel has it; "" when not known */
	uint32_t n;	  /* objects touched */
	char first[96];	  /* the first of them: "deleted table inet netd" */
};

/* Called from the event loop. */
struct fw_watch_handler {
	const struct fw *fw; /* whose own transactions do not count */
	void (*changed)(void *userdata, const struct fw_change *change);
	void (*lost)(void *userdata); /* notifications were lost: anything may have changed */
	/* Rules that keep security marks in connections came or went: fw_secmark_user(). */
	void (*secmark)(void *userdata);
	void *userdata;
};

struct fw_watch;

/* 0 or -errno. The handler is copied; its fw must outlive the watch. */
int fw_watch_new(sd_event *loop, const struct fw_watch_handler *handler,
		 struct fw_watch **ret) MUST_CHECK;
struct fw_watch *fw_watch_free(struct fw_watch *watch);
