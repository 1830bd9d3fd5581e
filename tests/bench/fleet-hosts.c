/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Usage: fleet-hosts CONFIG FOLDER FIRST N   N hosts of a fleet in one process, numbers FIRST and
 * on, each with all that netd-fleet is made of: its own connections, password, lease, record and
 * copy of the store, on one event loop. Who each is comes from its number: host and user hNNNNN,
 * with that name as the password, at an address of its own of 10.0.0.0/8. The rest is of CONFIG, a
 * fleet.conf. What stands for netd is told in fleet-netd.h. Many hosts are better several
 * processes: sd-event asks the kernel about all descriptors that are ready for each one that it
 * serves. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "edge/loop/loop.h"
#include "fleet/member.h"
#include "fleet/settings.h"
#include "tests/bench/fleet-netd.h"

#define MOST 20000u

static void complain(const char *place, const char *text)
{
	(void)fprintf(stderr, "fleet-hosts: %s: %s\n", place, text);
}

/* Those of the file, as host @i. 0 or -errno. */
static int settings_of(const struct settings *all, const char *folder, size_t i,
		       struct arena *arena, struct settings *ret)
{
	char name[BENCH_NAME_LEN], below[BENCH_PATH_LEN], address[32];
	int r = bench_folder(folder, i, below);

	*ret = *all;
	ret->fleet.host = arena_printf(arena, "%s", bench_name(i, name));
	ret->fleet.user = ret->fleet.password = ret->fleet.host;
	ret->state_dir = arena_printf(arena, "%s", below);
	ret->netd = arena_printf(arena, "%s/netd.sock", below);
	(void)snprintf(address, sizeof(address), "10.%u.%u.%u", (unsigned)(i >> 16 & 255),
		       (unsigned)(i >> 8 & 255), (unsigned)(i & 255));
	ret->fleet.n_addrs = 1;
	if (r == 0)
		r = ip_parse(address, &ret->fleet.addrs[0]);
	return r == 0 && !(ret->fleet.host && ret->state_dir && ret->netd) ? -ENOMEM : r;
}

struct crowd {
	const char *config, *folder;
	size_t first, n;
};

static int add_hosts(sd_event *loop, const struct settings *all, const struct crowd *crowd,
		     struct arena *arena)
{
	size_t n = crowd->n;
	struct settings *settings = calloc(n, sizeof(*settings));
	struct member *member;
	int r = settings ? 0 : -ENOMEM;

	/* Members live as long as the process. */
	for (size_t i = 0; i < n && r == 0; i++) {
		r = settings_of(all, crowd->folder, crowd->first + i, arena, &settings[i]);
		if (r == 0)
			r = member_new(loop, &settings[i], &member);
	}
	return r;
}

static int run(const struct crowd *crowd, struct arena *arena)
{
	struct settings all = { 0 };
	const char *error = "";
	sd_event *loop = NULL;
	int r = fleet_conf_read(crowd->config, arena, complain, &all.fleet);

	if (r == 0)
		r = sign_trust_read(all.fleet.keys, arena, &all.trust, &error);
	if (r == 0)
		r = bench_netd_start(crowd->folder, crowd->first, crowd->n);
	if (r == 0)
		r = sd_event_new(&loop);
	if (r >= 0)
		r = add_hosts(loop, &all, crowd, arena);
	if (r > 0)
		complain("settings", error);
	return r == 0 ? loop_serve(loop) : r;
}

int main(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	unsigned long first = argc == 5 ? strtoul(argv[3], NULL, 10) : MOST;
	unsigned long n = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;

	if (!arena || n == 0 || n > MOST || first >= MOST) {
		(void)fprintf(stderr, "usage: fleet-hosts CONFIG FOLDER FIRST N\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	int r = run(&(struct crowd){ argv[1], argv[2], first, n }, arena);
	if (r != 0)
		(void)fprintf(stderr, "fleet-hosts: %s\n", strerror(r < 0 ? -r : EINVAL));
	return r == 0 ? 0 : 3;
}
