/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two endpoints that stand for two classes: on one network, or on two between which Docker lets
 * something pass, as it filters nothing or as the second is open to others (gateway_mode routed).
 */
#include <string.h>

#include "core/report/survey.h"

/* The next network that both classes are on, from their samples @at on. */
static bool next_pair(const struct survey *survey, const uint32_t classes[2], size_t at[2],
		      uint32_t ret[2])
{
	const struct survey_class *a = &survey->classes[classes[0]],
				  *b = &survey->classes[classes[1]];
	bool same = classes[0] == classes[1];

	while (at[0] < a->n_samples && at[1] < b->n_samples) {
		const struct survey_sample *from = &a->samples[at[0]], *to = &b->samples[at[1]];
		at[0] += from->network <= to->network;
		at[1] += to->network <= from->network;
		if (from->network != to->network || to->endpoint[same] == SURVEY_NONE)
			continue;
		ret[0] = from->endpoint[0];
		ret[1] = to->endpoint[same];
		return true;
	}
	return false;
}

/* Two that share no network. */
static bool pair_apart(const struct survey *survey, const uint32_t classes[2],
		       enum ip_family family, uint32_t ret[2])
{
	ret[0] = survey_any(survey, classes[0], family);
	ret[1] = survey_other(survey, classes[1], family, ret[0]);
	if (ret[1] == SURVEY_NONE) {
		ret[1] = survey_any(survey, classes[1], family);
		ret[0] = survey_other(survey, classes[0], family, ret[1]);
	}
	return ret[0] != SURVEY_NONE && ret[1] != SURVEY_NONE;
}

uint32_t survey_routed_to(const struct survey *survey, uint32_t class, enum ip_family family,
			  uint32_t network)
{
	const struct world *world = survey->world;

	for (size_t i = 0; i < survey->classes[class].n_endpoints; i++) {
		uint32_t e = survey->classes[class].members[i];
		if (survey_has_family(survey, e, family) &&
		    world_routes(world, family, network, world->endpoints[e].network) &&
		    !world_answers_elsewhere(world, family, network, world->endpoints[e].container))
			return e;
	}
	return SURVEY_NONE;
}

/* Where the engine routes, two who share no network and whose answers find back. */
static bool pair_routed(const struct survey *survey, const uint32_t classes[2],
			enum ip_family family, uint32_t ret[2])
{
	const struct survey_class *class = &survey->classes[classes[0]];
	bool routes = world_may_route(survey->world, family);

	for (size_t n = 0; routes && n < 2 * class->n_samples; n++) {
		uint32_t from = class->samples[n / 2].endpoint[n % 2], to;
		if (from == SURVEY_NONE || !survey_has_family(survey, from, family))
			continue;
		to = survey_routed_to(survey, classes[1], family, class->samples[n / 2].network);
		if (to == SURVEY_NONE)
			continue;
		ret[0] = from;
		ret[1] = to;
		return true;
	}
	return false;
}

bool survey_pair(const struct survey *survey, const uint32_t classes[2], enum ip_family family,
		 uint32_t ret[2])
{
	const struct world *world = survey->world;
	size_t at[2] = { 0, 0 };
	uint32_t pair[2];
	int best = -1;

	while (next_pair(survey, classes, at, pair)) {
		const struct world_network *network =
			&world->networks[world->endpoints[pair[0]].network];
		bool reached = survey_has_family(survey, pair[0], family) &&
			       survey_has_family(survey, pair[1], family);
		int worth = (reached ? 2 : 0) + (network->icc ? 1 : 0);
		if (worth <= best)
			continue;
		memcpy(ret, pair, sizeof(pair));
		best = worth;
	}
	if (best >= 2 || pair_routed(survey, classes, family, ret))
		return true;
	/* Two apart who have addresses say more than two who met without. */
	uint32_t apart[2];
	if (!pair_apart(survey, classes, family, apart))
		return best >= 0;
	if (best < 0 || (survey_has_family(survey, apart[0], family) &&
			 survey_has_family(survey, apart[1], family)))
		memcpy(ret, apart, sizeof(apart));
	return true;
}

/* ---- networks that are open to others ---- */

static bool is_let_in(const struct survey *survey, uint32_t endpoint, enum ip_family family,
		      const struct port_range *port)
{
	return survey_has_family(survey, endpoint, family) &&
	       world_lets_in(survey->world, family, endpoint, port);
}

/* What @from sends to @to leaves its network, and the answer comes back the same way. */
static bool is_sender(const struct survey *survey, enum ip_family family, uint32_t from,
		      uint32_t to)
{
	const struct world *world = survey->world;
	const struct world_endpoint *a = &world->endpoints[from], *b = &world->endpoints[to];

	return a->network != b->network && a->container != b->container &&
	       survey_has_family(survey, from, family) &&
	       world_sends_to_networks(world, family, from) &&
	       !world_answers_elsewhere(world, family, a->network, b->container);
}

static uint32_t find_sender(const struct survey *survey, const struct survey_group *group,
			    enum ip_family family, uint32_t to)
{
	const struct survey_class *class =
		group->class == SURVEY_NONE ? NULL : &survey->classes[group->class];
	size_t n = class ? 2 * class->n_samples : group->n;

	for (size_t i = 0; i < n; i++) {
		uint32_t from = class ? class->samples[i / 2].sender[family == IP_V6][i % 2]
				      : group->endpoints[i];
		if (from != SURVEY_NONE && is_sender(survey, family, from, to))
			return from;
	}
	return SURVEY_NONE;
}

/* The endpoints that may be let in to that port: all, but of a class those alone that are found to
 * publish it, where these are known. */
static struct survey_group may_be_let_in(const struct survey *survey,
					 const struct survey_group *group, enum ip_family family,
					 const struct port_range *port)
{
	static const struct survey_group nobody = { .class = SURVEY_NONE };
	size_t v6 = family == IP_V6;

	if (group->class == SURVEY_NONE)
		return *group;
	const struct survey_class *class = &survey->classes[group->class];
	const struct survey_group all = { group->class, class->members, class->n_endpoints };
	if (!class->is_open[v6])
		return nobody;
	if (!proto_has_ports((enum ip_proto)port->proto))
		return all;
	uint32_t at = survey_opening_at(survey, group->class, port);
	if (at == SURVEY_NONE || survey->openings[at].routed[v6] == SURVEY_NONE)
		return nobody;
	return survey->openings[at].several[v6]
		       ? all
		       : (struct survey_group){ group->class, &survey->openings[at].routed[v6], 1 };
}

bool survey_opened_pair(const struct survey *survey, const struct survey_group ends[2],
			enum ip_family family, const struct port_range *port, uint32_t ret[2])
{
	if (!survey->is_open[family == IP_V6])
		return false;
	struct survey_group to = may_be_let_in(survey, &ends[1], family, port);
	for (size_t i = 0; i < to.n; i++) {
		if (!is_let_in(survey, to.endpoints[i], family, port))
			continue;
		uint32_t from = find_sender(survey, &ends[0], family, to.endpoints[i]);
		if (from == SURVEY_NONE)
			continue;
		ret[0] = from;
		ret[1] = to.endpoints[i];
		return true;
	}
	return false;
}

bool survey_is_on_network(const struct report_input *in, const struct sim_end *end)
{
	return end->kind == SIM_ADDRESS &&
	       (compile_find_spoken(in->compiled, &end->addr) != UINT32_MAX ||
		compile_find_subnet(in->compiled, &end->addr) != UINT32_MAX);
}

uint32_t survey_next_let_in(const struct survey *survey, uint32_t class, enum ip_family family,
			    const struct port_range *port, struct survey_let_in *walk)
{
	const struct survey_group group = { .class = class };
	struct survey_group to = may_be_let_in(survey, &group, family, port);

	while (survey->is_open[family == IP_V6] && walk->at < to.n) {
		uint32_t end = to.endpoints[walk->at++];
		const struct world_endpoint *e = &survey->world->endpoints[end];
		bool single =
			survey->first_of[e->container + 1] - survey->first_of[e->container] == 1;
		if ((single && e->network == walk->done) || !is_let_in(survey, end, family, port))
			continue;
		if (single)
			walk->done = e->network;
		return end;
	}
	return SURVEY_NONE;
}

uint32_t survey_next_sender(const struct survey *survey, uint32_t class, enum ip_family family,
			    size_t *cursor)
{
	const struct survey_class *c = &survey->classes[class];

	while (survey->is_open[family == IP_V6] && *cursor < c->n_samples) {
		uint32_t sender = c->samples[(*cursor)++].sender[family == IP_V6][0];
		if (sender != SURVEY_NONE)
			return sender;
	}
	return SURVEY_NONE;
}
