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
	{ "plan", fleet_plan, 1, WIRE_ARGS_ANY },
	{ "sign", fleet_sign, 0, 0 },
	{ "history", fleet_history, 0, 0 },
	{ "rollback", fleet_rollback, 1, 1 },
	{ "forget", fleet_forget, 1, WIRE_ARGS_ANY },
};

static void complain(const char *place, const char *text)
{
	ctl_complain("%s: %s", place, text);
}

/* An admin believes whom the hosts do, and himself. */
static int read_keys(struct fleet *fleet)
{
	const char *error = NULL;

	if (!fleet->args->sign_key)
		return CTL_OK;
	int r = sign_key_read(fleet->args->sign_key, fleet->arena, &fleet->key, &error);
	if (r == 0)
		r = sign_trust_read(fleet->conf.keys, fleet->arena, &fleet->trust, &error);
	if (r == 0)
		sign_trust_add(&fleet->trust, fleet->key);
	if (r > 0)
		ctl_complain("%s", error);
	return r < 0 ? ctl_out_of_memory() : r > 0 ? CTL_USAGE : CTL_OK;
}

static int run(size_t command, struct fleet *fleet)
{
	CLEANUP(fleet_store_closep) struct fleet_store *store = NULL;
	const char *path = fleet->args->config ? fleet->args->config : FLEET_CONF_DEFAULT;
	int r = fleet_conf_read(path, fleet->arena, complain, &fleet->conf);

	if (r != 0)
		return r < 0 ? ctl_out_of_memory() : CTL_USAGE;
	int status = read_keys(fleet);
	if (status == CTL_OK)
		status = fleet_store_open(&fleet->conf, fleet->arena, &store);
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
							  : "policy files, or names of hosts");
		return CTL_USAGE;
	}
	int status = run(command, &fleet);
	(void)sign_key_free(fleet.key);
	return status;
}
