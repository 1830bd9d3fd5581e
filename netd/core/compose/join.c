/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is on which network: network modes, the default network, networks made elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/compose/plan.h"

#define DOCKER_BRIDGE "bridge" /* Docker's own network, with the interface docker0 */

static const struct draft_attachment unwritten;

/* ---- networks as drafts ---- */

static const struct draft_network *find_network(const struct compose *c, const char *key)
{
	for (size_t i = 0; i < c->networks.n; i++)
		if (strcmp(c->networks.items[i].key, key) == 0)
			return &c->networks.items[i];
	return NULL;
}

/* Each gets the name that it has on the host; the default network is there without being written.
 */
static void name_networks(struct compose *c)
{
	if (!find_network(c, "default"))
		COMPOSE_PUSH(c, &c->networks, (struct draft_network){ .key = "default" });
	for (size_t i = 0; i < c->networks.n; i++) {
		struct draft_network *draft = &c->networks.items[i];
		if (!draft->name.text || !*draft->name.text)
			draft->name.text =
				draft->external.value
					? draft->key
					: compose_printf(c, "%s_%s", c->variables.project,
							 draft->key);
	}
}

/* One of a network_mode may be any, and is made elsewhere then. */
static const struct draft_network *find_by_name(const struct compose *c, const char *name)
{
	static const struct draft_network elsewhere = { .external = { .value = true } };

	for (size_t i = 0; i < c->networks.n; i++)
		if (strcmp(c->networks.items[i].name.text, name) == 0)
			return &c->networks.items[i];
	return &elsewhere;
}

/* ---- the networks of one service ---- */

static void add_link(struct compose *c, struct plan_service *service,
		     const struct draft_attachment *attachment, const char *name)
{
	/* Docker's two other networks are no networks: what they are is a mode. */
	if (strcmp(name, "host") == 0)
		service->mode = PLAN_HOST;
	else if (strcmp(name, "none") == 0)
		service->mode = PLAN_NONE;
	else
		COMPOSE_PUSH(c, &service->links, (struct plan_link){ attachment, name, 0 });
	if (service->mode != PLAN_NETWORKS)
		service->facts.network_mode = service->mode == PLAN_HOST ? "host" : "none";
}

static void join_networks(struct compose *c, struct plan_service *service)
{
	const struct draft_service *draft = service->draft;
	const struct draft_network *implicit = find_network(c, "default");

	if (draft->networks.n == 0 && implicit)
		add_link(c, service, &unwritten, implicit->name.text);
	for (size_t i = 0; i < draft->networks.n; i++) {
		const struct draft_attachment *one = &draft->networks.items[i];
		const struct draft_network *network = find_network(c, one->network);
		if (network)
			add_link(c, service, one, network->name.text);
	}
}

/* ---- network_mode ---- */

static void share_container(struct compose *c, struct plan_service *service, const char *name)
{
	char id[WORLD_ID_LEN];

	compose_make_id("container", name, id);
	service->facts.network_mode = compose_printf(c, "container:%s", id);
}

static void share_service(struct compose *c, const struct assembly *plan,
			  struct plan_service *service, const char *name)
{
	const struct plan_service *other = NULL;

	for (size_t i = 0; i < plan->services.n && !other; i++)
		if (strcmp(plan->services.items[i].draft->name, name) == 0)
			other = &plan->services.items[i];
	if (other && other->replicas > 0 && other != service)
		share_container(c, service, compose_container_name(c, other->draft, 1));
	else
		compose_report(c, CF_UNDEFINED_SERVICE, service->draft->network_mode.loc, NULL,
			       other == service ? "`%s` is the service itself"
						: "no active service is named `%s`",
			       compose_quote(c, name));
}

static void share(struct compose *c, const struct assembly *plan, struct plan_service *service)
{
	const struct draft_text *mode = &service->draft->network_mode;
	const char *name = strchr(mode->text, ':') + 1;

	service->mode = PLAN_SHARED;
	service->facts.network_mode = mode->text;
	if (text_begins(mode->text, "service:")) {
		share_service(c, plan, service, name);
		return;
	}
	for (size_t i = 0; i < plan->services.n; i++) {
		const char *own = plan->services.items[i].draft->container_name.text;
		if (own && strcmp(own, name) == 0) {
			share_container(c, service, name);
			return;
		}
	}
	compose_report(c, CF_FOREIGN_CONTAINER, mode->loc,
		       "its networks are this service's, and so is its tier",
		       "`%s` is in the network of the container `%s`, which is not known here",
		       service->draft->name, compose_quote(c, name));
}

static void settle_mode(struct compose *c, const struct assembly *plan,
			struct plan_service *service)
{
	const struct draft_text *mode = &service->draft->network_mode;

	compose_about_service(c, service->draft->name);
	if (!mode->text || !*mode->text) {
		join_networks(c, service);
		return;
	}
	if (text_begins(mode->text, "service:") || text_begins(mode->text, "container:"))
		share(c, plan, service);
	else if (compose_is_plain(mode->text))
		add_link(c, service, &unwritten,
			 strcmp(mode->text, "default") == 0 ? DOCKER_BRIDGE : mode->text);
	else
		compose_report(c, CF_BAD_VALUE, mode->loc, NULL, "`network_mode` cannot be `%s`",
			       compose_quote(c, mode->text));
}

/* ---- the networks that are used ---- */

static void name_bridge(struct compose *c, const struct draft_text *given,
			struct world_network *facts)
{
	world_bridge_default(facts->bridge, facts->id);
	if (strcmp(facts->name, DOCKER_BRIDGE) == 0)
		memcpy(facts->bridge, "docker0", sizeof("docker0"));
	else if (given->text && world_ifname_valid(given->text))
		memcpy(facts->bridge, given->text, strlen(given->text) + 1);
	else if (given->text)
		compose_report(c, CF_BAD_NAME, given->loc, "15 letters at most",
			       "`%s` cannot be the name of an interface",
			       compose_quote(c, given->text));
}

/* Of another driver than `bridge`. An overlay has no way out of its own. */
static void report_driver(struct compose *c, const struct plan_network *network)
{
	bool overlay = strcmp(network->facts.driver, "overlay") == 0;

	compose_report(
		c, CF_UNMANAGED_DRIVER, network->loc,
		overlay ? "its containers are on docker_gwbridge, too: only there do tiers "
			  "apply to them"
			: "tiers apply only to networks of the driver `bridge`",
		overlay ? "the network `%s` is an overlay, so netd does not filter it; what "
			  "its services publish goes through docker_gwbridge"
			: "the network `%s` does not use the driver bridge, so netd does not "
			  "filter it",
		compose_quote(c, network->facts.name));
}

static void describe(struct compose *c, struct plan_network *network)
{
	const struct draft_network *draft = network->draft;
	const char *name = network->facts.name, *driver = draft->driver.text;
	struct world_network *facts = &network->facts;

	compose_about_network(c, name);
	facts->driver = driver && *driver && strcmp(driver, "default") != 0 ? driver : "bridge";
	facts->internal = draft->internal.value;
	facts->icc = !draft->icc.set || draft->icc.value;
	facts->no_masquerade = draft->masquerade.set && !draft->masquerade.value;
	for (size_t i = 0; i < ARRAY_LEN(facts->modes); i++)
		if (draft->modes[i].text)
			(void)world_gateway_mode_parse(draft->modes[i].text, &facts->modes[i]);
	compose_make_id("network", name, facts->id);
	if (!compose_is_plain(name) || !compose_is_plain(facts->driver))
		compose_report(c, CF_BAD_NAME, network->loc, NULL,
			       "`%s` cannot be the name of a network or driver",
			       compose_quote(c, name));
	if (draft->external.value && strcmp(name, DOCKER_BRIDGE) != 0)
		compose_report(c, CF_EXTERNAL_NETWORK, network->loc,
			       "it is treated as a plain bridge network: an inventory of the host "
			       "would tell more",
			       "the network `%s` is made elsewhere: its driver, its subnets and "
			       "whether it is internal are not known here",
			       compose_quote(c, name));
	if (strcmp(facts->driver, "bridge") == 0)
		name_bridge(c, &draft->bridge, facts);
	else
		report_driver(c, network);
}

static void add_network(struct compose *c, struct assembly *plan,
			const struct plan_service *service, const char *name)
{
	const struct draft_text *mode = &service->draft->network_mode;
	struct plan_network network = { .facts.name = name };

	for (size_t i = 0; i < plan->networks.n; i++)
		if (strcmp(plan->networks.items[i].facts.name, name) == 0)
			return;
	network.draft = find_by_name(c, name);
	network.loc = network.draft->loc.file ? network.draft->loc
		      : mode->text	      ? mode->loc
					      : service->draft->loc;
	if (plan->networks.n == LIMIT_COMPOSE_NETWORKS)
		compose_stop(c, CF_TOO_MANY, service->draft->loc, "there are more than %u networks",
			     LIMIT_COMPOSE_NETWORKS);
	else
		COMPOSE_PUSH(c, &plan->networks, network);
}

static int by_name(const void *left, const void *right)
{
	const struct plan_network *a = left, *b = right;

	return strcmp(a->facts.name, b->facts.name);
}

static void check_bridges(struct compose *c, const struct assembly *plan)
{
	const struct plan_network *all = plan->networks.items;

	for (size_t i = 0; i < plan->networks.n; i++)
		for (size_t k = 0; k < i; k++)
			if (*all[i].facts.bridge &&
			    strcmp(all[k].facts.bridge, all[i].facts.bridge) == 0)
				compose_report(c, CF_SAME_ADDRESS, all[i].loc, NULL,
					       "two networks have the interface `%s`",
					       all[i].facts.bridge);
}

static int by_network(const void *left, const void *right)
{
	const struct plan_link *a = left, *b = right;

	return (a->network > b->network) - (a->network < b->network);
}

/* Two keys may stand for one network: a container is on it once. */
static void sort_links(const struct assembly *plan, struct plan_service *service)
{
	struct plan_link *all = service->links.items;

	for (size_t i = 0; i < service->links.n; i++) {
		struct plan_network like = { .facts.name = all[i].name };
		const struct plan_network *found = bsearch(&like, plan->networks.items,
							   plan->networks.n, sizeof(like), by_name);
		all[i].network = (uint32_t)(found - plan->networks.items);
	}
	service->links.n = sort_once(all, service->links.n, sizeof(*all), by_network);
	if (service->links.n && !*service->facts.network_mode)
		service->facts.network_mode = all[0].name;
}

void compose_plan_networks(struct compose *c, struct assembly *plan)
{
	name_networks(c);
	for (size_t i = 0; i < plan->services.n && !c->stopped; i++)
		settle_mode(c, plan, &plan->services.items[i]);
	for (size_t i = 0; i < plan->services.n; i++)
		for (size_t k = 0; k < plan->services.items[i].links.n && !c->stopped; k++)
			add_network(c, plan, &plan->services.items[i],
				    plan->services.items[i].links.items[k].name);
	if (plan->networks.n)
		qsort(plan->networks.items, plan->networks.n, sizeof(*plan->networks.items),
		      by_name);
	for (size_t i = 0; i < plan->networks.n; i++)
		describe(c, &plan->networks.items[i]);
	check_bridges(c, plan);
	for (size_t i = 0; i < plan->services.n && !c->stopped; i++)
		sort_links(plan, &plan->services.items[i]);
}

/* ---- endpoints ---- */

void compose_plan_endpoints(struct compose *c, struct assembly *plan)
{
	size_t total = 0;

	for (size_t i = 0; i < plan->services.n; i++) {
		const struct plan_service *service = &plan->services.items[i];
		total += service->links.n * service->replicas;
		if (total > LIMIT_COMPOSE_ENDPOINTS) {
			compose_report(c, CF_TOO_MANY, service->draft->loc, NULL,
				       "there are more than %u connections of containers to "
				       "networks",
				       LIMIT_COMPOSE_ENDPOINTS);
			return;
		}
	}
	for (size_t i = 0; i < plan->containers.n; i++) {
		const struct plan_service *service = plan->containers.items[i].service;
		for (size_t k = 0; k < service->links.n; k++) {
			const struct plan_link *link = &service->links.items[k];
			const char *priority = link->attachment->gw_priority.text;
			struct plan_endpoint one = {
				.facts = { .container = (uint32_t)i,
					   .network = link->network,
					   .gw_priority =
						   priority ? (int32_t)strtol(priority, NULL, 10)
							    : 0 },
				.attachment = link->attachment,
			};
			COMPOSE_PUSH(c, &plan->endpoints, one);
		}
	}
}
