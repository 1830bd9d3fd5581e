/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which services run, how often, from which image, with which labels; and their containers. */
#include "core/compose/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"

bool compose_is_plain(const char *text)
{
	return *text && strlen(text) <= WORLD_TEXT_MAX && text_is_printable(text);
}

/* ---- profiles ---- */

/* A list of COMPOSE_PROFILES, with blanks around its words; an empty one has the word "". */
static bool is_listed(const char *list, const char *word)
{
	static const char blanks[] = " \t\r\n\v\f";
	size_t len = strlen(word);

	for (const char *next = list; next; list = next) {
		size_t n = strcspn(list, ",");
		next = list[n] ? list + n + 1 : NULL;
		size_t skip = strspn(list, blanks);
		list += skip < n ? skip : n;
		n -= skip < n ? skip : n;
		while (n && strchr(blanks, list[n - 1]))
			n--;
		if (n == len && memcmp(list, word, len) == 0)
			return true;
	}
	return false;
}

static bool profile_is_active(const struct compose *c, const char *profile)
{
	const char *variable;

	for (size_t i = 0; i < c->in->n_profiles; i++)
		if (strcmp(c->in->profiles[i], profile) == 0 ||
		    strcmp(c->in->profiles[i], "*") == 0)
			return true;
	if (c->in->n_profiles)
		return false;
	variable = compose_variable_value(&c->variables, "COMPOSE_PROFILES", 16);
	return is_listed(variable ? variable : "", profile) ||
	       is_listed(variable ? variable : "", "*");
}

static bool has_active_profile(const struct compose *c, const struct draft_service *service)
{
	for (size_t i = 0; i < service->profiles.n; i++)
		if (profile_is_active(c, service->profiles.items[i].text))
			return true;
	return service->profiles.n == 0 || c->canonical;
}

bool compose_service_is_active(const struct compose *c, const struct draft_service *service)
{
	return has_active_profile(c, service) || service->enabled;
}

/* ---- one service ---- */

static uint32_t count_replicas(struct compose *c, const struct draft_service *service)
{
	const struct draft_number *scale = &service->scale, *replicas = &service->replicas;
	const struct draft_number *n = scale->set ? scale : replicas;
	char place[DIAG_PLACE_LEN];

	if (scale->set && replicas->set && scale->value != replicas->value)
		compose_report(c->diags, CF_CONFLICTING_VALUE, scale->loc, "keep one of the two",
			       "`scale` is %u, and `replicas` %s is %u", scale->value,
			       diag_place(scale->loc, replicas->loc, place), replicas->value);
	if (!n->set)
		return 1;
	if (n->value > LIMIT_COMPOSE_REPLICAS) {
		compose_report(c->diags, CF_TOO_MANY, n->loc, NULL,
			       "there are more than %u containers of one service",
			       LIMIT_COMPOSE_REPLICAS);
		return 1;
	}
	if (n->value > 1 && service->container_name.text)
		compose_report(c->diags, CF_REPLICAS, service->container_name.loc,
			       "leave `container_name` out: compose numbers them",
			       "%u containers of `%s` cannot have one name", n->value,
			       service->name);
	return n->value;
}

/* "nginx:1.27", "registry:5000/nginx@sha256:…"; a colon before a slash is a port's. */
static bool is_tagged(const char *image)
{
	const char *slash = strrchr(image, '/');

	return strpbrk(slash ? slash + 1 : image, ":@") != NULL;
}

/* As compose names what it builds. */
static int find_service_image(struct compose *c, struct plan_service *plan)
{
	const struct draft_service *service = plan->draft;
	char word[TEXT_QUOTE_LEN];

	plan->image = service->image.text ? service->image.text : "";
	if (service->image.unknown)
		compose_report(c->diags, CF_UNKNOWN_VALUE, service->image.loc,
			       "give the variable a value if a tier matches this image",
			       "the image of `%s` depends on a variable without a value",
			       service->name);
	else if (*plan->image && !compose_is_plain(plan->image))
		compose_report(c->diags, CF_BAD_VALUE, service->image.loc, NULL,
			       "`%s` cannot be the name of an image",
			       text_quote(plan->image, word));
	else if (!*plan->image && service->build.set)
		plan->image = arena_printf(c->arena, "%s-%s", c->variables.project, service->name);
	else if (!*plan->image && !service->provider.set)
		compose_report(c->diags, CF_NO_IMAGE, service->loc, "add `image:` or `build:`",
			       "`%s` has neither an image nor a build", service->name);
	else if (*plan->image && !service->build.set && !is_tagged(plan->image))
		compose_report(c->diags, CF_UNTAGGED_IMAGE, service->image.loc,
			       compose_hint(c->diags, "write `%s:` and the version, or a digest",
					    text_quote(plan->image, word)),
			       "`%s` runs an image without a tag: what that is can change although "
			       "this file does not",
			       service->name);
	return plan->image ? 0 : -ENOMEM;
}

static int by_key(const void *left, const void *right)
{
	const struct draft_label *a = left, *b = right;
	int order = strcmp(a->key, b->key);

	return order ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

/* The last of each key, sorted; compose's own labels beat all. */
static int settle_labels(struct compose *c, struct plan_service *plan)
{
	size_t n = plan->draft->labels.n, kept = 0;
	struct draft_label own[] = {
		{ "com.docker.compose.project", c->variables.project, n },
		{ "com.docker.compose.service", plan->draft->name, n },
	};
	struct draft_label *drafts = arena_alloc(c->arena, (n + 2) * sizeof(*drafts));
	struct world_label *labels = arena_alloc(c->arena, (n + 2) * sizeof(*labels));

	if (!drafts || !labels)
		return -ENOMEM;
	if (n)
		memcpy(drafts, plan->draft->labels.items, n * sizeof(*drafts));
	memcpy(&drafts[n], own, sizeof(own));
	n += ARRAY_LEN(own);
	qsort(drafts, n, sizeof(*drafts), by_key);
	for (size_t i = 0; i < n; i++) {
		bool last = i + 1 == n || strcmp(drafts[i].key, drafts[i + 1].key) != 0;
		if (last && drafts[i].value && *drafts[i].key)
			labels[kept++] = (struct world_label){ .key = drafts[i].key,
							       .value = drafts[i].value };
	}
	plan->labels = labels;
	plan->n_labels = kept;
	return 0;
}

static int add_service(struct compose *c, struct assembly *plan, const struct draft_service *draft)
{
	struct plan_service service = { .draft = draft };

	compose_about_service(c->diags, draft->name);
	int r = find_service_image(c, &service);

	if (r == 0)
		r = settle_labels(c, &service);
	service.replicas = count_replicas(c, draft);
	for (size_t i = 0; i < draft->label_files.n; i++)
		compose_report(c->diags, CF_UNKNOWN_VALUE, draft->label_files.items[i].loc,
			       "write the labels that tiers match under `labels`",
			       "the labels that `%s` takes from a file are not known here",
			       draft->name);
	if (draft->provider.set) { /* a program outside Docker stands for it */
		compose_report(c->diags, CF_UNKNOWN_VALUE, draft->provider.loc, NULL,
			       "what the provider of `%s` makes is not known here", draft->name);
		service.replicas = 0;
	}
	return r ? r : VEC_PUSH(c->arena, &plan->services, service);
}

int compose_plan_services(struct compose *c, struct assembly *plan)
{
	int r = 0;

	for (size_t i = 0; i < c->services.n && r == 0; i++) {
		const struct draft_service *draft = &c->services.items[i];
		if (compose_service_is_active(c, draft) &&
		    (c->in->n_services == 0 || draft->wanted))
			r = add_service(c, plan, draft);
	}
	if (r == 0 && plan->services.n == 0)
		compose_report(c->diags, CF_NO_SERVICE,
			       c->services.n ? c->services.items[0].loc
					     : (struct source_loc){ c->in->sources[0].name, 1, 1 },
			       "name the profiles that run on this host with COMPOSE_PROFILES",
			       "no service is active: there is none, or all are in profiles");
	return r;
}

/* ---- containers ---- */

/* A hash with a last mixing, four times from different starts. */
void compose_make_id(const char *kind, const char *name, char ret[WORLD_ID_LEN])
{
	static const char hex[] = "0123456789abcdef";
	const char *const parts[] = { kind, "/", name };

	for (uint64_t k = 0; k < 4; k++) {
		uint64_t hash = HASH_BEGIN ^ (k * 0x9e3779b97f4a7c15u);
		for (size_t i = 0; i < ARRAY_LEN(parts); i++)
			hash = hash_add(hash, parts[i], strlen(parts[i]));
		hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
		hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
		hash ^= hash >> 31;
		for (size_t i = 0; i < 16; i++)
			ret[k * 16 + i] = hex[hash >> (60 - 4 * i) & 15];
	}
	ret[WORLD_ID_LEN - 1] = '\0';
}

const char *compose_container_name(struct compose *c, const struct draft_service *service,
				   uint32_t number)
{
	if (service->container_name.text)
		return service->container_name.text;
	return arena_printf(c->arena, "%s-%s-%u", c->variables.project, service->name, number);
}

static int by_name(const void *left, const void *right)
{
	const struct plan_container *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->service > b->service) - (a->service < b->service);
}

static void check_names(struct compose *c, const struct assembly *plan)
{
	const struct plan_container *all = plan->containers.items;
	char place[DIAG_PLACE_LEN];

	for (size_t i = 1; i < plan->containers.n; i++)
		if (strcmp(all[i - 1].name, all[i].name) == 0 &&
		    all[i - 1].service != all[i].service)
			compose_report(c->diags, CF_SAME_NAME, all[i].loc,
				       "the names of containers must be unique on a host",
				       "the container `%s` is already defined %s", all[i].name,
				       diag_place(all[i].loc, all[i - 1].loc, place));
}

static int add_containers(struct compose *c, struct assembly *plan, size_t service)
{
	const struct draft_service *draft = plan->services.items[service].draft;
	const struct draft_text *named = &draft->container_name;
	char word[TEXT_QUOTE_LEN];
	int r = 0;

	if (named->text && (!compose_is_name(named->text) || !compose_is_plain(named->text)))
		compose_report(c->diags, CF_BAD_NAME, named->loc,
			       "letters, digits, `-`, `_` and `.`, the first a letter or digit",
			       "`%s` cannot be the name of a container",
			       text_quote(named->text, word));
	for (uint32_t k = 1; k <= plan->services.items[service].replicas && r == 0; k++) {
		struct plan_container one = { .service = service,
					      .number = k,
					      .name = compose_container_name(c, draft, k),
					      .loc = named->text ? named->loc : draft->loc };
		if (!one.name)
			return -ENOMEM;
		compose_make_id("container", one.name, one.id);
		r = VEC_PUSH(c->arena, &plan->containers, one);
	}
	return r;
}

int compose_plan_containers(struct compose *c, struct assembly *plan)
{
	size_t total = 0;
	int r = 0;

	for (size_t i = 0; i < plan->services.n; i++)
		total += plan->services.items[i].replicas;
	if (total > LIMIT_COMPOSE_ENDPOINTS) {
		compose_report(c->diags, CF_TOO_MANY, plan->services.items[0].draft->loc, NULL,
			       "there are more than %u containers", LIMIT_COMPOSE_ENDPOINTS);
		return 0;
	}
	for (size_t i = 0; i < plan->services.n && r == 0; i++)
		r = add_containers(c, plan, i);
	if (r == 0 && plan->containers.n)
		qsort(plan->containers.items, plan->containers.n, sizeof(*plan->containers.items),
		      by_name);
	check_names(c, plan);
	return r;
}
