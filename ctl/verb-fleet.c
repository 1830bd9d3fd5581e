/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet: the policy that many hosts share in a store, and what became of it on each of them. */
#include <string.h>

#include "ctl/fleet.h"

static const struct {
	const char *name;
	int (*run)(const struct fleet *fleet);
	size_t min, max; /* arguments behind the name */
} commands[] = {
	{ "status", fleet_status, 0, 0 },
	{ "apply", fleet_apply, 1, WIRE_ARGS_ANY },
	{ "history", fleet_history, 0, 0 },
	{ "rollback", fleet_rollback, 1, 1 },
};

static void complain(const char *place, const char *text)
{
	ctl_complain("%s: %s", place, text);
}

static int run(size_t command, struct fleet *fleet)
{
	CLEANUP(fleet_store_closep) struct fleet_store *store = NULL;
	const char *path = fleet->args->config ? fleet->args->config : FLEET_CONF_DEFAULT;
	int r = fleet_conf_read(path, fleet->arena, complain, &fleet->conf);

	if (r != 0)
		return r < 0 ? ctl_out_of_memory() : CTL_USAGE;
	int status = fleet_store_open(&fleet->conf, fleet->arena, &store);
	if (status != CTL_OK)
		return status;
	fleet->store = store;
	fleet->keys = fleet_store_keys(store);
	return commands[command].run(fleet);
}

int verb_fleet(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct fleet fleet = { .ctl = ctl, .args = args, .arena = arena };
	size_t n = args->n - 1, command = 0;

	if (!arena)
		return ctl_out_of_memory();
	while (command < ARRAY_LEN(commands) && strcmp(commands[command].name, args->files[0]) != 0)
		command++;
	if (command == ARRAY_LEN(commands)) {
		ctl_complain("unknown command `fleet %s`: see netdctl fleet --help",
			     args->files[0]);
		return CTL_USAGE;
	}
	if (n < commands[command].min || n > commands[command].max) {
		ctl_complain("`fleet %s` takes %s: see netdctl fleet --help",
			     commands[command].name,
			     commands[command].max == 0	  ? "no arguments"
			     : commands[command].max == 1 ? "one argument"
							  : "policy files");
		return CTL_USAGE;
	}
	return run(command, &fleet);
}
