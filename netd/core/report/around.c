/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/around.h"

#include "core/simulate/simulate.h"

static int passes_around(const struct report_input *in, uint32_t from,
			 const struct world_published *published, struct arena *scratch)
{
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	struct sim_flow flow = { .from = { .kind = SIM_ENDPOINT, .endpoint = from },
				 .to = { .kind = SIM_HOST },
				 .family = (enum ip_family)published->host_ip.family,
				 .proto = (enum ip_proto)published->port.proto,
				 .port = published->host_port };
	struct sim_result result;

	if (!ip_is_unspecified(&published->host_ip))
		flow.to.addr = published->host_ip;
	int r = sim_flow(&host, &flow, scratch, &result);
	return r < 0 ? r : result.allowed && !result.audited && result.by == SIM_BY_NETD;
}

int around_find(const struct report_input *in, const struct around_question *question,
		struct arena *scratch, const struct world_published **ret)
{
	const struct world_container *to = &in->world->containers[question->to];

	for (size_t i = world_first_published(to, question->port.lo); i < to->n_published; i++) {
		const struct world_published *published = &to->published[i];
		if (published->port.lo > question->port.hi)
			break;
		if (published->port.proto != question->port.proto || published->symbolic ||
		    published->host_port == 0 || ip_is_loopback(&published->host_ip) ||
		    world_publisher_at_host(in->world, question->to,
					    (enum ip_family)published->host_ip.family) ==
			    WORLD_NO_ENDPOINT)
			continue;
		int r = passes_around(in, question->from, published, scratch);
		if (r > 0)
			*ret = published;
		if (r != 0)
			return r;
	}
	return 0;
}
