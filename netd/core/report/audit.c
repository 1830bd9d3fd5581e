/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What containers lack of the posture that the table of core/posture asks for, as findings. */
#include <string.h>

#include "core/report/report.h"

/* A network that all are on who name none: Docker's own bridge, and the one of a compose project.
 */
static bool is_default_network(const struct world_container *container, const char *network)
{
	const char *project = world_label_value(container, COMPILE_LABEL_PROJECT);
	size_t len = project ? strlen(project) : 0;

	if (strcmp(network, "bridge") == 0)
		return true;
	return project && strncmp(network, project, len) == 0 &&
	       strcmp(network + len, "_default") == 0;
}

static bool is_published_on_all(const struct world_container *container)
{
	for (size_t i = 0; i < container->n_published; i++)
		if (ip_is_unspecified(&container->published[i].host_ip))
			return true;
	return false;
}

/* @next: the first endpoint of this container or a later one; moved on. */
static struct posture posture_in_world(const struct world *world, size_t container, size_t *next)
{
	const struct world_container *facts = &world->containers[container];
	struct posture posture = facts->posture;
	bool on_default = false, inside = false, outside = false;

	for (; *next < world->n_endpoints && world->endpoints[*next].container == container;
	     ++*next) {
		const struct world_network *network =
			&world->networks[world->endpoints[*next].network];
		on_default |= is_default_network(facts, network->name);
		inside |= network->internal;
		outside |= !network->internal;
	}
	posture.facts[POSTURE_PUBLISHED] = posture_of(is_published_on_all(facts));
	posture.facts[POSTURE_DEFAULT_NETWORK] = posture_of(on_default);
	posture.facts[POSTURE_OPEN_NETWORK] =
		posture_of(outside && !inside && facts->n_published == 0);
	return posture;
}

static struct source_loc place_of_fact(const struct report_audited *in, size_t container,
				       enum posture_fact fact)
{
	struct source_loc place = { .file = in->source };

	if (in->places)
		place = in->places[container];
	if (in->posture_places && in->posture_places[container][fact].file)
		place = in->posture_places[container][fact];
	return place;
}

/* The remedy, how much it matters, and who says so, too. */
static const char *hint_of(const struct report_audited *in, const struct posture_check *check,
			   struct arena *arena)
{
	return arena_printf(arena, "%s (%s%s%s)", in->places ? check->compose : check->run,
			    posture_level_name(check->level),
			    check->cis ? ", CIS Docker Benchmark 1.6.0: " : "",
			    check->cis ? check->cis : "");
}

static void report_shortfall(const struct report_audited *in, size_t container,
			     const struct posture_shortfall *shortfall, struct diag_list *diags)
{
	const struct posture_check *check = shortfall->check;
	const char *hint = hint_of(in, check, diags->arena);

	diags->out_of_memory |= !hint;
	diag_add(diags, DIAG_WARNING, place_of_fact(in, container, check->fact), check->finding.id,
		 hint, "`%s` %s", in->world->containers[container].name, shortfall->text);
}

/* Whom the findings are about; a tier is that of its first endpoint in one. */
static struct diag_subject subject_of(const struct report_audited *in, size_t container,
				      size_t first, size_t end)
{
	const struct world_container *facts = &in->world->containers[container];
	struct diag_subject about = { .container = facts->name,
				      .service = world_label_value(facts, COMPILE_LABEL_SERVICE) };

	for (size_t i = first; i < end && in->on_host && !about.n_tiers; i++) {
		const struct assignment *as = &in->on_host->compiled->assignments[i];
		if (as->kind != ASSIGN_TIER)
			continue;
		about.tiers = &in->on_host->policy->tiers[as->tier].name;
		about.n_tiers = 1;
	}
	return about;
}

/* Another container of the same service, which stand side by side, has been told of. */
static bool is_like_last(const struct report_audited *in, size_t container)
{
	const struct source_loc *places = in->places;

	return places && container > 0 && places[container].line == places[container - 1].line &&
	       places[container].col == places[container - 1].col &&
	       strcmp(places[container].file, places[container - 1].file) == 0;
}

/* What is told of its image, where a folder was read: no vulnerability that is critical, and one of
 * the keys, if there are any. */
static void audit_image(const struct report_audited *in, uint32_t container,
			struct diag_list *diags)
{
	const struct images *told = in->world->reports;
	struct posture_require require = { .most = IMAGES_HIGH };
	struct posture_shortfall shortfall;

	if (!told)
		return;
	require.wanted[POSTURE_SCANNED] = POSTURE_YES;
	require.wanted[POSTURE_SIGNED] = told->n_keys ? POSTURE_YES : POSTURE_UNKNOWN;
	require.keys = told->keys;
	require.n_keys = told->n_keys;
	const struct posture posture = world_posture(in->world, container, in->now);
	for (size_t cursor = 0; posture_next_shortfall(&posture, &require, &cursor, &shortfall);)
		report_shortfall(in, container, &shortfall, diags);
}

void report_audit(const struct report_audited *in, struct diag_list *diags)
{
	struct posture_shortfall shortfall;

	for (size_t i = 0, next = 0; i < in->world->n_containers; i++) {
		size_t first = next;
		struct posture posture = posture_in_world(in->world, i, &next);
		if (in->world->containers[i].kind != WORLD_CONTAINER || is_like_last(in, i))
			continue;
		diags->about = subject_of(in, i, first, next);
		for (size_t cursor = 0;
		     posture_next_shortfall(&posture, NULL, &cursor, &shortfall);)
			report_shortfall(in, i, &shortfall, diags);
		audit_image(in, (uint32_t)i, diags);
	}
	diags->about = (struct diag_subject){ 0 };
	diag_sort(diags);
}
