/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines to messages and back. */
#include "core/wire/wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json-scan.h"
#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/base/text.h"

/* cJSON keeps both of two equal names and finds the first: a reader elsewhere may find the second.
 */
static bool has_doubles(const cJSON *object)
{
	for (const cJSON *a = object->child; a; a = a->next) {
		for (const cJSON *b = a->next; b; b = b->next) {
			if (strcmp(a->string, b->string) == 0)
				return true;
		}
	}
	return false;
}

/* Members of the message itself; more is no message of ours, and has_doubles() is quadratic. */
#define TOP_MEMBERS 64

static int parse_object(const char *line, size_t len, struct json_limits limits, cJSON **ret,
			const char **error)
{
	static const char blank[] = " \t\r";
	const char *end = NULL;
	size_t offset;

	*error = json_scan(line, len, limits, &offset);
	if (*error)
		return WIRE_E_INVALID;
	while (len > 0 && memchr(blank, line[len - 1], sizeof(blank) - 1))
		len--;
	CLEANUP(json_freep) cJSON *json = cJSON_ParseWithLengthOpts(line, len, &end, false);
	if (!json || end != line + len) {
		/* Out of memory looks the same to the caller of cJSON, and is answered the same. */
		*error = "the text is not JSON";
		return WIRE_E_INVALID;
	}
	if (!cJSON_IsObject(json)) {
		*error = "the message is not a JSON object";
		return WIRE_E_INVALID;
	}
	if (cJSON_GetArraySize(json) > TOP_MEMBERS || has_doubles(json)) {
		*error = "the message has doubled or too many members";
		return WIRE_E_INVALID;
	}
	if (wire_number(json, "v", 0) != WIRE_VERSION) {
		*error = "protocol version missing or not supported: netd speaks \"v\":1";
		return WIRE_E_INVALID;
	}
	*ret = TAKE_PTR(json);
	return 0;
}

int wire_parse_request(const char *line, size_t len, struct wire_request *ret, const char **error)
{
	CLEANUP(json_freep) cJSON *json = NULL;
	const struct json_limits limits = { .depth = WIRE_DEPTH, .items = WIRE_REQUEST_ITEMS };
	int r = parse_object(line, len, limits, &json, error);

	if (r)
		return r;
	const char *name = wire_string(json, "verb");
	if (!name) {
		*error = "the request has no \"verb\"";
		return WIRE_E_INVALID;
	}
	const struct wire_verb *verb = wire_verb_find(name);
	if (!verb) {
		*error = "unknown verb; see netdctl --help";
		return WIRE_E_INVALID;
	}
	*ret = (struct wire_request){ TAKE_PTR(json), verb };
	return 0;
}

int wire_parse_answer(const char *line, size_t len, struct wire_answer *ret, const char **error)
{
	CLEANUP(json_freep) cJSON *json = NULL;
	enum wire_code code;
	/* The daemon is trusted with memory: a frame of the largest size, whatever is in it. */
	const struct json_limits limits = { WIRE_DEPTH, .items = SIZE_MAX, .controls = true };
	int r = parse_object(line, len, limits, &json, error);

	if (r)
		return r;
	const char *name = wire_string(json, "code");
	if (!name || wire_code_parse(name, &code) < 0) {
		*error = "the answer has no \"code\" that is known here";
		return WIRE_E_INVALID;
	}
	*ret = (struct wire_answer){ TAKE_PTR(json), code };
	return 0;
}

void wire_request_done(struct wire_request *request)
{
	json_freep(&request->json);
}

void wire_answer_done(struct wire_answer *answer)
{
	json_freep(&answer->json);
}

static cJSON *new_message(const char *name, const char *value)
{
	CLEANUP(json_freep) cJSON *json = cJSON_CreateObject();

	if (!json || wire_add_number(json, "v", WIRE_VERSION) < 0 ||
	    wire_add_string(json, name, value) < 0)
		return NULL;
	return TAKE_PTR(json);
}

cJSON *wire_new_request(const char *verb)
{
	return new_message("verb", verb);
}

cJSON *wire_new_answer(enum wire_code code)
{
	return new_message("code", wire_code_name(code));
}

cJSON *wire_new_error(enum wire_code code, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	CLEANUP(json_freep) cJSON *json = wire_new_answer(code);
	if (!json || wire_add_string(json, "error", text) < 0)
		return NULL;
	return TAKE_PTR(json);
}

const char *wire_error_text(const cJSON *answer)
{
	return wire_string(answer, "error");
}

int wire_add(cJSON *object, const char *name, cJSON *value)
{
	if (!value)
		return -ENOMEM;
	if (cJSON_AddItemToObject(object, name, value))
		return 0;
	cJSON_Delete(value);
	return -ENOMEM;
}

int wire_add_string(cJSON *object, const char *name, const char *value)
{
	return wire_add(object, name, cJSON_CreateString(value));
}

int wire_add_number(cJSON *object, const char *name, double value)
{
	return wire_add(object, name, cJSON_CreateNumber(value));
}

int wire_add_bool(cJSON *object, const char *name, bool value)
{
	return wire_add(object, name, cJSON_CreateBool(value));
}

const char *wire_string(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool wire_bool(const cJSON *object, const char *name, bool fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsBool(item) ? (bool)cJSON_IsTrue(item) : fallback;
}

double wire_number(const cJSON *object, const char *name, double fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

const cJSON *wire_array(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsArray(item) ? item : NULL;
}

char *wire_print(const cJSON *message, size_t *ret_len)
{
	char *line = cJSON_PrintUnformatted(message);

	if (!line)
		return NULL;
	size_t len = strlen(line);
	char *whole = realloc(line, len + 2);
	if (!whole) {
		free(line);
		return NULL;
	}
	whole[len] = '\n';
	whole[len + 1] = '\0';
	*ret_len = len + 1;
	return whole;
}

int wire_admin_path(const char *path, char ret[WIRE_PATH_LEN])
{
	static const char suffix[] = ".sock";
	size_t len = strlen(path), stem = len;

	if (len >= sizeof(suffix) && strcmp(path + len - (sizeof(suffix) - 1), suffix) == 0)
		stem = len - (sizeof(suffix) - 1);
	if (len + sizeof("-admin") > WIRE_PATH_LEN)
		return -ENAMETOOLONG;
	(void)snprintf(ret, WIRE_PATH_LEN, "%.*s-admin%s", (int)stem, path, path + stem);
	return 0;
}
