/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy in force says of a flow that was seen. */
#include <errno.h>

#include "core/report/flows.h"
#include "core/simulate/simulate.h"

/* Somebody who stands for all that were folded. */
static bool representative(const struct flow_end *end, struct ip_addr *ret)
{
	static const struct ip_addr internet[] = {
		{ IP_V4, { 203, 0, 113, 253 } },
		{ IP_V6, { 0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, [15] = 0xfd } }
	};

	*ret = end->addr;
	if (end->len == 8 * ip_len(&end->addr))
		return end->addr.family;
	if (end->len > 0)
		return ip_next(&end->addr, ret);
	if (end->zone != FLOW_INTERNET || !end->addr.family)
		return false;
	*ret = internet[end->addr.family == IP_V6];
	return true;
}

static bool set_end(const struct flow_whom *whom, const struct flow_end *end, struct sim_end *ret)
{
	struct sim_end to = { .kind = SIM_ADDRESS };

	switch (end->kind) {
	case FLOW_CONTAINER:
		to.kind = SIM_ENDPOINT;
		to.endpoint = flow_whom_find(whom, end);
		if (to.endpoint == UINT32_MAX)
			return false;
		break;
	case FLOW_HOST:
		to.kind = SIM_HOST;
		to.addr = end->addr;
		break;
	case FLOW_OUTSIDE:
	case FLOW_NOBODY:
		if (!representative(end, &to.addr))
			return false;
		break;
	}
	*ret = to;
	return true;
}

static bool to_question(const struct flow_whom *whom, const struct flow *flow, struct sim_flow *ret)
{
	ret->proto = proto_find(flow->proto);
	if (flow->ether_type || ret->proto == PROTO_ANY ||
	    (proto_has_ports(ret->proto) && !flow->port))
		return false;
	ret->port = flow->port;
	ret->family = (enum ip_family)flow->from.addr.family;
	return ret->family != IP_NONE && set_end(whom, &flow->from, &ret->from) &&
	       set_end(whom, &flow->to, &ret->to);
}

int report_judge_flow(const struct report_input *in, const struct flow_whom *whom,
		      const struct flow *flow, struct arena *arena, struct flow_judgement *ret)
{
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	struct sim_flow question = { .port = 0 };
	struct sim_result result;

	*ret = (struct flow_judgement){ .why = "" };
	if (!in->policy || !to_question(whom, flow, &question))
		return 0;
	int r = sim_flow(&host, &question, arena, &result);
	if (r < 0)
		return r;
	/* What Docker would drop now has passed, or netd was first: netd's word is asked for. */
	bool passes = result.allowed || result.by == SIM_BY_DOCKER;
	ret->known = result.by != SIM_NO_ADDRESS;
	ret->verdict = !passes ? FLOW_DENIED : result.audited ? FLOW_AUDITED : FLOW_ALLOWED;
	ret->reason = ret->verdict == FLOW_ALLOWED ? REASON_NONE : result.denial;
	ret->policy_rule = result.policy_rule;
	ret->why = result.reason;
	return 0;
}
