/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers that are one thing to whoever runs them, and how a policy names them: by what stays
 * when they are made anew. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/flow/labels.h"
#include "core/suggest/gone.h"

/* ---- names that are numbered, and names that are made up ---- */

/* The length of "web-" in "web-2"; 0: it is not numbered. */
static size_t stem_len(const char *name)
{
	size_t len = strlen(name), end = len;

	while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
		end--;
	return end < len && end > 1 && strchr("-_.", name[end - 1]) ? end : 0;
}

static bool is_numbered_like(const char *name, const char *stem, size_t len)
{
	return stem_len(name) == len && strncmp(name, stem, len) == 0;
}

/* Whether "web-*" means replicas alone: at least two, all of one image. */
static bool is_replica(const struct world *world, const struct world_container *container)
{
	size_t len = suggest_is_literal(container->name) ? stem_len(container->name) : 0, n = 0;

	for (size_t i = 0; len && i < world->n_containers; i++) {
		const struct world_container *other = &world->containers[i];
		if (strncmp(other->name, container->name, len) != 0)
			continue;
		if (!is_numbered_like(other->name, container->name, len) ||
		    strcmp(other->image, container->image) != 0)
			return false;
		n++;
	}
	return n > 1;
}

/* An image that nobody else has tells as much as a name. */
static bool is_alone_of_image(const struct world *world, const struct world_container *container)
{
	if (!suggest_is_literal(container->image) || strncmp(container->image, "sha256:", 7) == 0)
		return false;
	for (size_t i = 0; i < world->n_containers; i++)
		if (&world->containers[i] != container &&
		    strcmp(world->containers[i].image, container->image) == 0)
			return false;
	return true;
}

/* ---- what it is called ---- */

/* "postgres" of "ghcr.io/acme/postgres:16@sha256:…". */
static const char *image_name(const char *image, struct arena *arena)
{
	const char *slash = strrchr(image, '/');

	image = slash ? slash + 1 : image;
	return arena_strndup(arena, image, strcspn(image, ":@"));
}

static const char *image_repository(const char *image, struct arena *arena)
{
	size_t len = strcspn(image, "@");
	const char *slash = strrchr(image, '/');
	const char *tag = strchr(slash ? slash : image, ':');

	if (tag && (size_t)(tag - image) < len)
		len = (size_t)(tag - image);
	return arena_strndup(arena, image, len);
}

static const char *call_replica(const struct world_container *container, struct arena *arena)
{
	return arena_strndup(arena, container->name, stem_len(container->name) - 1);
}

/* After the name of its stack: "shop_web". */
static const char *call_task(const struct world_container *container, const char *service)
{
	const char *stack = suggest_own_label(container, FLOW_LABEL_STACK);
	size_t len = stack ? strlen(stack) : 0;

	return len && strncmp(service, stack, len) == 0 && service[len] == '_' && service[len + 1]
		       ? service + len + 1
		       : service;
}

/* ---- how a policy names it ---- */

static const char *match_service(const char *project, const char *service, struct arena *arena)
{
	const char *a = suggest_quote(project, arena), *b = suggest_quote(service, arena);

	return a && b ? arena_printf(arena, "compose: {project: %s, service: %s}", a, b) : NULL;
}

static const char *match_word(const char *key, const char *value, const char *end,
			      struct arena *arena)
{
	const char *text = arena_printf(arena, "%s%s", value, end);
	const char *quoted = text ? suggest_quote(text, arena) : NULL;

	return quoted ? arena_printf(arena, "%s: %s", key, quoted) : NULL;
}

static int name_container(const struct suggest *s, const struct world_container *container,
			  struct suggest_who *who)
{
	const char *service = suggest_own_label(container, COMPILE_LABEL_SERVICE);
	const char *project = suggest_own_label(container, COMPILE_LABEL_PROJECT);
	const char *task = suggest_own_label(container, FLOW_LABEL_SWARM_SERVICE);
	struct arena *arena = s->arena;

	if (service && project) {
		who->project = project;
		who->call = service;
		who->key = match_service(project, service, arena);
	} else if (task) {
		who->project = suggest_own_label(container, FLOW_LABEL_STACK);
		who->call = call_task(container, task);
		const char *quoted = suggest_quote(task, arena);
		who->key = quoted ? arena_printf(arena, "label: {" FLOW_LABEL_SWARM_SERVICE ": %s}",
						 quoted)
				  : NULL;
	} else if (is_replica(s->world, container)) {
		who->call = call_replica(container, arena);
		who->key = who->call ? match_word("container", who->call,
						  arena_printf(arena, "%c*",
							       container->name[strlen(who->call)]),
						  arena)
				     : NULL;
	} else if (suggest_looks_made_up(container->name) &&
		   is_alone_of_image(s->world, container)) {
		who->call = image_name(container->image, arena);
		who->key = match_word("image", container->image, "", arena);
	} else {
		who->call = container->name;
		who->key = match_word("container", container->name, "", arena);
		if (!suggest_is_literal(container->name))
			who->why_not = "its name has letters that no `match` takes";
		else if (suggest_is_gone(container) && suggest_looks_made_up(container->name))
			who->why_not = "its container is gone, and Docker had made up its name: "
				       "the next one has another";
	}
	return who->key && who->call ? 0 : -ENOMEM;
}

static int name_sandbox(const struct suggest *s, const struct world_container *container,
			struct suggest_who *who)
{
	const char *kind = world_kind_name(container->kind);

	who->call = container->kind == WORLD_BUILD ? "builds" : kind;
	who->key = arena_printf(s->arena, "endpoint: %s", kind);
	return who->key ? 0 : -ENOMEM;
}

/* The operator's own word for its tier. */
static const char *find_role(const struct world_container *container)
{
	for (size_t i = 0; i < container->n_labels; i++) {
		const char *key = container->labels[i].key;
		if (flow_label_is_role(key) && suggest_own_label(container, key))
			return suggest_own_label(container, key);
	}
	return NULL;
}

static const char *list_networks(const struct suggest *s, uint32_t container)
{
	struct text text CLEANUP(text_done) = { 0 };
	size_t n;
	uint32_t first = world_endpoints_of(s->world, container, &n);

	for (size_t i = first; i < first + n; i++)
		text_printf(&text, "%s\n", s->world->networks[s->world->endpoints[i].network].name);
	return text_failed(&text) ? NULL : arena_strdup(s->arena, text_str(&text));
}

static int describe(const struct suggest *s, uint32_t index, struct suggest_who *ret)
{
	const struct world_container *container = &s->world->containers[index];
	int r;

	*ret = (struct suggest_who){ .group = SUGGEST_NONE };
	r = container->kind == WORLD_CONTAINER ? name_container(s, container, ret)
					       : name_sandbox(s, container, ret);
	ret->image = image_repository(container->image, s->arena);
	ret->role = find_role(container);
	ret->networks = list_networks(s, index);
	return r == 0 && ret->image && ret->networks ? 0 : -ENOMEM;
}

/* ---- all of them ---- */

struct who_index {
	struct suggest *s;
	uint32_t *slots; /* of the whos, + 1, by the hash of their keys; a power of two of them */
	size_t mask;
};

static int index_make(struct suggest *s, struct who_index *ret)
{
	size_t size = 64;

	while (size < 4 * (s->world->n_endpoints + 1))
		size *= 2;
	*ret = (struct who_index){ s, arena_alloc(s->arena, size * sizeof(uint32_t)), size - 1 };
	return ret->slots ? 0 : -ENOMEM;
}

/* Adds it where it is new. */
static int index_find(struct who_index *index, const struct suggest_who *who, uint32_t *ret)
{
	struct suggest *s = index->s;
	size_t at = hash_text(who->key) & index->mask;

	for (; index->slots[at]; at = (at + 1) & index->mask) {
		const struct suggest_who *other = &s->whos.items[index->slots[at] - 1];
		if (other->in_force == who->in_force && strcmp(other->key, who->key) == 0)
			break;
	}
	if (!index->slots[at]) {
		if (VEC_PUSH(s->arena, &s->whos, *who) < 0)
			return -ENOMEM;
		index->slots[at] = (uint32_t)s->whos.n;
	}
	*ret = index->slots[at] - 1;
	return 0;
}

static const struct assignment *assignment_of(const struct suggest *s, uint32_t endpoint)
{
	return s->in_force ? &s->in_force->compiled->assignments[endpoint] : NULL;
}

static bool is_in_tier(const struct suggest *s, uint32_t endpoint)
{
	const struct assignment *assignment = assignment_of(s, endpoint);

	return assignment && assignment->kind == ASSIGN_TIER;
}

static int find_tier(struct who_index *index, uint32_t endpoint, uint32_t *ret)
{
	const struct policy *policy = index->s->in_force->policy;
	const char *name = policy->tiers[assignment_of(index->s, endpoint)->tier].name;
	struct suggest_who who = { .key = name,
				   .call = name,
				   .image = "",
				   .networks = "",
				   .in_force = true,
				   .group = SUGGEST_NONE,
				   .endpoint = endpoint };

	return index_find(index, &who, ret);
}

/* An entry that names containers would take them out of the tiers that their networks put them in:
 * where some are in one, the entry is for one network. */
static int narrow(const struct suggest *s, uint32_t endpoint, struct suggest_who *who)
{
	const char *name = s->world->networks[s->world->endpoints[endpoint].network].name;
	const char *quoted = suggest_quote(name, s->arena);

	if (!suggest_is_literal(name) && !who->why_not)
		who->why_not = "its network's name has letters that no `match` takes";
	who->key = quoted ? arena_printf(s->arena, "%s, network: %s", who->key, quoted) : NULL;
	return who->key ? 0 : -ENOMEM;
}

/* Which services have containers in tiers of the policy in force. */
static int mark_tiers(struct who_index *bases, const struct suggest_who *described, uint32_t *base)
{
	struct suggest *s = bases->s;

	for (uint32_t i = 0; i < s->world->n_endpoints; i++) {
		if (index_find(bases, &described[s->world->endpoints[i].container], &base[i]) < 0)
			return -ENOMEM;
		if (is_in_tier(s, i))
			s->whos.items[base[i]].in_tier = true;
	}
	return 0;
}

static int place_endpoint(struct who_index *index, const struct suggest_who *base,
			  uint32_t endpoint)
{
	struct suggest *s = index->s;
	struct suggest_who who = *base;
	uint32_t *ret = &s->who_of[endpoint];

	if (is_in_tier(s, endpoint))
		return find_tier(index, endpoint, ret);
	who.endpoint = endpoint;
	if (base->in_tier && narrow(s, endpoint, &who) < 0)
		return -ENOMEM;
	return index_find(index, &who, ret);
}

int suggest_find_whos(struct suggest *s)
{
	const struct world *world = s->world;
	struct suggest_who *described =
		arena_alloc(s->arena, world->n_containers * sizeof(*described));
	uint32_t *base = arena_alloc(s->arena, world->n_endpoints * sizeof(*base));
	struct who_index index;

	s->who_of = arena_alloc(s->arena, world->n_endpoints * sizeof(*s->who_of));
	int r = described && base && s->who_of ? index_make(s, &index) : -ENOMEM;
	for (uint32_t i = 0; i < world->n_containers && r == 0; i++)
		r = describe(s, i, &described[i]);
	if (r == 0)
		r = mark_tiers(&index, described, base);
	const struct suggest_who *bases = s->whos.items;
	s->whos.items = NULL;
	s->whos.n = s->whos.cap = 0;
	if (r == 0)
		r = index_make(s, &index);
	for (uint32_t i = 0; i < world->n_endpoints && r == 0; i++)
		r = place_endpoint(&index, &bases[base[i]], i);
	return r;
}

/* ---- ends of flows ---- */

static uint32_t endpoint_in_tier(const struct suggest *s, const struct flow_end *end)
{
	int tier =
		s->in_force && *end->tier ? policy_find_tier(s->in_force->policy, end->tier) : -1;
	uint32_t any = SUGGEST_NONE;

	for (uint32_t i = 0; tier >= 0 && i < s->world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &s->world->endpoints[i];
		if (!is_in_tier(s, i) || assignment_of(s, i)->tier != (uint32_t)tier)
			continue;
		if (strcmp(s->world->networks[endpoint->network].name, end->network) == 0)
			return i;
		any = any == SUGGEST_NONE ? i : any;
	}
	return any;
}

/* Whatever network it is on, the policy calls it the same. */
static bool is_one_who(const struct suggest *s, uint32_t first, size_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		if (s->who_of[i] != s->who_of[first])
			return false;
	return n > 0;
}

/* It may have left the network, where it was in another tier than it is in elsewhere. */
uint32_t suggest_endpoint_of(const struct suggest *s, const struct flow_end *end)
{
	int container = suggest_stand_in(s->world, end, s->arena);
	bool gone = container < 0 || suggest_is_gone(&s->world->containers[container]);
	uint32_t found = SUGGEST_NONE;
	size_t n = 0;

	uint32_t first = container < 0 ? 0 : world_endpoints_of(s->world, (uint32_t)container, &n);
	for (uint32_t i = first; i < first + n && found == SUGGEST_NONE; i++)
		if (strcmp(s->world->networks[s->world->endpoints[i].network].name, end->network) ==
		    0)
			found = i;
	uint32_t in_tier = gone || found == SUGGEST_NONE ? endpoint_in_tier(s, end) : SUGGEST_NONE;
	if (in_tier != SUGGEST_NONE || found != SUGGEST_NONE)
		return in_tier != SUGGEST_NONE ? in_tier : found;
	return is_one_who(s, first, n) ? first : SUGGEST_NONE;
}
