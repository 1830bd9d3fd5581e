/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan where netd has never run: the policy against what Docker alone lets pass, as this process
 * reads it from Docker and the kernel. */
#include <errno.h>
#include <string.h>

#include "core/report/cut.h"
#include "ctl/ctl.h"
#include "edge/fw/fw.h"
#include "edge/host/host.h"

struct plain_host {
	const struct world *world;
	struct cut_facts cut;
	struct fw_error error; /* cut.error may borrow its text */
};

/* A netd that is down has left its rules in force: what is compared with them is not Docker. */
static int refuse_tables(struct fw *fw)
{
	struct fw_error error = { 0 };
	struct fw_state found;

	if (fw_probe(fw, &found, &error) < 0) {
		ctl_complain("%s", error.text);
		return CTL_UNREACHABLE;
	}
	if (!found.exists[RS_INET] && !found.exists[RS_BRIDGE])
		return CTL_OK;
	ctl_complain("netd does not run, but its rules are in force: start it with `systemctl "
		     "start netd` to compare with them, or name the old policy with --against");
	return CTL_UNREACHABLE;
}

static int read_connections(struct fw *fw, struct arena *arena, struct plain_host *ret)
{
	struct host_addresses host = { 0 };
	int r = host_addresses(arena, &host);

	if (r < 0)
		ret->cut.error = strerror(-r);
	else if (fw_connections(fw, arena, &ret->cut, &ret->error) < 0)
		ret->cut.error = ret->error.text;
	ret->cut.host = host.addrs.items;
	ret->cut.n_host = host.addrs.n;
	return CTL_OK;
}

static int ask_kernel_state(struct arena *arena, struct plain_host *ret)
{
	CLEANUP(fw_freep) struct fw *fw = NULL;

	ret->cut.error = "";
	if (fw_open(&fw, &ret->error) < 0) {
		ret->cut.error = ret->error.err == -EPERM
					 ? "reading them needs root; nor is it known whether rules "
					   "of a netd that is stopped are in force"
					 : ret->error.text;
		return CTL_OK;
	}
	int status = refuse_tables(fw);
	return status == CTL_OK ? read_connections(fw, arena, ret) : status;
}

/* As `--inventory` would read it from `netdctl inventory`: of no moment, and without the ports that
 * this process has not looked at. */
static int ask_docker(const struct ctl *ctl, struct arena *arena, struct plain_host *ret)
{
	const struct world *world = NULL;
	const char *error = "";
	int status = docker_world(ctl, arena, &world, &error);

	if (status != CTL_OK) {
		ctl_complain("netd is not running (nobody answers on %s), and %s",
			     live_socket(ctl, arena), error);
		return status;
	}
	CLEANUP(free_ptr) char *text = world_print_inventory(world);
	int r = text ? world_parse_inventory(text, strlen(text), arena, &world, &error) : -ENOMEM;
	if (r == 0)
		r = report_complete_world(world, arena, &ret->world);
	if (r == WORLD_E_INVALID)
		ctl_complain("%s: %s", docker_url(ctl), error);
	return r == 0 ? CTL_OK : r < 0 ? ctl_out_of_memory() : CTL_UNREACHABLE;
}

static int parse_plain(struct arena *arena, const struct policy **ret)
{
	static const struct policy_source source = { "(no policy)", REPORT_PLAIN_DOCKER,
						     sizeof(REPORT_PLAIN_DOCKER) - 1 };
	struct diag_list diags;

	diag_init(&diags, arena);
	return policy_parse(&source, 1, arena, &diags, ret) == 0 ? CTL_OK : ctl_out_of_memory();
}

static int compare(const struct ctl *ctl, const struct policy *const policies[2],
		   const struct plain_host *host, struct arena *arena, cJSON **ret)
{
	struct report_input in[2];
	bool changed = false;
	int status = input_compile(policies, 2, host->world, ctl->now, arena, in);

	if (status != CTL_OK)
		return status;
	in[0].plain = true;
	int r = report_plan(&in[0], &in[1], ret, &changed);
	if (r == 0)
		r = report_cut(&in[0], &in[1], &host->cut, *ret);
	if (r < 0) {
		cJSON_Delete(*ret);
		*ret = NULL;
		return ctl_out_of_memory();
	}
	return changed ? CTL_FINDING : CTL_OK;
}

int plan_with_docker(const struct ctl *ctl, const struct policy *policy, struct arena *arena,
		     cJSON **ret)
{
	const struct policy *policies[2] = { NULL, policy };
	struct plain_host host = { 0 };
	int status = parse_plain(arena, &policies[0]);

	if (status == CTL_OK)
		status = ask_kernel_state(arena, &host);
	if (status == CTL_OK)
		status = ask_docker(ctl, arena, &host);
	return status == CTL_OK ? compare(ctl, policies, &host, arena, ret) : status;
}
