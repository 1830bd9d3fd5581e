/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is on which network: network modes, the default network, networks made elsewhere. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compose/plan.h"
#include "core/world/facts.h"

#define DOCKER_BRIDGE "bridge" /* Docker's own network, with the interface docker0 */

static const struct draft_network *find_draft(const struct compose *c, const char *key)
{
	for (size_t i = 0; i < c->networks.n; i++)
		if (strcmp(c->networks.items[i].key, key) == 0)
			return &c->networks.items[i];
	return NULL;
}

/* The name it has on the host; NULL: out of memory. */
static const char *real_name(struct compose *c, const struct draft_network *draft, const char *key)
{
	if (draft && draft->name.text && *draft->name.text)
		return draft->name.text;
	if (draft && draft->external.value)
		return key;
	return arena_printf(c->arena, "%s_%s", c->variables.project, key);
}

/* ---- the networks of one service ---- */

static int add_link(struct compose *c, struct plan_service *service, struct plan_link link)
{
	if (!link.name)
		return -ENOMEM;
	/* Docker's two other networks are no networks: what they are is a mode. */
	if (strcmp(link.name, "host") == 0)
		service->mode = PLAN_HOST;
	else if (strcmp(link.name, "none") == 0)
		service->mode = PLAN_NONE;
	else
		return VEC_PUSH(c->arena, &service->links, link);
	service->network_mode = link.name;
	return 0;
}

static void report_undefined(struct compose *c, const struct plan_service *service,
			     const struct draft_attachment *attachment)
{
	const char *names[LIMIT_COMPOSE_NETWORKS], *hint = NULL;
	char word[TEXT_QUOTE_LEN];
	size_t n = 0;

	for (size_t i = 0; i < c->networks.n && n < ARRAY_LEN(names); i++)
		names[n++] = c->networks.items[i].key;
	if (c->diags->diags.n < LIMIT_DIAGS)
		hint = diag_suggest(c->diags, attachment->network, names, n);
	compose_report(c->diags, CF_UNDEFINED_NETWORK, attachment->loc,
		       hint ? hint : "define it under the top-level `networks`",
		       "`%s` is on the network `%s`, which no file defines", service->draft->name,
		       text_quote(attachment->network, word));
}

static int join_networks(struct compose *c, struct plan_service *service)
{
	const struct draft_service *draft = service->draft;
	int r = 0;

	if (draft->networks.n == 0)
		return add_link(c, service,
				(struct plan_link){
					.name = real_name(c, find_draft(c, "default"), "default"),
				});
	for (size_t i = 0; i < draft->networks.n && r == 0; i++) {
		const struct draft_attachment *attachment = &draft->networks.items[i];
		const struct draft_network *network = find_draft(c, attachment->network);
		if (!network && strcmp(attachment->network, "default") != 0) {
			report_undefined(c, service, attachment);
			continue;
		}
		r = add_link(c, service,
			     (struct plan_link){
				     .attachment = attachment,
				     .name = real_name(c, network, attachment->network),
			     });
	}
	return r;
}

/* ---- network_mode ---- */

static const struct plan_service *find_active(const struct assembly *plan, const char *name)
{
	for (size_t i = 0; i < plan->services.n; i++)
		if (strcmp(plan->services.items[i].draft->name, name) == 0)
			return &plan->services.items[i];
	return NULL;
}

static const struct plan_service *find_container(const struct assembly *plan, const char *name)
{
	for (size_t i = 0; i < plan->services.n; i++) {
		const char *own = plan->services.items[i].draft->container_name.text;
		if (own && strcmp(own, name) == 0)
			return &plan->services.items[i];
	}
	return NULL;
}

static int share_container(struct compose *c, struct plan_service *service, const char *name)
{
	char id[WORLD_ID_LEN];

	if (!name)
		return -ENOMEM;
	compose_make_id("container", name, id);
	service->network_mode = arena_printf(c->arena, "container:%s", id);
	return service->network_mode ? 0 : -ENOMEM;
}

static int share_service(struct compose *c, const struct assembly *plan,
			 struct plan_service *service, const char *name)
{
	const struct plan_service *other = find_active(plan, name);
	const struct draft_text *mode = &service->draft->network_mode;
	char word[TEXT_QUOTE_LEN];

	if (!other || other->replicas == 0 || other == service) {
		compose_report(c->diags, CF_UNDEFINED_SERVICE, mode->loc, NULL,
			       other == service ? "`%s` is the service itself"
						: "no active service is named `%s`",
			       text_quote(name, word));
		return 0;
	}
	return share_container(c, service, compose_container_name(c, other->draft, 1));
}

static int share(struct compose *c, const struct assembly *plan, struct plan_service *service)
{
	const struct draft_text *mode = &service->draft->network_mode;
	const char *colon = strchr(mode->text, ':');
	char word[TEXT_QUOTE_LEN];

	service->mode = PLAN_SHARED;
	service->network_mode = mode->text;
	if (text_begins(mode->text, "service:"))
		return share_service(c, plan, service, colon + 1);
	if (find_container(plan, colon + 1))
		return share_container(c, service, colon + 1);
	compose_report(c->diags, CF_FOREIGN_CONTAINER, mode->loc,
		       "its networks are this service's, and so is its tier",
		       "`%s` is in the network of the container `%s`, which is not known here",
		       service->draft->name, text_quote(colon + 1, word));
	return 0;
}

static int settle_mode(struct compose *c, const struct assembly *plan, struct plan_service *service)
{
	const struct draft_text *mode = &service->draft->network_mode;
	char word[TEXT_QUOTE_LEN];

	compose_about_service(c->diags, service->draft->name);
	if (!mode->text || !*mode->text)
		return join_networks(c, service);
	if (service->draft->networks.n)
		compose_report(c->diags, CF_NETWORK_MODE, mode->loc, "keep one of the two",
			       "`%s` has both `network_mode` and `networks`", service->draft->name);
	if (text_begins(mode->text, "service:") || text_begins(mode->text, "container:"))
		return share(c, plan, service);
	if (!compose_is_plain(mode->text)) {
		compose_report(c->diags, CF_BAD_VALUE, mode->loc, NULL,
			       "`network_mode` cannot be `%s`", text_quote(mode->text, word));
		return 0;
	}
	return add_link(c, service,
			(struct plan_link){ .name = strcmp(mode->text, "default") == 0
							    ? DOCKER_BRIDGE
							    : mode->text });
}

/* ---- the networks that are used ---- */

/* The definition of a network; *ret NULL: there is none (a network_mode may name any). */
static int find_by_name(struct compose *c, const char *name, const struct draft_network **ret)
{
	for (size_t i = 0; i < c->networks.n; i++) {
		const struct draft_network *draft = &c->networks.items[i];
		const char *own = real_name(c, draft, draft->key);
		if (!own)
			return -ENOMEM;
		if (strcmp(own, name) == 0) {
			*ret = draft;
			return 0;
		}
	}
	return 0;
}

static void describe(struct compose *c, struct plan_network *network)
{
	const struct draft_network *draft = network->draft;
	bool own = strcmp(network->name, DOCKER_BRIDGE) == 0;
	char word[TEXT_QUOTE_LEN];

	compose_about_network(c->diags, network->name);
	network->driver = draft && draft->driver.text && *draft->driver.text &&
					  strcmp(draft->driver.text, "default") != 0
				  ? draft->driver.text
				  : "bridge";
	compose_make_id("network", network->name, network->id);
	if (!compose_is_plain(network->name) || !compose_is_plain(network->driver))
		compose_report(c->diags, CF_BAD_NAME, network->loc, NULL,
			       "`%s` cannot be the name of a network or driver",
			       text_quote(network->name, word));
	if (!own && (!draft || draft->external.value))
		compose_report(c->diags, CF_EXTERNAL_NETWORK, network->loc,
			       "it is treated as a plain bridge network: an inventory of the host "
			       "would tell more",
			       "the network `%s` is made elsewhere: its driver, its subnets and "
			       "whether it is internal are not known here",
			       text_quote(network->name, word));
	if (strcmp(network->driver, "bridge") != 0)
		compose_report(c->diags, CF_UNMANAGED_DRIVER, network->loc,
			       "tiers apply only to networks of the driver `bridge`",
			       "the network `%s` does not use the driver bridge, so netd does not "
			       "filter it",
			       text_quote(network->name, word));
	else if (own)
		memcpy(network->bridge, "docker0", sizeof("docker0"));
	else
		world_bridge_default(network->bridge, network->id);
}

static void name_bridge(struct compose *c, struct plan_network *network)
{
	const struct draft_text *bridge = network->draft ? &network->draft->bridge : NULL;
	char word[TEXT_QUOTE_LEN];

	if (!bridge || !bridge->text || !*network->bridge)
		return;
	if (world_ifname_valid(bridge->text))
		memcpy(network->bridge, bridge->text, strlen(bridge->text) + 1);
	else
		compose_report(c->diags, CF_BAD_NAME, bridge->loc, "15 letters at most",
			       "`%s` cannot be the name of an interface",
			       text_quote(bridge->text, word));
}

static int add_network(struct compose *c, struct assembly *plan, const struct plan_service *service,
		       const struct plan_link *link)
{
	struct plan_network network = { .name = link->name, .loc = service->draft->loc };

	for (size_t i = 0; i < plan->networks.n; i++)
		if (strcmp(plan->networks.items[i].name, link->name) == 0)
			return 0;
	if (plan->networks.n == LIMIT_COMPOSE_NETWORKS) {
		compose_report(c->diags, CF_TOO_MANY, network.loc, NULL,
			       "there are more than %u networks", LIMIT_COMPOSE_NETWORKS);
		c->stopped = true;
		return 0;
	}
	if (find_by_name(c, link->name, &network.draft) < 0)
		return -ENOMEM;
	if (network.draft)
		network.loc = network.draft->loc;
	else if (service->draft->network_mode.text)
		network.loc = service->draft->network_mode.loc;
	return VEC_PUSH(c->arena, &plan->networks, network);
}

static bool is_implicit(const struct compose *c, const struct plan_network *network)
{
	size_t n = strlen(c->variables.project);

	return !network->draft && strncmp(network->name, c->variables.project, n) == 0 &&
	       strcmp(network->name + n, "_default") == 0;
}

/* The default network of a project that no file describes is known all the same. */
static const struct draft_network implicit = { .key = "default" };

static int by_name(const void *left, const void *right)
{
	const struct plan_network *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static void check_bridges(struct compose *c, const struct assembly *plan)
{
	for (size_t i = 0; i < plan->networks.n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct plan_network *a = &plan->networks.items[k];
			const struct plan_network *b = &plan->networks.items[i];
			if (*b->bridge && strcmp(a->bridge, b->bridge) == 0)
				compose_report(c->diags, CF_SAME_ADDRESS, b->loc, NULL,
					       "two networks have the interface `%s`", b->bridge);
		}
}

static int gather(struct compose *c, struct assembly *plan)
{
	int r = 0;

	for (size_t i = 0; i < plan->services.n && r == 0; i++) {
		const struct plan_service *service = &plan->services.items[i];
		for (size_t k = 0; k < service->links.n && r == 0 && !c->stopped; k++)
			r = add_network(c, plan, service, &service->links.items[k]);
	}
	if (plan->networks.n)
		qsort(plan->networks.items, plan->networks.n, sizeof(*plan->networks.items),
		      by_name);
	for (size_t i = 0; i < plan->networks.n; i++) {
		struct plan_network *network = &plan->networks.items[i];
		if (is_implicit(c, network))
			network->draft = &implicit;
		describe(c, network);
		name_bridge(c, network);
	}
	check_bridges(c, plan);
	return r;
}

static int by_network(const void *left, const void *right)
{
	const struct plan_link *a = left, *b = right;

	return (a->network > b->network) - (a->network < b->network);
}

static uint32_t network_index(const struct assembly *plan, const char *name)
{
	size_t lo = 0, hi = plan->networks.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(plan->networks.items[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

/* Two keys may stand for one network: a container is on it once. */
static void sort_links(const struct assembly *plan, struct plan_service *service)
{
	size_t kept = 0;

	for (size_t i = 0; i < service->links.n; i++)
		service->links.items[i].network = network_index(plan, service->links.items[i].name);
	if (service->links.n)
		qsort(service->links.items, service->links.n, sizeof(*service->links.items),
		      by_network);
	for (size_t i = 0; i < service->links.n; i++)
		if (kept == 0 ||
		    service->links.items[kept - 1].network != service->links.items[i].network)
			service->links.items[kept++] = service->links.items[i];
	service->links.n = kept;
	if (kept && !service->network_mode)
		service->network_mode = service->links.items[0].name;
}

int compose_plan_networks(struct compose *c, struct assembly *plan)
{
	int r = 0;

	for (size_t i = 0; i < plan->services.n && r == 0; i++)
		r = settle_mode(c, plan, &plan->services.items[i]);
	if (r == 0)
		r = gather(c, plan);
	for (size_t i = 0; i < plan->services.n && r == 0; i++)
		sort_links(plan, &plan->services.items[i]);
	return r;
}

/* ---- endpoints ---- */

static int add_endpoints(struct compose *c, struct assembly *plan, uint32_t container)
{
	const struct plan_service *service =
		&plan->services.items[plan->containers.items[container].service];
	int r = 0;

	for (size_t i = 0; i < service->links.n && r == 0; i++) {
		const struct plan_link *link = &service->links.items[i];
		struct plan_endpoint one = { .container = container,
					     .network = link->network,
					     .link = link };
		r = VEC_PUSH(c->arena, &plan->endpoints, one);
	}
	return r;
}

int compose_plan_endpoints(struct compose *c, struct assembly *plan)
{
	size_t total = 0;
	int r = 0;

	for (size_t i = 0; i < plan->services.n; i++) {
		const struct plan_service *service = &plan->services.items[i];
		total += service->links.n * service->replicas;
		if (total > LIMIT_COMPOSE_ENDPOINTS) {
			compose_report(
				c->diags, CF_TOO_MANY, service->draft->loc, NULL,
				"there are more than %u connections of containers to networks",
				LIMIT_COMPOSE_ENDPOINTS);
			return 0;
		}
	}
	for (size_t i = 0; i < plan->containers.n && r == 0; i++)
		r = add_endpoints(c, plan, (uint32_t)i);
	return r;
}
