/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/audit-images.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"
#include "edge/images/folder.h"

#define DEFAULT_IMAGES "/etc/netd/images.d"
#define DEFAULT_KEYS "/etc/netd/image-keys"

int audit_read_images(const struct ctl_args *args, struct arena *arena, const struct world **world)
{
	const char *folder = args->images ? args->images : DEFAULT_IMAGES;
	struct world *copy = arena_dup(arena, *world, sizeof(*copy));
	struct images *images = NULL;
	int r = copy ? images_folder_read(folder, args->keys ? args->keys : DEFAULT_KEYS, &images)
		     : -ENOMEM;

	if (r == 0)
		r = arena_keep(arena, images->arena);
	if (r == -ENOMEM)
		return ctl_out_of_memory();
	if (r < 0) {
		ctl_complain("cannot read %s: %s", folder, strerror(-r));
		return CTL_USAGE;
	}
	copy->reports = images;
	(void)arena_free(images->arena); /* now @arena has it */
	*world = copy;
	return CTL_OK;
}

/* Of an image the first container; the others are counted. UINT32_MAX: another one stands for it.
 */
static uint32_t first_of_image(const struct world *world, uint32_t container, size_t *ret_n)
{
	const char *id = world->containers[container].image_id;

	*ret_n = 0;
	for (uint32_t i = 0; i < world->n_containers; i++) {
		bool same = *id ? strcmp(world->containers[i].image_id, id) == 0 : i == container;
		if (same && i < container)
			return UINT32_MAX;
		*ret_n += same;
	}
	return world->containers[container].kind == WORLD_CONTAINER ? container : UINT32_MAX;
}

/* "3d", "5h", "2m". */
static const char *age_text(int64_t made, int64_t now, char ret[32])
{
	int64_t age = now - made;

	if (made == 0)
		return "not told";
	if (age < 0)
		return "of the future";
	(void)snprintf(ret, 32,
		       age >= 86400  ? "%lldd"
		       : age >= 3600 ? "%lldh"
				     : "%lldm",
		       (long long)(age >= 86400	 ? age / 86400
				   : age >= 3600 ? age / 3600
						 : age / 60));
	return ret;
}

/* ---- a table ---- */

static void list_signers(const struct images_about *about, struct text *ret)
{
	struct images_walk walk = { .about = about };
	const struct images_signature *signature;

	while ((signature = images_next_signature(&walk))) {
		if (signature->keys == 0)
			text_printf(ret, "%snobody known", ret->len ? ", " : "");
		for (size_t k = 0; k < about->all->n_keys; k++)
			if (signature->keys >> k & 1)
				text_printf(ret, "%s%s", ret->len ? ", " : "", about->all->keys[k]);
	}
}

static void add_row(struct table *table, const struct world_container *container, size_t n,
		    const struct images_about *about, const struct images_report *report)
{
	CLEANUP(text_done) struct text image = { 0 }, file = { 0 }, signers = { 0 };
	char age[32];

	text_printf(&image, "%s%s", container->image, n > 1 ? " (several containers)" : "");
	list_signers(about, &signers);
	if (report)
		text_printf(&file, "%s (%s)", report->file, images_scanner_name(report->scanner));
	char digest[13] = "-";
	if (*about->id)
		(void)snprintf(digest, sizeof(digest), "%.12s", about->id);
	const char *cells[] = { text_str(&image),
				digest,
				report ? text_str(&file) : "no report",
				report ? age_text(report->made, about->now, age) : "",
				report ? images_severity_name(images_worst(report)) : "not known",
				signers.len ? text_str(&signers) : "no signature" };
	bool bad = !report || images_worst(report) > IMAGES_HIGH;
	table_row(table, cells, bad ? PAINT_WARN : PAINT_PLAIN);
}

void audit_show_images(const struct ctl *ctl, const struct world *world)
{
	static const char *const columns[] = {
		"IMAGE", "ID", "REPORT", "AGE", "WORST", "SIGNED BY"
	};
	const struct images *told = world->reports;
	struct table *table = told ? table_new(ctl, columns, ARRAY_LEN(columns)) : NULL;
	size_t n;

	for (uint32_t i = 0; table && i < world->n_containers; i++) {
		if (first_of_image(world, i, &n) == UINT32_MAX)
			continue;
		const struct posture posture = world_posture(world, i, ctl->now);
		size_t shown = 0;
		for (unsigned int s = 0; s < IMAGES_SCANNERS; s++) {
			const struct images_report *report =
				images_newest(&posture.about, (enum images_scanner)s);
			if (report)
				add_row(table, &world->containers[i], n, &posture.about, report);
			shown += report != NULL;
		}
		if (!shown)
			add_row(table, &world->containers[i], n, &posture.about, NULL);
	}
	if (table)
		table_print(table);
	for (size_t i = 0; told && i < told->n_refused; i++)
		printf("%s counts for nothing: %s\n", told->refused[i].file, told->refused[i].why);
}

/* ---- JSON ---- */

static void add_digest(cJSON *list, const char *hex)
{
	char text[sizeof("sha256:") + IMAGES_DIGEST_LEN];

	(void)snprintf(text, sizeof(text), "sha256:%s", hex);
	(void)cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

static void add_reports(const struct images_about *about, cJSON *object)
{
	cJSON *list = cJSON_AddArrayToObject(object, "reports");

	for (unsigned int s = 0; s < IMAGES_SCANNERS; s++) {
		const struct images_report *report = images_newest(about, (enum images_scanner)s);
		if (!report)
			continue;
		cJSON *one = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(one, "file", report->file);
		(void)cJSON_AddStringToObject(one, "scanner", images_scanner_name(report->scanner));
		if (report->made) {
			(void)cJSON_AddNumberToObject(one, "made", (double)report->made);
			(void)cJSON_AddNumberToObject(one, "age",
						      (double)(about->now - report->made));
		}
		(void)cJSON_AddStringToObject(one, "worst",
					      images_severity_name(images_worst(report)));
		cJSON *found = cJSON_AddObjectToObject(one, "found");
		for (unsigned int k = IMAGES_UNRATED; k < IMAGES_SEVERITIES; k++)
			(void)cJSON_AddNumberToObject(found,
						      images_severity_name((enum images_severity)k),
						      report->found[k]);
		(void)cJSON_AddItemToArray(list, one);
	}
}

static void add_signatures(const struct images_about *about, cJSON *object)
{
	cJSON *list = cJSON_AddArrayToObject(object, "signatures");
	struct images_walk walk = { .about = about };
	const struct images_signature *signature;

	while ((signature = images_next_signature(&walk))) {
		cJSON *one = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(one, "file", signature->file);
		cJSON *keys = cJSON_AddArrayToObject(one, "keys");
		for (size_t k = 0; k < about->all->n_keys; k++)
			if (signature->keys >> k & 1)
				(void)cJSON_AddItemToArray(keys,
							   cJSON_CreateString(about->all->keys[k]));
		(void)cJSON_AddItemToArray(list, one);
	}
}

static void add_image(const struct world *world, uint32_t first, int64_t now, cJSON *list)
{
	const struct posture posture = world_posture(world, first, now);
	const struct images_about *about = &posture.about;
	cJSON *object = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(object, "image", world->containers[first].image);
	cJSON *digests = cJSON_AddArrayToObject(object, "digests");
	if (*about->id)
		add_digest(digests, about->id);
	for (size_t i = 0; i < about->n_digests; i++)
		add_digest(digests, about->digests[i].hex);
	cJSON *containers = cJSON_AddArrayToObject(object, "containers");
	for (uint32_t i = first; i < world->n_containers; i++)
		if (i == first ||
		    (*about->id && strcmp(world->containers[i].image_id, about->id) == 0))
			(void)cJSON_AddItemToArray(containers,
						   cJSON_CreateString(world->containers[i].name));
	add_reports(about, object);
	add_signatures(about, object);
	(void)cJSON_AddItemToArray(list, object);
}

void audit_add_images(const struct world *world, int64_t now, cJSON *root)
{
	const struct images *told = world->reports;
	size_t n;

	if (!told)
		return;
	cJSON *list = cJSON_AddArrayToObject(root, "images");
	for (uint32_t i = 0; i < world->n_containers; i++)
		if (first_of_image(world, i, &n) != UINT32_MAX)
			add_image(world, i, now, list);
	cJSON *refused = cJSON_AddArrayToObject(root, "refused");
	for (size_t i = 0; i < told->n_refused; i++) {
		cJSON *one = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(one, "file", told->refused[i].file);
		(void)cJSON_AddStringToObject(one, "why", told->refused[i].why);
		(void)cJSON_AddItemToArray(refused, one);
	}
}
