/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/json.h"

#include <errno.h>

#include "core/report/report.h"

static cJSON *checked(struct rj *j, cJSON *value)
{
	j->failed |= !value;
	return value;
}

cJSON *rj_object(struct rj *j)
{
	return checked(j, cJSON_CreateObject());
}

cJSON *rj_answer(struct rj *j)
{
	cJSON *root = rj_object(j);

	rj_number(j, root, "v", REPORT_VERSION);
	return root;
}

cJSON *rj_add(struct rj *j, cJSON *object, const char *name, cJSON *value)
{
	if (!object || !value || !cJSON_AddItemToObjectCS(object, name, value)) {
		cJSON_Delete(value);
		j->failed = true;
		return NULL;
	}
	return value;
}

cJSON *rj_push(struct rj *j, cJSON *array, cJSON *value)
{
	if (!array || !value || !cJSON_AddItemToArray(array, value)) {
		cJSON_Delete(value);
		j->failed = true;
		return NULL;
	}
	return value;
}

cJSON *rj_add_object(struct rj *j, cJSON *object, const char *name)
{
	return rj_add(j, object, name, cJSON_CreateObject());
}

cJSON *rj_add_array(struct rj *j, cJSON *object, const char *name)
{
	return rj_add(j, object, name, cJSON_CreateArray());
}

cJSON *rj_push_object(struct rj *j, cJSON *array)
{
	return rj_push(j, array, cJSON_CreateObject());
}

void rj_text(struct rj *j, cJSON *object, const char *name, const char *text)
{
	(void)rj_add(j, object, name, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

void rj_number(struct rj *j, cJSON *object, const char *name, double number)
{
	(void)rj_add(j, object, name, cJSON_CreateNumber(number));
}

void rj_bool(struct rj *j, cJSON *object, const char *name, bool value)
{
	(void)rj_add(j, object, name, cJSON_CreateBool(value));
}

void rj_push_text(struct rj *j, cJSON *array, const char *text)
{
	(void)rj_push(j, array, cJSON_CreateString(text));
}

void rj_push_number(struct rj *j, cJSON *array, double number)
{
	(void)rj_push(j, array, cJSON_CreateNumber(number));
}

void rj_place(struct rj *j, cJSON *object, const struct source_loc *loc)
{
	if (!loc->file)
		return;
	rj_text(j, object, "file", loc->file);
	rj_number(j, object, "line", loc->line);
}

int rj_finish(const struct rj *j, cJSON *root, cJSON **ret)
{
	if (j->failed) {
		cJSON_Delete(root);
		return -ENOMEM;
	}
	*ret = root;
	return 0;
}
