/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building JSON without a check after every member: a failure (out of memory) sticks and shows at
 * the end. Member names must be constants: they are not copied. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "core/base/cleanup.h"
#include "core/base/diag.h"

struct rj {
	bool failed;
};

cJSON *rj_object(struct rj *j);
/* The top object of an answer, with its version. */
cJSON *rj_answer(struct rj *j);
/* Both take @value, whatever happens, and give it back (NULL on failure). */
cJSON *rj_add(struct rj *j, cJSON *object, const char *name, cJSON *value);
cJSON *rj_push(struct rj *j, cJSON *array, cJSON *value);
cJSON *rj_add_object(struct rj *j, cJSON *object, const char *name);
cJSON *rj_add_array(struct rj *j, cJSON *object, const char *name);
cJSON *rj_push_object(struct rj *j, cJSON *array);
/* NULL text: JSON null. */
void rj_text(struct rj *j, cJSON *object, const char *name, const char *text);
void rj_number(struct rj *j, cJSON *object, const char *name, double number);
void rj_bool(struct rj *j, cJSON *object, const char *name, bool value);
void rj_push_text(struct rj *j, cJSON *array, const char *text);
void rj_push_number(struct rj *j, cJSON *array, double number);
/* "file" and "line"; nothing for a place without a file. */
void rj_place(struct rj *j, cJSON *object, const struct source_loc *loc);
/* 0 and *ret = @root, or -ENOMEM and @root is gone. */
int rj_finish(const struct rj *j, cJSON *root, cJSON **ret) MUST_CHECK;
