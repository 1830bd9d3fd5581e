/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/inventory-read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

static void add_place(struct text *path, const struct inventory_place *place)
{
	if (!place)
		return;
	add_place(path, place->up); /* four levels at most */
	text_printf(path, "%s%s[%zu]", path->len ? "." : "", place->list, place->index);
}

int inventory_fail(struct inventory_reader *reader, struct inventory_field field, const char *text)
{
	CLEANUP(text_done) struct text path = { 0 };

	add_place(&path, field.place);
	if (field.key)
		text_printf(&path, "%s%s", path.len ? "." : "", field.key);
	if (text_failed(&path))
		return -ENOMEM;
	reader->error = arena_printf(reader->arena, "%s: %s",
				     path.len ? text_str(&path) : "top level", text);
	return reader->error ? WORLD_E_INVALID : -ENOMEM;
}

/* A key that is near it, or all that there are. */
static int fail_unknown(struct inventory_reader *reader, const cJSON *member,
			const struct inventory_field *fields, size_t n)
{
	CLEANUP(text_done) struct text text = { 0 };
	unsigned int closest = 2;
	const char *best = NULL;
	char word[TEXT_QUOTE_LEN];

	for (size_t i = 0; i < n; i++) {
		unsigned int distance = text_distance(member->string, fields[i].key, closest);
		if (distance > closest || (best && distance == closest))
			continue;
		closest = distance;
		best = fields[i].key;
	}
	text_add(&text, "unknown key; ");
	if (best)
		text_printf(&text, "did you mean `%s`?", best);
	for (size_t i = 0; i < n && !best; i++)
		text_printf(&text, "%s%s", i ? ", " : "there is: ", fields[i].key);
	if (text_failed(&text))
		return -ENOMEM;
	return inventory_fail(
		reader,
		(struct inventory_field){ fields->place, text_quote(member->string, word), NULL },
		text_str(&text));
}

/* The one of that key, looked for from @next on: members mostly come in the order of the fields. */
static struct inventory_field *find_field(const char *key, struct inventory_field *fields, size_t n,
					  size_t next)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = next + i < n ? next + i : next + i - n;
		if (fields[at].key[0] == key[0] && strcmp(fields[at].key, key) == 0)
			return &fields[at];
	}
	return NULL;
}

int inventory_fields(struct inventory_reader *reader, const cJSON *object,
		     struct inventory_field *fields, size_t n)
{
	if (!cJSON_IsObject(object))
		return inventory_fail(reader, (struct inventory_field){ fields->place, NULL, NULL },
				      "must be an object");
	size_t next = 0;
	for (const cJSON *member = object->child; member; member = member->next) {
		struct inventory_field *field = find_field(member->string, fields, n, next);
		if (!field)
			return fail_unknown(reader, member, fields, n);
		if (field->value)
			return inventory_fail(reader, *field, "given twice");
		field->value = member;
		next = (size_t)(field - fields) + 1;
	}
	return 0;
}

int inventory_text(struct inventory_reader *reader, struct inventory_field field,
		   const char *otherwise, const char **ret)
{
	const char *value = cJSON_GetStringValue(field.value);

	if (!field.value && !otherwise)
		return inventory_fail(reader, field, "missing");
	if (field.value && !value)
		return inventory_fail(reader, field, "must be text");
	if (value && (!*value || strlen(value) > WORLD_TEXT_MAX))
		return inventory_fail(reader, field, "must have 1 to 511 bytes");
	if (value && !text_is_printable(value))
		return inventory_fail(reader, field, "has control characters");
	const char *copy = arena_strdup(reader->arena, value ? value : otherwise);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int inventory_text_or_null(struct inventory_reader *reader, struct inventory_field field,
			   const char **ret)
{
	return field.value ? inventory_text(reader, field, NULL, ret) : 0;
}

int inventory_bool(struct inventory_reader *reader, struct inventory_field field, bool otherwise,
		   bool *ret)
{
	if (field.value && !cJSON_IsBool(field.value))
		return inventory_fail(reader, field, "must be true or false");
	*ret = field.value ? cJSON_IsTrue(field.value) : otherwise;
	return 0;
}

int inventory_is_off(struct inventory_reader *reader, struct inventory_field field, bool *ret)
{
	int r = inventory_bool(reader, field, true, ret);

	*ret = !*ret;
	return r;
}

int inventory_id(struct inventory_reader *reader, struct inventory_field field,
		 const char *otherwise, char ret[WORLD_ID_LEN])
{
	const char *value = field.value ? cJSON_GetStringValue(field.value) : otherwise;

	if (!value)
		return inventory_fail(reader, field, "must be text");
	if (!world_id_valid(value))
		return inventory_fail(reader, field,
				      field.value ? "must be 1 to 64 letters, digits, _ . -"
						  : "missing, and the name cannot take its place");
	world_id_copy(ret, value);
	return 0;
}

int inventory_address(struct inventory_reader *reader, struct inventory_field field,
		      enum ip_family family, struct ip_addr *ret)
{
	const char *value = cJSON_GetStringValue(field.value);
	struct ip_addr addr = { 0 };

	if (field.value && !value)
		return inventory_fail(reader, field, "must be text");
	if (value && ip_parse(value, &addr) < 0)
		return inventory_fail(reader, field, "not an IP address");
	if (value && family != IP_NONE && addr.family != family)
		return inventory_fail(reader, field,
				      family == IP_V4 ? "not an IPv4 address"
						      : "not an IPv6 address");
	*ret = addr;
	return 0;
}

int inventory_list(struct inventory_reader *reader, struct inventory_field field, size_t max,
		   size_t *ret_n)
{
	size_t n = 0;

	if (field.value && !cJSON_IsArray(field.value))
		return inventory_fail(reader, field, "must be a list");
	for (const cJSON *item = field.value ? field.value->child : NULL; item; item = item->next)
		n++;
	if (n > max)
		return inventory_fail(reader, field, "too many entries");
	*ret_n = n;
	return 0;
}

int inventory_addresses(struct inventory_reader *reader, struct inventory_field field,
			const struct ip_addr **ret, size_t *ret_n)
{
	struct inventory_place place = { field.place, field.key, 0 };
	size_t n;
	int r = inventory_list(reader, field, INVENTORY_MOST_ITEMS, &n);

	if (r)
		return r;
	struct ip_addr *items = arena_alloc(reader->arena, n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		r = inventory_address(reader, (struct inventory_field){ &place, NULL, item },
				      IP_NONE, &items[place.index]);
		if (r)
			return r;
		place.index++;
	}
	*ret = items;
	*ret_n = n;
	return 0;
}

int inventory_by_name_and_id(const char *name_a, const char *id_a, const char *name_b,
			     const char *id_b)
{
	int names = strcmp(name_a, name_b);

	return names ? names : strcmp(id_a, id_b);
}

static int compare_texts(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

int inventory_check_unique(struct inventory_reader *reader, struct inventory_field field,
			   const char **ids, size_t n)
{
	if (n)
		qsort(ids, n, sizeof(*ids), compare_texts);
	for (size_t i = 1; i < n; i++)
		if (strcmp(ids[i - 1], ids[i]) == 0)
			return inventory_fail(reader, field, "two have the same id");
	return 0;
}
