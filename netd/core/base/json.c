/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

cJSON *json_parse(const char *bytes, size_t len, size_t *ret_offset)
{
	/* A NUL after the end, since cJSON before 1.7.18 looks one byte too far. */
	CLEANUP(free_ptr) char *copy = malloc(len + 1);
	const char *end = NULL;

	if (ret_offset)
		*ret_offset = 0;
	errno = copy ? 0 : ENOMEM; /* cJSON has one failure alone: malloc() tells them apart */
	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	cJSON *json = cJSON_ParseWithLengthOpts(copy, len + 1, &end, 0);
	size_t offset = end ? (size_t)(end - copy) : 0;
	if (json)
		offset += strspn(copy + offset, " \t\n\r");
	if (json && offset < len) {
		cJSON_Delete(json);
		json = NULL;
	}
	if (ret_offset)
		*ret_offset = offset;
	return json;
}

void json_freep(cJSON **json)
{
	cJSON_Delete(*json);
	*json = NULL;
}

const cJSON *json_member(const cJSON *object, const char *key)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const char *json_text(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(json_member(object, key));
}

const char *json_word(const cJSON *object, const char *key)
{
	const char *text = json_text(object, key);

	return text ? text : "";
}

bool json_is_true(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(json_member(object, key));
}

bool json_integer(const cJSON *number, int64_t lo, int64_t hi, int64_t *ret)
{
	if (!cJSON_IsNumber(number))
		return false;
	double value = number->valuedouble;
	/* NaN fails both comparisons. */
	if (!(value >= (double)lo && value <= (double)hi))
		return false;
	int64_t whole = (int64_t)value;
	if ((double)whole < value || (double)whole > value)
		return false;
	*ret = whole;
	return true;
}
