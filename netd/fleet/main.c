/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-fleet: brings this host the policy that its fleet keeps in etcd. A process of its own, so
 * that TLS, the network and whoever answers there are nowhere near the packet filter: all that it
 * can do is what an admin can ask netd for. */
#include <signal.h>
#include <string.h>

#include "core/base/arena.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"
#include "fleet/member.h"
#include "fleet/settings.h"

static void unref_loop(sd_event **loop)
{
	*loop = sd_event_unref(*loop);
}

static int serve(const struct settings *settings)
{
	CLEANUP(unref_loop) sd_event *loop = NULL;
	CLEANUP(member_freep) struct member *member = NULL;
	int r = sd_event_new(&loop);

	if (r >= 0)
		r = member_new(loop, settings, &member);
	return r < 0 ? r : loop_serve(loop);
}

int main(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct settings settings;
	int exit_status = 3;
	int r = arena ? settings_read(argc, argv, arena, &settings, &exit_status) : -1;

	if (r != 0)
		return exit_status;
	(void)signal(SIGPIPE, SIG_IGN);
	r = serve(&settings);
	if (r == 0)
		return 0;
	log_error(LOG_ID_FLEET_FAILED, "netd-fleet cannot run: %s", strerror(-r));
	return 3;
}
