/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor: what on this host weakens a guarantee. What cannot be looked at is said, not guessed. */
#include <errno.h>
#include <string.h>

#include "core/report/doctor.h"
#include "ctl/out-text.h"
#include "edge/fw/fw.h"
#include "edge/host/survey.h"

#define MOST_GAPS 5u

struct examination {
	const struct ctl *ctl;
	struct arena *arena;
	struct doctor_facts facts;
	struct doctor_gap gaps[MOST_GAPS];
};

static void note_gap(struct examination *e, const char *what, const char *why)
{
	if (e->facts.n_gaps < MOST_GAPS)
		e->gaps[e->facts.n_gaps++] = (struct doctor_gap){ what, why };
}

/* ---- the kernel ---- */

static enum doctor_answer answer_of(bool yes)
{
	return yes ? DOCTOR_YES : DOCTOR_NO;
}

static void read_forward(struct examination *e, struct fw *fw)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	struct fw_error error = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		enum fw_forward policy = FW_FORWARD_NONE;
		if (fw_forward_policy(fw, families[i], &policy, &error) == 0 &&
		    policy != FW_FORWARD_NONE)
			e->facts.host.forward_accepts[i] = answer_of(policy == FW_FORWARD_ACCEPT);
	}
}

static int read_secmark(struct examination *e, struct fw *fw)
{
	char place[FW_PLACE_LEN];
	struct fw_error error = { 0 };

	e->facts.has_secmark = answer_of(fw_can_stamp(fw));
	if (fw_secmark_user(fw, place, &error) < 0 || !place[0])
		return 0;
	e->facts.secmark_user = arena_strdup(e->arena, place);
	return e->facts.secmark_user ? 0 : -ENOMEM;
}

/* The rules of a policy with a tier, as a question that does not take effect. Tables that a running
 * netd owns refuse to be touched: then the kernel took them before. */
static int check_rules(struct examination *e, struct fw *fw)
{
	static const char text[] = "version: 1\ntiers: {a: {match: [{network: a}]}}\n";
	const struct policy_source source = { "doctor", text, sizeof(text) - 1 };
	const struct policy *policy = NULL;
	struct fw_error error = { 0 };
	struct diag_list diags;
	struct report_input in;

	diag_init(&diags, e->arena);
	int r = policy_parse(&source, 1, e->arena, &diags, &policy);
	if (r == 0)
		r = report_prepare(&policy, 1, NULL, e->ctl->now, e->arena, &in);
	if (r != 0)
		return -ENOMEM;
	r = fw_check(fw, NULL, in.compiled->ruleset, e->arena, &error);
	if (r < 0 && r != -EPERM && r != -EBUSY)
		e->facts.kernel_error = arena_strdup(e->arena, error.text);
	return 0;
}

static int ask_kernel(struct examination *e)
{
	static const char what[] = "the kernel's nf_tables and iptables' FORWARD policy";
	CLEANUP(fw_freep) struct fw *fw = NULL;
	struct fw_error error = { 0 };
	int r = fw_open(&fw, &error);

	if (r == -EPERM || r == -EACCES) {
		note_gap(e, what, "needs root");
		return 0;
	}
	if (r < 0) {
		e->facts.kernel_error = arena_strdup(e->arena, error.text);
		return r == -ENOMEM ? r : 0;
	}
	e->facts.owns_tables = answer_of(fw_owns_tables(fw));
	read_forward(e, fw);
	r = read_secmark(e, fw);
	return r < 0 ? r : check_rules(e, fw);
}

/* ---- Docker and netd ---- */

static int ask_docker(struct examination *e, const struct ctl_args *args)
{
	static const char what[] = "containers and networks";
	const char *error = "";

	if (args->inventory)
		return input_world(e->ctl, args, e->arena, &e->facts.world);
	e->facts.rootless = strstr(docker_url(e->ctl), "/run/user/") != NULL;
	int status = docker_world(e->ctl, e->arena, &e->facts.world, &error);
	if (status != CTL_OK)
		note_gap(e, what, error);
	if (status == CTL_REFUSED)
		e->facts.foreign_engine = error;
	return CTL_OK;
}

/* An inventory of other tools, or a container that Docker is just starting. */
static int note_unknown_traits(struct examination *e)
{
	const struct world *world = e->facts.world;
	size_t n = 0;

	for (size_t i = 0; world && i < world->n_containers; i++)
		n += world->containers[i].kind == WORLD_CONTAINER &&
		     !world->containers[i].inspected;
	if (n == 0)
		return 0;
	const char *why =
		arena_printf(e->arena, "not known of %zu container%s", n, n == 1 ? "" : "s");
	if (!why)
		return -ENOMEM;
	note_gap(e, "what containers may do beyond Docker's defaults", why);
	return 0;
}

static int take_bridges(struct examination *e, const cJSON *status)
{
	const cJSON *list = wire_array(status, "bridges"), *item;
	struct doctor_bridge *bridges =
		arena_alloc(e->arena, (size_t)cJSON_GetArraySize(list) * sizeof(*bridges));

	if (!bridges)
		return -ENOMEM;
	cJSON_ArrayForEach(item, list) {
		bool closed = wire_bool(item, "closed", false);
		const char *whose =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "whose"));
		const char *name =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name"));
		if (!name || !whose || (!closed && strcmp(whose, "managed") != 0))
			continue;
		bridges[e->facts.n_bridges].name = arena_strdup(e->arena, name);
		bridges[e->facts.n_bridges].closed = closed;
		if (!bridges[e->facts.n_bridges++].name)
			return -ENOMEM;
	}
	e->facts.bridges = bridges;
	return 0;
}

/* Each container once, though it may be on several networks. */
static int take_speakers(struct examination *e, const cJSON *report)
{
	const cJSON *list = wire_array(report, "endpoints"), *item;
	struct doctor_speaker *speakers =
		arena_alloc(e->arena, (size_t)cJSON_GetArraySize(list) * sizeof(*speakers));
	size_t n = 0;

	cJSON_ArrayForEach(item, list) {
		const char *name = wire_string(item, "container");
		const char *addresses = member_list(item, "speaks_for", e->arena);
		if (!speakers || !name || !*addresses ||
		    (n && strcmp(speakers[n - 1].name, name) == 0))
			continue;
		speakers[n].name = arena_strdup(e->arena, name);
		speakers[n].addresses = addresses;
		if (!speakers[n++].name)
			return -ENOMEM;
	}
	e->facts.speakers = speakers;
	e->facts.n_speakers = n;
	return speakers ? 0 : -ENOMEM;
}

static int ask_endpoints(struct examination *e)
{
	cJSON *report = NULL;
	enum wire_code code;
	int r = live_ask_quietly(e->ctl, wire_new_request("endpoints"), &report, &code);

	if (r == CTL_OK && report)
		r = take_speakers(e, report);
	cJSON_Delete(report);
	return r;
}

static int ask_netd(struct examination *e)
{
	cJSON *status = NULL;
	enum wire_code code;
	int r = live_ask_quietly(e->ctl, wire_new_request("status"), &status, &code);

	if (r != CTL_OK)
		return r;
	if (!status)
		note_gap(e, "whether the rules see the frames that they have to judge",
			 code == WIRE_REFUSED ? "only root and the group netd may ask netd"
					      : "netd does not answer");
	if (status) {
		e->facts.lacks_bridge_nf = wire_bool(status, "needs_bridge_nf", false) &&
					   !(wire_bool(status, "bridge_nf_ipv4", true) &&
					     wire_bool(status, "bridge_nf_ipv6", true));
		e->facts.waits_for_policy = cJSON_HasObjectItem(status, "waits_for_policy");
		e->facts.facts_disagree = wire_number(status, "n_disagreements", 0) > 0;
	}
	r = status ? take_bridges(e, status) : 0;
	if (r == 0 && status)
		r = ask_endpoints(e);
	cJSON_Delete(status);
	return r < 0 ? r : CTL_OK;
}

int doctor_examine(const struct ctl *ctl, const struct ctl_args *args, cJSON **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct examination e = { .ctl = ctl, .arena = arena };
	const char *root = args->root ? args->root : "/";
	size_t found = 0;

	*ret = NULL;
	int r = arena ? host_survey(root, arena, &e.facts.host) : -ENOMEM;

	if (r < 0 && r != -ENOMEM) {
		ctl_complain("%s: %s", root, strerror(-r));
		return CTL_USAGE;
	}
	if (r == 0 && !args->root)
		r = ask_kernel(&e);
	if (r < 0)
		return ctl_out_of_memory();
	if (e.facts.host.nft_left_out)
		note_gap(&e, "whether a file of nftables names netd's tables",
			 "there are more, or larger ones, than doctor reads");
	int status = ask_docker(&e, args);
	if (status == CTL_OK && !args->root)
		status = ask_netd(&e);
	if (status != CTL_OK)
		return status;
	if (note_unknown_traits(&e) < 0)
		return ctl_out_of_memory();
	e.facts.gaps = e.gaps;
	if (report_doctor(&e.facts, ret, &found) < 0)
		return ctl_out_of_memory();
	return found ? CTL_FINDING : CTL_OK;
}

int verb_doctor(struct ctl *ctl, const struct ctl_args *args)
{
	cJSON *report = NULL;
	int status = doctor_examine(ctl, args, &report);

	return report ? show_report(ctl, report, show_doctor, status) : status;
}
