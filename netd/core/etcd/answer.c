/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers. Whatever stands in them is looked at before it is used: etcd is a server like any other,
 * and a proxy may stand in front of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/base/base64.h"
#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/etcd/etcd.h"

static void cjson_freep(cJSON **json)
{
	cJSON_Delete(*json);
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* A number of 64 bits, which JSON's own would round: "7587899228248891423". One that is not there
 * is 0, as the gateway leaves out what is. 0 or -EINVAL. */
static int read_id(const cJSON *object, const char *name, uint64_t *ret)
{
	const cJSON *item = member(object, name);
	const char *text = cJSON_GetStringValue(item);

	*ret = 0;
	if (!item)
		return 0;
	if (!text || !*text || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	errno = 0;
	*ret = strtoull(text, NULL, 10);
	return errno ? -EINVAL : 0;
}

/* Those of etcd that are signed are never negative. */
static int read_number(const cJSON *object, const char *name, int64_t *ret)
{
	uint64_t number;
	int r = read_id(object, name, &number);

	if (r == 0 && number > INT64_MAX)
		r = -EINVAL;
	*ret = r == 0 ? (int64_t)number : 0;
	return r;
}

/* Bytes that are not there are none. */
static int read_bytes(const cJSON *object, const char *name, struct arena *arena, const char **ret,
		      size_t *ret_len)
{
	const cJSON *item = member(object, name);
	char *bytes = NULL;

	if (item && !cJSON_IsString(item))
		return -EINVAL;
	int r = base64_decode(item ? item->valuestring : "", arena, &bytes, ret_len);
	*ret = bytes;
	return r;
}

/* 0, -EINVAL or -ENOMEM. A key with a NUL in it is none of ours, and would be taken for a shorter
 * one. */
static int read_key(const cJSON *kv, struct arena *arena, struct etcd_key *ret)
{
	size_t key_len = 0;

	if (!cJSON_IsObject(kv))
		return -EINVAL;
	int r = read_bytes(kv, "key", arena, &ret->key, &key_len);
	if (r == 0)
		r = read_bytes(kv, "value", arena, &ret->value, &ret->len);
	if (r == 0)
		r = read_number(kv, "mod_revision", &ret->mod_revision);
	if (r == 0)
		r = read_number(kv, "lease", &ret->lease);
	if (r == 0 && (key_len == 0 || strlen(ret->key) != key_len))
		r = -EINVAL;
	return r;
}

/* A key of a range, or of an event of a watch. */
static int read_item(const cJSON *item, bool is_event, struct arena *arena, struct etcd_key *ret)
{
	const cJSON *type = is_event ? member(item, "type") : NULL;

	if (type && !cJSON_IsString(type))
		return -EINVAL;
	ret->is_deleted = type && strcmp(type->valuestring, "DELETE") == 0;
	return read_key(is_event ? member(item, "kv") : item, arena, ret);
}

static int read_keys(const cJSON *json, struct arena *arena, struct etcd_answer *ret)
{
	const cJSON *events = member(json, "events");
	const cJSON *list = events ? events : member(json, "kvs"), *item;

	if (list && !cJSON_IsArray(list))
		return -EINVAL;
	if (!list)
		return 0;
	struct etcd_key *keys =
		arena_alloc(arena, (size_t)cJSON_GetArraySize(list) * sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	cJSON_ArrayForEach(item, list) {
		int r = read_item(item, events != NULL, arena, &keys[ret->n_keys]);
		if (r < 0)
			return r;
		ret->n_keys++;
	}
	ret->keys = keys;
	return 0;
}

static int read_result(const cJSON *json, struct arena *arena, struct etcd_answer *ret)
{
	const cJSON *header = member(json, "header"), *token = member(json, "token");
	int r = cJSON_IsObject(header) ? 0 : -EINVAL;

	if (r == 0)
		r = read_id(header, "cluster_id", &ret->cluster_id);
	if (r == 0)
		r = read_number(header, "revision", &ret->revision);
	if (r == 0)
		r = read_number(json, "ID", &ret->lease);
	if (r == 0)
		r = read_number(json, "TTL", &ret->ttl);
	if (r == 0)
		r = read_number(json, "count", &ret->count);
	if (r == 0 && cJSON_IsString(token)) {
		ret->token = arena_strdup(arena, token->valuestring);
		r = ret->token ? 0 : -ENOMEM;
	}
	if (r < 0)
		return r;
	ret->succeeded = cJSON_IsTrue(member(json, "succeeded"));
	ret->created = cJSON_IsTrue(member(json, "created"));
	return read_keys(json, arena, ret);
}

/* ---- errors ---- */

/* Those of gRPC that mean something to us. */
static int error_of(int grpc_code, const char *text)
{
	if (grpc_code == 16 || strstr(text, "invalid auth token"))
		return ETCD_E_TOKEN;
	/* Authentication is on, and nobody was named; the password is wrong; or users and roles
	 * have changed since the token was given, or while the request was looked at. */
	if (strstr(text, "user name is empty") || strstr(text, "authentication failed") ||
	    strstr(text, "auth store is old") || strstr(text, "revision in header is old"))
		return ETCD_E_TOKEN;
	if (strstr(text, "authentication is not enabled"))
		return ETCD_E_NO_AUTH;
	if (grpc_code == 7 || strstr(text, "permission denied"))
		return ETCD_E_FORBIDDEN;
	return grpc_code == 11 ? ETCD_E_COMPACTED : ETCD_E_ERROR;
}

static int say(struct arena *arena, int r, const char *text, const char **error)
{
	char *copy = arena_strndup(arena, text, strnlen(text, LIMIT_ETCD_ERROR));

	if (!copy)
		return -ENOMEM;
	text_clean(copy);
	*error = *copy ? copy : "etcd gives no reason";
	return r;
}

/* {"error":"...","message":"...","code":16}, of a stream {"error":{"grpc_code":7,"message":"..."}}.
 */
static int read_error(const cJSON *json, struct arena *arena, const char **error)
{
	const cJSON *inner = member(json, "error");
	const cJSON *object = cJSON_IsObject(inner) ? inner : json;
	const cJSON *code = member(object, object == inner ? "grpc_code" : "code");
	const cJSON *message = member(object, "message");
	const char *text = cJSON_IsString(message) ? message->valuestring : "";

	return say(arena, error_of(cJSON_IsNumber(code) ? code->valueint : -1, text), text, error);
}

/* A watch that ends: of what, in its own words. */
static int read_cancelled(const cJSON *json, struct arena *arena, const char **error)
{
	const cJSON *reason = member(json, "cancel_reason");
	int64_t compacted = 0;

	if (read_number(json, "compact_revision", &compacted) == 0 && compacted > 0)
		return say(arena, ETCD_E_COMPACTED, "what was asked for is compacted", error);
	const char *text = cJSON_IsString(reason) ? reason->valuestring : "";
	return say(arena, error_of(-1, text), text, error);
}

int etcd_read_answer(const char *bytes, size_t len, struct arena *arena, struct etcd_answer *ret,
		     const char **error)
{
	const struct json_limits limits = {
		.depth = 8, .items = LIMIT_ETCD_ITEMS, .controls = true, .lines = true
	};
	size_t offset;

	*ret = (struct etcd_answer){ 0 };
	*error = json_scan(bytes, len, limits, &offset);
	if (*error)
		return ETCD_E_INVALID;
	CLEANUP(cjson_freep) cJSON *json = cJSON_ParseWithLength(bytes, len);
	*error = "what answers is not etcd";
	if (!cJSON_IsObject(json))
		return ETCD_E_INVALID;
	if (member(json, "error"))
		return read_error(json, arena, error);
	const cJSON *result = member(json, "result");
	if (!result)
		result = json;
	if (cJSON_IsTrue(member(result, "canceled")))
		return read_cancelled(result, arena, error);
	int r = read_result(result, arena, ret);
	return r == -EINVAL ? ETCD_E_INVALID : r;
}

struct etcd_key *etcd_copy_keys(const struct etcd_key *keys, size_t n, struct arena *arena)
{
	struct etcd_key *copies = arena_dup(arena, keys, n * sizeof(*copies));

	for (size_t i = 0; copies && i < n; i++) {
		copies[i].key = arena_strdup(arena, keys[i].key);
		copies[i].value = arena_dup(arena, keys[i].value, keys[i].len + 1);
		if (!copies[i].key || !copies[i].value)
			return NULL;
	}
	return copies;
}
