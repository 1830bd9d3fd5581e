/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of a tier's `match` that meet nothing on a host, though something is called nearly so:
 * what compose puts before a name, a slip of the pen, an image without its tag. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/report/checking.h"

/* ---- names that are there ---- */

/* The i-th name of a kind, NULL where that object has none. */
typedef const char *name_fn(const struct world *world, size_t i);

static const char *network_name(const struct world *world, size_t i)
{
	return world->networks[i].name;
}

static const char *container_name(const struct world *world, size_t i)
{
	return world->containers[i].name;
}

static const char *image_name(const struct world *world, size_t i)
{
	return world->containers[i].image;
}

static const char *project_name(const struct world *world, size_t i)
{
	return world_label_value(&world->containers[i], COMPILE_LABEL_PROJECT);
}

static const char *service_name(const struct world *world, size_t i)
{
	return world_label_value(&world->containers[i], COMPILE_LABEL_SERVICE);
}

/* ---- what is nearly so ---- */

/* "shop_frontend" for `frontend`: compose names networks and containers after their project. */
static bool is_prefixed(const char *glob, const char *name)
{
	const char *end = strchr(name, '_');

	return end && end != name && text_glob(glob, end + 1);
}

/* "shop-web-1" for `web`. */
static bool is_of_service(const char *glob, const char *name)
{
	const char *begin = strchr(name, '-'), *end = strrchr(name, '-');
	char service[WORLD_TEXT_MAX + 1];

	if (!begin || begin == end)
		return false;
	size_t len = (size_t)(end - begin) - 1;
	memcpy(service, begin + 1, len);
	service[len] = '\0';
	return text_glob(glob, service);
}

/* "nginx" for `nginx:*`: Docker shows an image as it was asked for. */
static bool is_untagged(const char *glob, const char *name)
{
	char tagged[WORLD_TEXT_MAX + sizeof(":latest")];
	const char *slash = strrchr(name, '/');

	if (strchr(slash ? slash : name, ':') || strchr(name, '@'))
		return false;
	(void)snprintf(tagged, sizeof(tagged), "%s:latest", name);
	return text_glob(glob, tagged);
}

/* Another case, or up to two letters. */
static bool is_slip(const char *glob, const char *name)
{
	if (strpbrk(glob, "*?"))
		return false;
	return strcasecmp(glob, name) == 0 ||
	       (strlen(glob) > 3 && text_distance(glob, name, 2) <= 2);
}

/* A key of `match`, and in which ways a name may nearly meet it. */
static const struct match_key {
	const char *what; /* "network" */
	size_t offset;	  /* of the glob in struct policy_match */
	name_fn *name;
	bool of_networks; /* else of containers */
	bool (*nearly)(const char *glob, const char *name);
	const char *because;
} keys[] = {
	{ "network", offsetof(struct policy_match, network), network_name, true, is_prefixed,
	  "compose puts the project's name before it" },
	{ "container", offsetof(struct policy_match, container), container_name, false,
	  is_of_service, "a container is named after its project and service: say `compose`" },
	{ "image", offsetof(struct policy_match, image), image_name, false, is_untagged,
	  "it was asked for without a tag" },
	{ "project", offsetof(struct policy_match, compose_project), project_name, false, NULL,
	  NULL },
	{ "service", offsetof(struct policy_match, compose_service), service_name, false, NULL,
	  NULL },
};

static void check_key(const struct checking *c, const struct policy_match *match,
		      const struct match_key *key)
{
	const struct world *world = c->in->world;
	const char *glob = *(const char *const *)(const void *)((const char *)match + key->offset);
	size_t n = key->of_networks ? world->n_networks : world->n_containers;
	const char *near = NULL, *slip = NULL;

	for (size_t i = 0; glob && i < n; i++) {
		const char *name = key->name(world, i);
		if (!name)
			continue;
		if (text_glob(glob, name))
			return;
		if (!near && key->nearly && key->nearly(glob, name))
			near = name;
		if (!slip && is_slip(glob, name))
			slip = name;
	}
	if (!near && !slip)
		return;
	const char *hint =
		near ? arena_printf(c->diags->arena, "did you mean `%s`? %s", near, key->because)
		     : arena_printf(c->diags->arena, "did you mean `%s`?", slip);
	REPORT(c, WF_NEAR_MATCH, match->loc, hint, "no %s here is called `%s`", key->what, glob);
}

/* ---- containers in the network of another ---- */

static const struct policy_match *match_of(const struct policy_tier *tier,
					   const struct world_container *container)
{
	for (size_t m = 0; m < tier->n_matches; m++)
		if (compile_names_container(tier, &tier->matches[m], container))
			return &tier->matches[m];
	return NULL;
}

static bool has_member(const struct checking *c, uint32_t container, size_t tier)
{
	const struct world *world = c->in->world;
	bool found = false;

	for (size_t i = 0; i < world->n_endpoints && !found; i++) {
		const struct assignment *as = &c->in->compiled->assignments[i];
		found = world->endpoints[i].container == container && as->kind == ASSIGN_TIER &&
			as->tier == tier;
	}
	return found;
}

/* A tier names it, but its packets are those of the container whose network it is in. */
static void check_joined(const struct checking *c, const struct world_container *container)
{
	const struct policy *policy = c->in->policy;
	int owner = world_network_owner(c->in->world, container);

	for (size_t t = 0; t < policy->n_tiers && owner >= 0; t++) {
		const struct policy_match *match = match_of(&policy->tiers[t], container);
		const char *name = c->in->world->containers[owner].name;
		if (!match || has_member(c, (uint32_t)owner, t))
			continue;
		c->diags->about = (struct diag_subject){
			.tiers = &policy->tiers[t].name,
			.n_tiers = 1,
			.container = container->name,
			.service = world_label_value(container, COMPILE_LABEL_SERVICE)
		};
		REPORT(c, WF_JOINED_NETWORK, match->loc,
		       arena_printf(c->diags->arena, "match `%s` too, or name its tier in rules",
				    name),
		       "`%s` is in the network of `%s`: its packets are those of that container, "
		       "and are not in tier `%s`",
		       container->name, name, policy->tiers[t].name);
	}
}

int check_matches(const struct checking *c)
{
	const struct policy *policy = c->in->policy;

	for (size_t t = 0; t < policy->n_tiers; t++) {
		c->diags->about =
			(struct diag_subject){ .tiers = &policy->tiers[t].name, .n_tiers = 1 };
		for (size_t m = 0; m < policy->tiers[t].n_matches; m++)
			for (size_t k = 0; k < ARRAY_LEN(keys); k++)
				check_key(c, &policy->tiers[t].matches[m], &keys[k]);
	}
	for (size_t i = 0; i < c->in->world->n_containers; i++)
		check_joined(c, &c->in->world->containers[i]);
	return c->diags->out_of_memory ? -ENOMEM : 0;
}
