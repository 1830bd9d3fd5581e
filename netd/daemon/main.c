/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "core/base/arena.h"
#include "core/base/diag.h"
#include "core/policy/policy.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "edge/policydir/policydir.h"

/* netd --check: for a service file's ExecReload, and for people. netdctl validate says more. */
static int check_policy(const char *path)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct policy *policy;
	struct policydir files = { 0 };
	struct diag_list diags;

	if (!arena)
		return 3;
	diag_init(&diags, arena);
	int r = policydir_read(path, arena, &files);
	if (r == POLICYDIR_E_UNREADABLE) {
		(void)fprintf(stderr, "netd: %s\n", files.error);
		return 2;
	}
	if (r == 0)
		r = policy_parse(files.sources.items, files.sources.n, arena, &diags, &policy);
	options_print_findings(&diags);
	if (r < 0) {
		(void)fprintf(stderr, "netd: out of memory\n");
		return 3;
	}
	return r == POLICY_E_INVALID ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct arena *settings CLEANUP(arena_freep) = arena_new();
	struct options options;
	int exit_status;

	if (!settings)
		return 3;
	if (daemon_options_parse(argc, argv, settings, &options, &exit_status) == OPTIONS_EXIT)
		return exit_status;
	if (options.check)
		return check_policy(options.policy);
	int r = daemon_run(&options);
	if (r == -EPERM)
		return 4;
	return r < 0 ? 3 : 0;
}
