/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The posture of a container in an inventory: facts by name, its image, its capabilities. */
#include <errno.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/world/inventory-read.h"

static int read_had_capabilities(struct inventory_reader *reader, struct inventory_field field,
				 struct posture *posture)
{
	size_t n;
	int r = inventory_list(reader, field, INVENTORY_MOST_ITEMS, &n);

	if (r)
		return r;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		const char *name = cJSON_GetStringValue(item);
		uint64_t bits = name ? posture_capability(name) : 0;
		if (!bits)
			return inventory_fail(reader, field, "no capability");
		posture->capabilities |= bits;
	}
	return 0;
}

static int read_posture_fact(struct inventory_reader *reader, struct inventory_field field,
			     struct posture *posture)
{
	enum posture_fact fact = posture_find_fact(field.key);

	if (fact >= POSTURE_STORED)
		return inventory_fail(reader, field, "no fact of a posture");
	if (!cJSON_IsBool(field.value))
		return inventory_fail(reader, field, "must be true or false");
	posture->facts[fact] = posture_of(cJSON_IsTrue(field.value));
	return 0;
}

/* Names from outside are said as words. */
static int read_posture_member(struct inventory_reader *reader, struct inventory_field posture,
			       const cJSON *member, struct posture *ret)
{
	struct inventory_field field = { posture.place, member->string, member };
	char word[TEXT_QUOTE_LEN];

	if (strcmp(member->string, "image") == 0)
		return inventory_text(reader, field, NULL, &ret->image);
	if (strcmp(member->string, "capabilities") == 0)
		return read_had_capabilities(reader, field, ret);
	if (posture_find_fact(member->string) >= POSTURE_STORED)
		field.key = text_quote(member->string, word);
	return read_posture_fact(reader, field, ret);
}

int inventory_read_posture(struct inventory_reader *reader, struct inventory_field field,
			   struct posture *ret)
{
	int r = 0;

	if (!field.value)
		return 0;
	if (!cJSON_IsObject(field.value))
		return inventory_fail(reader, field, "must be an object");
	for (const cJSON *member = field.value->child; member && r == 0; member = member->next)
		r = read_posture_member(reader, field, member, ret);
	posture_complete(ret);
	return r;
}
