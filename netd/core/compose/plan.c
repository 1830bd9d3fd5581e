/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which services run, how often, from which image, with which labels; and their containers. */
#include "core/compose/plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/compose/value.h"

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

static const struct draft_number *wanted_replicas(const struct draft_service *service)
{
	return service->scale.set ? &service->scale : &service->replicas;
}

/* Of each active service, started or not: compose refuses the project. */
static void check_replicas(struct compose *c, const struct draft_service *service)
{
	const struct draft_number *scale = &service->scale, *replicas = &service->replicas;
	uint32_t n = wanted_replicas(service)->value;
	char place[DIAG_PLACE_LEN];

	if (scale->set && replicas->set && scale->value != replicas->value)
		compose_report(c, CF_CONFLICTING_VALUE, scale->loc, "keep one of the two",
			       "`scale` is %u, and `replicas` %s is %u", scale->value,
			       diag_place(scale->loc, replicas->loc, place), replicas->value);
	if (n > 1 && service->container_name.text)
		compose_report(c, CF_REPLICAS, service->container_name.loc,
			       "leave `container_name` out: compose numbers them",
			       "%u containers of `%s` cannot have one name", n, service->name);
}

static uint32_t count_replicas(struct compose *c, const struct draft_service *service)
{
	const struct draft_number *n = wanted_replicas(service);

	if (service->provider.set) /* a program outside Docker stands for it */
		return 0;
	if (n->value > LIMIT_COMPOSE_REPLICAS)
		compose_report(c, CF_TOO_MANY, n->loc, NULL,
			       "there are more than %u containers of one service",
			       LIMIT_COMPOSE_REPLICAS);
	return n->set && n->value <= LIMIT_COMPOSE_REPLICAS ? n->value : 1;
}

/* "nginx:1.27", "registry:5000/nginx@sha256:…"; a colon before a slash is a port's. */
static bool is_tagged(const char *image)
{
	const char *slash = strrchr(image, '/');

	return strpbrk(slash ? slash + 1 : image, ":@") != NULL;
}

static const char *find_service_image(struct compose *c, const struct draft_service *service)
{
	const char *image = service->image.text ? service->image.text : "";

	if (service->image.unknown)
		compose_report(c, CF_UNKNOWN_VALUE, service->image.loc,
			       "give the variable a value if a tier matches this image",
			       "the image of `%s` depends on a variable without a value",
			       service->name);
	else if (!*image && service->build.set) /* as compose names what it builds */
		return compose_printf(c, "%s-%s", c->variables.project, service->name);
	else if (*image && !compose_is_plain(image))
		compose_report(c, CF_BAD_VALUE, service->image.loc, NULL,
			       "`%s` cannot be the name of an image", compose_quote(c, image));
	else if (*image && !service->build.set && !is_tagged(image))
		compose_report(c, CF_UNTAGGED_IMAGE, service->image.loc,
			       compose_hint(c, "write `%s:` and the version, or a digest",
					    compose_quote(c, image)),
			       "`%s` runs an image without a tag: what that is can change although "
			       "this file does not",
			       service->name);
	return image;
}

static int by_key(const void *left, const void *right)
{
	const struct draft_label *a = left, *b = right;
	int order = strcmp(a->key, b->key);

	return order ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

/* The last of each key, sorted; compose's own labels beat all. */
static void settle_labels(struct compose *c, const struct draft_service *draft,
			  struct world_container *facts)
{
	const struct draft_label *written = draft->labels.items;
	size_t n = draft->labels.n, kept = 0;
	struct draft_label *all = compose_alloc(c, (n + 2) * sizeof(*all));
	struct world_label *labels = compose_alloc(c, (n + 2) * sizeof(*labels));

	if (!all || !labels)
		return;
	for (size_t i = 0; i < n; i++)
		all[i] = written[i];
	all[n] = (struct draft_label){ "com.docker.compose.project", c->variables.project, n };
	all[n + 1] = (struct draft_label){ "com.docker.compose.service", draft->name, n };
	qsort(all, n + 2, sizeof(*all), by_key);
	for (size_t i = 0; i < n + 2; i++) {
		bool last = i + 1 == n + 2 || strcmp(all[i].key, all[i + 1].key) != 0;
		if (last && all[i].value && *all[i].key)
			labels[kept++] = (struct world_label){ all[i].key, all[i].value, 0 };
	}
	facts->labels = labels;
	facts->n_labels = kept;
}

static void read_resolvers(struct compose *c, const struct draft_texts *texts,
			   struct world_container *facts)
{
	struct ip_addr *all = compose_alloc(c, texts->n * sizeof(*all));

	for (size_t i = 0; all && i < texts->n; i++)
		facts->n_dns += ip_parse(texts->items[i].text, &all[facts->n_dns]) == 0;
	facts->dns = all;
}

static void add_service(struct compose *c, struct assembly *plan, const struct draft_service *draft)
{
	struct plan_service service = {
		.draft = draft,
		.facts = { .network_mode = "", .inspected = true, .known = true },
	};

	service.facts.image = find_service_image(c, draft);
	service.replicas = count_replicas(c, draft);
	settle_labels(c, draft, &service.facts);
	read_resolvers(c, &draft->dns, &service.facts);
	for (size_t i = 0; i < draft->label_files.n; i++)
		compose_report(c, CF_UNKNOWN_VALUE, draft->label_files.items[i].loc,
			       "write the labels that tiers match under `labels`",
			       "the labels that `%s` takes from a file are not known here",
			       draft->name);
	if (draft->provider.set)
		compose_report(c, CF_UNKNOWN_VALUE, draft->provider.loc, NULL,
			       "what the provider of `%s` makes is not known here", draft->name);
	COMPOSE_PUSH(c, &plan->services, service);
}

void compose_plan_services(struct compose *c, struct assembly *plan)
{
	struct source_loc loc = { c->in->sources[0].name, 1, 1 };

	for (size_t i = 0; i < c->services.n; i++) {
		const struct draft_service *draft = &c->services.items[i];
		if (!compose_service_is_active(c, draft))
			continue;
		compose_about_service(c, draft->name);
		check_replicas(c, draft);
		if (c->in->n_services == 0 || draft->wanted)
			add_service(c, plan, draft);
	}
	if (plan->services.n == 0)
		compose_report(c, CF_NO_SERVICE, c->services.n ? c->services.items[0].loc : loc,
			       "name the profiles that run on this host with COMPOSE_PROFILES",
			       "no service is active: there is none, or all are in profiles");
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
	return compose_printf(c, "%s-%s-%u", c->variables.project, service->name, number);
}

static struct source_loc place_of(const struct plan_container *container)
{
	const struct draft_service *draft = container->service->draft;

	return draft->container_name.text ? draft->container_name.loc : draft->loc;
}

static int by_name(const void *left, const void *right)
{
	const struct plan_container *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->service > b->service) - (a->service < b->service);
}

/* Two services cannot have one `container_name`, even where no container of them runs. */
static bool is_same_name(const struct plan_container *a, const struct plan_container *b)
{
	bool given =
		a->service->draft->container_name.text && b->service->draft->container_name.text;

	return strcmp(a->name, b->name) == 0 && a->service != b->service &&
	       (given || (a->service->replicas && b->service->replicas));
}

static void check_names(struct compose *c, const struct assembly *plan)
{
	const struct plan_container *all = plan->containers.items;
	char place[DIAG_PLACE_LEN];

	for (size_t i = 1; i < plan->containers.n; i++)
		if (is_same_name(&all[i - 1], &all[i]))
			compose_report(c, CF_SAME_NAME, place_of(&all[i]),
				       "the names of containers must be unique on a host",
				       "the container `%s` is already defined %s", all[i].name,
				       diag_place(place_of(&all[i]), place_of(&all[i - 1]), place));
}

static void add_containers(struct compose *c, struct assembly *plan,
			   const struct plan_service *service)
{
	const struct draft_text *named = &service->draft->container_name;
	const char *name = named->text;

	if (name && (!compose_is_name(name) || !compose_is_plain(name) || strlen(name) < 2))
		compose_report(c, CF_BAD_NAME, named->loc,
			       "two or more letters, digits, `-`, `_` and `.`, the first a letter "
			       "or digit",
			       "`%s` cannot be the name of a container", compose_quote(c, name));
	uint32_t n = name && !service->replicas ? 1 : service->replicas;
	for (uint32_t k = 1; k <= n; k++) {
		struct plan_container one = { service,
					      compose_container_name(c, service->draft, k) };
		COMPOSE_PUSH(c, &plan->containers, one);
	}
}

void compose_plan_containers(struct compose *c, struct assembly *plan)
{
	size_t total = 0;

	for (size_t i = 0; i < plan->services.n; i++)
		total += plan->services.items[i].replicas;
	if (total > LIMIT_COMPOSE_ENDPOINTS) {
		compose_report(c, CF_TOO_MANY, plan->services.items[0].draft->loc, NULL,
			       "there are more than %u containers", LIMIT_COMPOSE_ENDPOINTS);
		return;
	}
	for (size_t i = 0; i < plan->services.n; i++)
		add_containers(c, plan, &plan->services.items[i]);
	if (plan->containers.n)
		qsort(plan->containers.items, plan->containers.n, sizeof(*plan->containers.items),
		      by_name);
	check_names(c, plan);
	total = 0;
	for (size_t i = 0; i < plan->containers.n; i++) /* without those that were names alone */
		if (plan->containers.items[i].service->replicas)
			plan->containers.items[total++] = plan->containers.items[i];
	plan->containers.n = total;
}
