/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NFLOG: what the rules log, and the group that only one netd of a network namespace can hold. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon/daemon.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"
#include "edge/nflog/nflog.h"

/* NFLOG group that no rule logs to: whoever holds it is the netd of this network namespace. */
#define ONE_NETD_GROUP 0x6e64u /* "nd" */

static void on_logged_packet(void *userdata, const struct nflog_packet *packet)
{
	struct daemon *d = userdata;
	struct logged logged;

	if (!denials_read(packet, d->committed, &logged))
		return;
	denials_note(&d->denials, packet, &logged, d->committed, clock_monotonic_us());
	flows_note_logged(d, packet, &logged);
}

static void on_lost_packets(void *userdata, uint32_t n)
{
	struct daemon *d = userdata;

	denials_lost(&d->denials, n, clock_monotonic_us());
	flows_note_lost(d, n);
}

/* A process that a netd before had just begun holds all that one did, until it has come to close
 * it, or to end with it. */
#define TRIES 50
#define BETWEEN_NS 20000000

/* Whatever socket and state folder a second one was given: the tables are the same. */
int logged_hold_host(struct daemon *d)
{
	const struct timespec pause = { .tv_nsec = BETWEEN_NS };
	int r = nflog_hold(ONE_NETD_GROUP, &d->alone);

	for (int i = 1; i < TRIES && r == -EPERM; i++) {
		(void)nanosleep(&pause, NULL);
		r = nflog_hold(ONE_NETD_GROUP, &d->alone);
	}
	if (r == -EPERM) {
		log_error(LOG_ID_NOT_ALONE,
			  "another netd is running on this host (it holds NFLOG group %u): stop "
			  "that one first",
			  ONE_NETD_GROUP);
		return -EPERM;
	}
	if (r < 0 && r != -ENOMEM)
		log_warning(LOG_ID_LOG_UNAVAILABLE,
			    "NFLOG is missing (%s): a second netd would not be noticed",
			    strerror(-r));
	return r == -ENOMEM ? r : 0;
}

/* Denials are for people to read, and enforced without them. */
int logged_start(struct daemon *d)
{
	const struct nflog_options options = { .group = COMPILE_LOG_GROUP,
					       .priority = SD_EVENT_PRIORITY_IDLE + 1,
					       .on_packet = on_logged_packet,
					       .on_lost = on_lost_packets,
					       .userdata = d };
	int r = fw_can_log(d->fw) ? nflog_new(d->loop, &options, &d->nflog) : 0;

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		log_warning(LOG_ID_LOG_UNAVAILABLE,
			    "NFLOG group %u cannot be read (%s): what is denied is not in this log",
			    COMPILE_LOG_GROUP,
			    r == -EPERM ? "another program reads it" : strerror(-r));
	return 0;
}
