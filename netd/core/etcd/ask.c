/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests. They are small and of a known form, so they are written as text; what comes from
 * elsewhere in them goes through Base64, or is quoted by cJSON. */
#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/base/base64.h"
#include "core/base/text.h"
#include "core/etcd/etcd.h"

/* NULL when anything failed on the way. */
static char *finish(struct text *text)
{
	if (text_failed(text)) {
		text_done(text);
		return NULL;
	}
	return TAKE_PTR(text->bytes);
}

static void add_bytes(struct text *out, const char *name, const char *bytes, size_t len)
{
	text_printf(out, "\"%s\":\"", name);
	base64_add(out, bytes, len);
	text_add(out, "\"");
}

static void add_range(struct text *out, const char *first, const char *end)
{
	add_bytes(out, "key", first, strlen(first));
	text_add(out, ",");
	add_bytes(out, "range_end", end, strlen(end));
}

/* etcd's form of a prefix is a range up to the first key behind all that begin with it: the prefix
 * with its last byte raised by one. No prefix of ours is empty or ends in the byte 255. */
static void add_prefix(struct text *out, const char *prefix)
{
	CLEANUP(text_done) struct text end = { 0 };

	text_add(&end, prefix);
	out->failed |= text_failed(&end) || end.len == 0;
	if (out->failed)
		return;
	end.bytes[end.len - 1]++;
	add_range(out, prefix, end.bytes);
}

char *etcd_ask_authenticate(const char *user, const char *password)
{
	cJSON *json = cJSON_CreateObject();
	char *text = NULL;

	if (json && cJSON_AddStringToObject(json, "name", user) &&
	    cJSON_AddStringToObject(json, "password", password))
		text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return text;
}

char *etcd_ask_range(const char *first, const char *end, int64_t revision)
{
	struct text text = { 0 };

	text_add(&text, "{");
	add_range(&text, first, end);
	text_printf(&text, ",\"revision\":\"%" PRId64 "\"}", revision);
	return finish(&text);
}

char *etcd_ask_newer(const char *first, const char *end, int64_t revision)
{
	struct text text = { 0 };

	text_add(&text, "{");
	add_range(&text, first, end);
	text_printf(&text, ",\"min_mod_revision\":\"%" PRId64 "\"}", revision + 1);
	return finish(&text);
}

char *etcd_ask_get(const char *key)
{
	struct text text = { 0 };

	text_add(&text, "{");
	add_bytes(&text, "key", key, strlen(key));
	text_add(&text, "}");
	return finish(&text);
}

char *etcd_ask_names(const char *first, const char *end)
{
	struct text text = { 0 };

	text_add(&text, "{");
	add_range(&text, first, end);
	text_add(&text, ",\"keys_only\":true}");
	return finish(&text);
}

char *etcd_ask_watch(const char *first, const char *end, int64_t revision)
{
	struct text text = { 0 };

	text_add(&text, "{\"create_request\":{");
	add_range(&text, first, end);
	text_printf(&text, ",\"start_revision\":\"%" PRId64 "\",\"progress_notify\":true}}",
		    revision);
	return finish(&text);
}

char *etcd_ask_grant(int64_t ttl_seconds)
{
	struct text text = { 0 };

	text_printf(&text, "{\"TTL\":\"%" PRId64 "\"}", ttl_seconds);
	return finish(&text);
}

char *etcd_ask_keepalive(int64_t lease)
{
	struct text text = { 0 };

	text_printf(&text, "{\"ID\":\"%" PRId64 "\"}", lease);
	return finish(&text);
}

static void add_condition(struct text *out, const struct etcd_condition *condition)
{
	text_add(out, "{\"target\":\"MOD\",");
	if (condition->kind == ETCD_UNCHANGED_SINCE) {
		/* Of no key at all this is true. */
		add_prefix(out, condition->key);
		text_printf(out, ",\"result\":\"LESS\",\"mod_revision\":\"%" PRId64 "\"}",
			    condition->revision + 1);
		return;
	}
	add_bytes(out, "key", condition->key, strlen(condition->key));
	text_printf(out, ",\"result\":\"EQUAL\",\"mod_revision\":\"%" PRId64 "\"}",
		    condition->revision);
}

static void add_change(struct text *out, const struct etcd_change *change)
{
	text_add(out, change->value ? "{\"request_put\":{" : "{\"request_delete_range\":{");
	add_bytes(out, "key", change->key, strlen(change->key));
	if (change->value) {
		text_add(out, ",");
		add_bytes(out, "value", change->value, change->len);
		text_printf(out, ",\"lease\":\"%" PRId64 "\"", change->lease);
	}
	text_add(out, "}}");
}

char *etcd_ask_txn(const struct etcd_txn *txn)
{
	struct text text = { 0 };

	text_add(&text, "{\"compare\":[");
	for (size_t i = 0; i < txn->n_conditions; i++) {
		text_add(&text, i > 0 ? "," : "");
		add_condition(&text, &txn->conditions[i]);
	}
	text_add(&text, "],\"success\":[");
	for (size_t i = 0; i < txn->n_changes; i++) {
		text_add(&text, i > 0 ? "," : "");
		add_change(&text, &txn->changes[i]);
	}
	text_add(&text, "]}");
	return finish(&text);
}
