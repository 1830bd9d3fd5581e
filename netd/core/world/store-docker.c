/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's answers into the store: parsed in a scratch arena, staged, committed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/world/docker-json.h"
#include "core/world/store-stage.h"
#include "core/world/world-store.h"

static int outcome(const struct world_docker_answer *answer, int r, const char **error)
{
	if (r == WORLD_E_INVALID)
		*error = answer->error;
	return r;
}

/* ---- networks ---- */

/* Those that the commit brings come back. What was seen after the list was asked for is newer than
 * the list. */
static void mark_all_gone(struct world_store *store, struct store_table *table)
{
	store->is_stale = true;
	for (size_t i = 0; i < table->n; i++)
		table->by_id[i]->gone = table->by_id[i]->asked <= store->asked;
}

/* No list shows sandboxes: they are there for as long as a network has them. */
static void keep_sandboxes(struct store_table *containers)
{
	for (size_t i = 0; i < containers->n; i++)
		if (store_is_sandbox((struct store_container *)containers->by_id[i]))
			containers->by_id[i]->gone = false;
}

int store_set_networks(struct world_store *store, struct world_docker_answer *answer,
		       store_networks_reader *read, const char **error)
{
	CLEANUP(arena_freep) struct arena *arena = answer->arena = arena_new();
	CLEANUP(store_stage_done) struct store_stage stage = { 0 };
	struct world_docker_network *networks;
	size_t n;
	int r = arena ? read(answer, &networks, &n) : -ENOMEM;

	if (r)
		return outcome(answer, r, error);
	r = store_stage_networks(store, &stage, n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = store_stage_network(&stage, &networks[i].facts, store->asked);
	if (r)
		return r;
	mark_all_gone(store, &store->networks);
	store->nameless[0] = (struct store_nameless){ answer->n_nameless, answer->nameless };
	store_stage_commit(store, &stage);
	return 0;
}

int world_store_set_networks(struct world_store *store, const char *json, size_t len,
			     const char **error)
{
	struct world_docker_answer answer = { .json = json, .len = len };

	return store_set_networks(store, &answer, world_docker_networks, error);
}

static bool has_endpoint(const struct store_stage *stage, const struct store_container *container)
{
	for (size_t i = 0; i < stage->n_endpoints; i++)
		if (stage->endpoints[i].container == container)
			return true;
	return false;
}

static uint64_t named_since(const struct store_network *network, uint64_t id)
{
	for (size_t i = 0; network && i < network->n_endpoints; i++)
		if (network->endpoints[i].id == id)
			return network->endpoints[i].named;
	return 0;
}

/* From Docker 28 on an endpoint is joined to its container some 70 ms after its port has come and
 * a few before the container runs; its name tells whose it is from the beginning. It is nobody's
 * where that could be several, and where there are no moments: in the store of a first reading. */
static void add_named(struct world_store *store, struct store_stage *stage,
		      const struct store_network *old, const struct world_docker_endpoint *from)
{
	struct store_container *container =
		(struct store_container *)store_find_name(&store->containers, from->name);
	uint64_t since = named_since(old, from->id);

	if (!container || !container->listed || from->id == 0 || has_endpoint(stage, container) ||
	    store->moment < store->asked)
		return;
	stage->endpoints[stage->n_endpoints++] = (struct store_endpoint){
		.container = container,
		.ipv4 = from->ipv4,
		.ipv6 = from->ipv6,
		.mac = from->mac,
		.id = from->id,
		.asked = store->asked,
		.named = since ? since : world_store_moment(store),
	};
}

/* Which network an answer seems to be about: what is known of it saves reading. */
static const struct store_network *find_told(const struct world_store *store,
					     const struct world_docker_answer *answer)
{
	struct json_span id;
	char copy[WORLD_ID_LEN] = "";

	if (!json_find_value((struct json_span){ answer->json, answer->len }, "Id", &id) ||
	    id.len < 2 || id.len - 2 >= sizeof(copy))
		return NULL;
	memcpy(copy, id.bytes + 1, id.len - 2);
	return (struct store_network *)store_find(&store->networks, copy);
}

/* What need not be read once more where the answer has it again. NULL: no memory. */
static const struct world_docker_known *find_known(const struct store_network *network,
						   struct arena *arena)
{
	size_t n = network ? network->n_endpoints : 0;
	struct world_docker_known *known = arena_alloc(arena, (n + 1) * sizeof(*known));

	for (size_t i = 0; known && i < n; i++) {
		const struct store_endpoint *endpoint = &network->endpoints[i];
		if (network->told)
			known[i].member = (struct json_span){ network->told + endpoint->told_at,
							      endpoint->told_len };
		known[i].container_id = endpoint->container->facts.id;
		known[i].kind = endpoint->container->facts.kind;
	}
	return known;
}

/* As store_stage_endpoint() would, of what is known. */
static void stage_known(const struct world_store *store, struct store_stage *stage,
			const struct store_endpoint *from)
{
	struct store_endpoint *endpoint = &stage->endpoints[stage->n_endpoints++];

	*endpoint = *from;
	endpoint->asked = from->id ? store->asked : 0;
}

static int stage_endpoints(struct world_store *store, struct store_stage *stage,
			   const struct world_docker_network *network,
			   const struct world_docker_known *known, const struct store_network *old)
{
	const struct json_span members = network->members;
	size_t n_new = 0;

	for (size_t i = 0; i < network->n_endpoints; i++)
		n_new += !network->endpoints[i].known;
	stage->endpoints =
		calloc(network->n_endpoints + network->n_named + 1, sizeof(*stage->endpoints));
	stage->told = malloc(members.len + 1);
	if (!stage->endpoints || !stage->told)
		return -ENOMEM;
	if (members.len)
		memcpy(stage->told, members.bytes, members.len);
	int r = store_stage_containers(store, stage, n_new);
	for (size_t i = 0; r == 0 && i < network->n_endpoints; i++) {
		const struct world_docker_endpoint *from = &network->endpoints[i];
		struct store_endpoint *endpoint = &stage->endpoints[stage->n_endpoints];
		if (from->known)
			stage_known(store, stage, &old->endpoints[from->known - known]);
		else
			r = store_stage_endpoint(store, stage, from);
		endpoint->told_len = (uint32_t)from->member.len;
		endpoint->told_at = (uint32_t)(from->member.bytes - members.bytes);
	}
	for (size_t i = 0; r == 0 && i < network->n_named; i++)
		add_named(store, stage, old, &network->named[i]);
	return r;
}

int world_store_put_network(struct world_store *store, const char *json, size_t len,
			    const char **error)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(store_stage_done) struct store_stage stage = { 0 };
	struct world_docker_answer answer = { .json = json, .len = len, .arena = arena };
	struct world_docker_network network;

	if (!arena)
		return -ENOMEM;
	const struct store_network *told = find_told(store, &answer);
	const struct world_docker_known *known = find_known(told, arena);
	if (!known)
		return -ENOMEM;
	int r = world_docker_network(&answer, known, told ? told->n_endpoints : 0, &network);
	if (r)
		return outcome(&answer, r, error);
	const struct store_network *old =
		told ? told
		     : (struct store_network *)store_find(&store->networks, network.facts.id);
	if (old && old->endpoints_asked > store->asked)
		return 0; /* overtaken */
	r = store_stage_networks(store, &stage, 1);
	if (r == 0)
		r = store_stage_network(&stage, &network.facts, store->asked);
	if (r == 0)
		r = stage_endpoints(store, &stage, &network, known, old);
	if (r)
		return r;
	store_stage_commit(store, &stage);
	return 0;
}

/* ---- containers ---- */

static int add_container(struct store_stage *stage, const struct world_container *facts,
			 const struct store_ports *configured, uint64_t asked)
{
	struct store_container *fresh = store_container_new(facts, configured);

	if (!fresh)
		return -ENOMEM;
	fresh->listed = true;
	fresh->object.asked = asked;
	stage->containers[stage->n_containers++] = fresh;
	return 0;
}

/* Docker chooses the host port when the container starts. */
static bool has_open_choice(const struct world_published *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i].host_port == 0)
			return true;
	return false;
}

/* What was asked for, before an inspect has told it. */
static const struct store_ports not_told = { NULL, 0 };

static int add_listed(struct world_store *store, struct store_stage *stage,
		      const struct world_docker_container *from)
{
	const struct store_container *old =
		(struct store_container *)store_find(&store->containers, from->facts.id);
	struct world_container facts = from->facts;

	if (old && old->listed && old->object.asked > store->asked)
		return 0; /* overtaken */
	if (old) {	  /* what it was created with */
		facts.traits |= old->facts.traits;
		facts.dns = old->facts.dns;
		facts.n_dns = old->facts.n_dns;
		if (!*facts.network_mode)
			facts.network_mode = old->facts.network_mode;
		facts.inspected = old->facts.inspected;
		facts.posture = old->facts.posture;
	}
	facts.starting =
		!from->running &&
		(!facts.inspected || has_open_choice(old->configured.items, old->configured.n));
	if (!from->running)
		facts.n_published = 0; /* not bound any more, or not yet */
	return add_container(stage, &facts, old ? &old->configured : &not_told, store->asked);
}

static int put_containers(struct world_store *store, struct world_docker_answer *answer,
			  bool is_whole_list)
{
	CLEANUP(store_stage_done) struct store_stage stage = { 0 };
	struct world_docker_container *containers;
	size_t n;
	int r = world_docker_containers(answer, &containers, &n);

	if (r == 0)
		r = store_stage_containers(store, &stage, n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_listed(store, &stage, &containers[i]);
	if (r)
		return r;
	if (is_whole_list) {
		mark_all_gone(store, &store->containers);
		keep_sandboxes(&store->containers);
		store->nameless[1] =
			(struct store_nameless){ answer->n_nameless, answer->nameless };
	}
	store_stage_commit(store, &stage);
	return 0;
}

int world_store_set_containers(struct world_store *store, const char *json, size_t len,
			       const char **error)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_docker_answer answer = { .json = json, .len = len, .arena = arena };

	if (!arena)
		return -ENOMEM;
	return outcome(&answer, put_containers(store, &answer, true), error);
}

int world_store_put_containers(struct world_store *store, const char *json, size_t len,
			       const char **error)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_docker_answer answer = { .json = json, .len = len, .arena = arena };

	if (!arena)
		return -ENOMEM;
	return outcome(&answer, put_containers(store, &answer, false), error);
}

static bool same_ports(const struct store_ports *a, const struct store_ports *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = world_compare_published(&a->items[i], &b->items[i]) == 0;
	return same;
}

int world_store_put_inspect(struct world_store *store, const char *json, size_t len,
			    const char **error)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(store_stage_done) struct store_stage stage = { 0 };
	struct world_docker_answer answer = { .json = json, .len = len, .arena = arena };
	struct world_docker_inspect inspect;

	if (!arena)
		return -ENOMEM;
	int r = world_docker_inspect(&answer, &inspect);
	if (r)
		return outcome(&answer, r, error);
	const struct store_container *old =
		(struct store_container *)store_find(&store->containers, inspect.id);
	if (!old || !old->listed)
		return 0; /* removed meanwhile, or not listed yet */
	struct world_container facts = old->facts;
	facts.traits |= inspect.traits;
	facts.posture = inspect.posture;
	facts.dns = inspect.dns;
	facts.n_dns = inspect.n_dns;
	facts.inspected = true;
	if (!*facts.network_mode) /* podman's list has none */
		facts.network_mode = inspect.network_mode;
	facts.starting =
		!inspect.running && has_open_choice(inspect.configured, inspect.n_configured);
	facts.published = inspect.running ? inspect.bound : old->bound.items;
	facts.n_published = inspect.running ? inspect.n_bound : old->bound.n;
	const struct store_ports configured = { inspect.configured, inspect.n_configured };
	r = store_stage_containers(store, &stage, 1);
	if (r == 0)
		r = add_container(&stage, &facts, &configured, old->object.asked);
	if (r)
		return r;
	store->n_port_changes += !same_ports(&old->published, &stage.containers[0]->published);
	store->n_posture_changes += !posture_equal(&old->facts.posture, &facts.posture);
	store_stage_commit(store, &stage);
	return 0;
}

/* ---- no answer at all ---- */

int world_store_flaw_network(struct world_store *store, const char *id, const char *why)
{
	CLEANUP(store_stage_done) struct store_stage stage = { 0 };
	const struct store_network *old =
		(const struct store_network *)store_find(&store->networks, id);
	struct world_network facts = { .name = id, .driver = "bridge", .icc = true };

	if (old)
		facts = old->facts;
	else
		world_bridge_default(facts.bridge, id);
	world_id_copy(facts.id, id);
	facts.flaw = why;
	stage.endpoints = calloc(1, sizeof(*stage.endpoints)); /* none is known any more */
	int r = stage.endpoints ? store_stage_networks(store, &stage, 1) : -ENOMEM;
	if (r == 0)
		r = store_stage_network(&stage, &facts, store->asked);
	if (r == 0)
		store_stage_commit(store, &stage);
	return r;
}

int world_store_flaw_container(struct world_store *store, const char *id, const char *why)
{
	CLEANUP(store_stage_done) struct store_stage stage = { 0 };
	const struct store_container *old =
		(const struct store_container *)store_find(&store->containers, id);
	struct world_container facts = { .name = id, .image = "", .network_mode = "" };

	if (old)
		facts = old->facts;
	world_id_copy(facts.id, id);
	facts.known = false;
	facts.flaw = why;
	facts.published = old ? old->bound.items : NULL;
	facts.n_published = old ? old->bound.n : 0;
	int r = store_stage_containers(store, &stage, 1);
	if (r == 0)
		r = add_container(&stage, &facts, old ? &old->configured : NULL, store->asked);
	if (r == 0)
		store_stage_commit(store, &stage);
	return r;
}

/* ---- a snapshot instead of Docker ---- */

#define FOREVER UINT64_MAX /* there is nobody to ask again */

static int add_known(struct store_stage *stage, const struct world *world)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < world->n_networks; i++)
		r = store_stage_network(stage, &world->networks[i], 0);
	for (size_t i = 0; r == 0 && i < world->n_containers; i++) {
		struct world_container facts = world->containers[i];
		facts.image_id[0] = '\0'; /* nobody can be asked whose its labels are */
		r = add_container(stage, &facts, NULL, FOREVER);
	}
	return r;
}

/* The endpoints of each network, straight into the fresh records. */
static int add_known_endpoints(struct store_stage *stage, const struct world *world)
{
	CLEANUP(free_ptr) size_t *counts = calloc(world->n_networks + 1, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_endpoints; i++)
		counts[world->endpoints[i].network]++;
	for (size_t i = 0; i < world->n_networks; i++) {
		stage->networks[i]->endpoints =
			calloc(counts[i] + 1, sizeof(struct store_endpoint));
		if (!stage->networks[i]->endpoints)
			return -ENOMEM;
	}
	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *from = &world->endpoints[i];
		struct store_network *network = stage->networks[from->network];
		struct store_container *container = stage->containers[from->container];
		network->endpoints[network->n_endpoints++] =
			(struct store_endpoint){ .container = container,
						 .ipv4 = from->ipv4,
						 .ipv6 = from->ipv6,
						 .mac = from->mac,
						 .id = from->id,
						 .asked = FOREVER,
						 .gw_priority = from->gw_priority };
		container->n_endpoints++;
	}
	return 0;
}

int world_store_load(struct world_store *store, const struct world *world)
{
	CLEANUP(store_stage_done) struct store_stage stage = { 0 };
	struct world_store *fresh = world_store_new();

	if (!fresh)
		return -ENOMEM;
	int r = store_stage_networks(fresh, &stage, world->n_networks);
	if (r == 0)
		r = store_stage_containers(fresh, &stage, world->n_containers);
	if (r == 0)
		r = add_known(&stage, world);
	if (r == 0)
		r = add_known_endpoints(&stage, world);
	if (r == 0 && world->n_resolvers)
		r = world_store_set_resolvers(store, world->resolvers, world->n_resolvers);
	if (r == 0 && world->n_members)
		r = world_store_set_members(store, world->members, world->n_members);
	if (r == 0)
		r = store_set_host_addresses(store, world->host_addrs, world->n_host_addrs);
	if (r == 0) {
		store_stage_commit(fresh, &stage);
		world_store_replace(store, fresh);
		memcpy(store->unfiltered, world->unfiltered, sizeof(store->unfiltered));
		world_store_set_docker(store, world->no_proxy, world->dns_by_docker);
		world_store_set_engine(store, world->engine ? world->engine : "");
	}
	(void)world_store_free(fresh);
	return r;
}
