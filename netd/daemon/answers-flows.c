/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What talks to what: beside the loop, on a copy of the flows. */
#include <errno.h>
#include <string.h>

#include "core/report/flows.h"
#include "core/world/world-store.h"
#include "daemon/answers.h"

int answer_flow_input(const struct daemon *d, struct arena *arena, struct report_input *ret)
{
	int r = answer_input(d, arena, ret);

	if (r == 0 && !ret->world)
		r = world_store_snapshot(d->store, arena, &ret->world);
	return r == 0 && !ret->policy ? host_world(ret->world, arena, &ret->world) : r;
}

/* Where br_netfilter does not show the inet hooks what one port of a bridge says to another. */
static int find_unseen(const struct report_input *in, struct arena *arena,
		       struct report_flows *flows)
{
	VEC(const char *) names = { 0 };
	bool everywhere = false;

	if (host_bridge_nf_get(IP_V4, &everywhere) < 0)
		everywhere = false;
	for (size_t i = 0; i < in->world->n_networks && !everywhere; i++) {
		const struct world_network *network = &in->world->networks[i];
		if (!world_network_is_managed(network) ||
		    (in->compiled && in->compiled->bridge_nf_on[i]))
			continue;
		int r = VEC_PUSH(arena, &names, network->name);
		if (r < 0)
			return r;
	}
	flows->unseen = names.items;
	flows->n_unseen = names.n;
	return 0;
}

int answer_take_flows(struct daemon *d, const struct report_input *in, struct arena *arena,
		      struct report_flows *ret)
{
	const struct flow_facts facts = { .world = in->world,
					  .policy = in->policy,
					  .compiled = in->compiled };
	struct flow_whom *whom = NULL;
	int r = flows_read_all(&d->flows);

	*ret = (struct report_flows){ .store = d->flows.store,
				      .since = d->flows.since,
				      .lost_events = d->flows.lost_events,
				      .lost_messages = d->flows.lost_messages,
				      .damaged = d->flows.damaged };
	if (r == 0)
		r = flow_whom_new(&facts, arena, &whom);
	ret->whom = whom;
	return r < 0 ? r : find_unseen(in, arena, ret);
}

static int answer_with(struct daemon *d, const struct control_request *request, struct arena *arena,
		       int (*make)(const struct report_input *, const struct report_flows *,
				   const struct report_flow_filter *, cJSON **),
		       cJSON **ret)
{
	const struct report_flow_filter filter = {
		.container = wire_string(request->json, "container"),
		.tier = wire_string(request->json, "tier"),
		.verdict = wire_string(request->json, "verdict"),
		.since = (int64_t)wire_number(request->json, "since", 0),
		.cut = wire_bool(request->json, "cut", false),
	};
	struct report_input in;
	struct report_flows flows;
	cJSON *report = NULL;
	int r = answer_flow_input(d, arena, &in);

	if (r == 0)
		r = answer_take_flows(d, &in, arena, &flows);
	if (r == 0)
		r = make(&in, &flows, &filter, &report);
	return r < 0 ? r : answer_report(WIRE_OK, report, ret);
}

int answer_flows(struct daemon *d, const struct control_request *request, struct arena *arena,
		 cJSON **ret)
{
	return answer_with(d, request, arena, report_flow_list, ret);
}

int answer_top(struct daemon *d, const struct control_request *request, struct arena *arena,
	       cJSON **ret)
{
	return answer_with(d, request, arena, report_top, ret);
}
