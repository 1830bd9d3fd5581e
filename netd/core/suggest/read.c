/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `netdctl flows --format json` prints, as evidence. */
#include <errno.h>
#include <string.h>

#include "core/base/json-scan.h"
#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/flow/json.h"
#include "core/suggest/suggest.h"

/* Values of a summary: names of networks, mostly. */
#define SUMMARY_ITEMS 4096u

struct suggest_reading {
	struct arena *arena;
	struct suggest_evidence *into;
	VEC(struct flow) flows;
	VEC(const char *) unseen;
};

static const char *keep_text(struct arena *arena, const char *text)
{
	return arena_strdup(arena, text ? text : "");
}

static int keep_end(struct arena *arena, struct flow_end *end)
{
	end->id = keep_text(arena, end->id);
	end->name = keep_text(arena, end->name);
	end->network = keep_text(arena, end->network);
	end->tier = keep_text(arena, end->tier);
	end->image = keep_text(arena, end->image);
	end->labels = keep_text(arena, end->labels);
	return end->id && end->name && end->network && end->tier && end->image && end->labels
		       ? 0
		       : -ENOMEM;
}

/* Its texts are those of the JSON, which goes. */
static int keep_flow(struct suggest_reading *r, struct flow *flow)
{
	flow->place = keep_text(r->arena, flow->place);
	if (!flow->place || keep_end(r->arena, &flow->from) < 0 ||
	    keep_end(r->arena, &flow->to) < 0)
		return -ENOMEM;
	return VEC_PUSH(r->arena, &r->flows, *flow);
}

static uint64_t count_of(const cJSON *object, const char *name)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);
	const double most = 1e15; /* beyond it a double counts no single ones */

	return cJSON_IsNumber(number) && number->valuedouble > 0
		       ? (uint64_t)(number->valuedouble < most ? number->valuedouble : most)
		       : 0;
}

static int read_summary(struct suggest_reading *r, const cJSON *summary)
{
	const cJSON *item;
	const cJSON *unseen = cJSON_GetObjectItemCaseSensitive(summary, "unseen_networks");

	r->into->pushed_out += count_of(summary, "pushed_out");
	r->into->lost += count_of(summary, "lost_events") + count_of(summary, "lost_messages");
	cJSON_ArrayForEach(item, unseen) {
		char *name =
			cJSON_IsString(item) ? arena_strdup(r->arena, item->valuestring) : NULL;
		if (cJSON_IsString(item) && !name)
			return -ENOMEM;
		if (name)
			text_clean(name);
		if (name && VEC_PUSH(r->arena, &r->unseen, name) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool is_of_version(const cJSON *json)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(json, "v");

	return cJSON_IsNumber(version) && version->valueint == FLOW_VERSION;
}

/* What is no flow: the summary, a line of a version to come, or a mistake. */
static int read_other(struct suggest_reading *r, const char *line, size_t len, const char **why)
{
	const struct json_limits limits = { .depth = 8, .items = SUMMARY_ITEMS };
	CLEANUP(json_freep) cJSON *json = NULL;
	size_t offset;

	if (!json_scan(line, len, limits, &offset))
		json = json_parse(line, len, NULL);
	const cJSON *summary = cJSON_GetObjectItemCaseSensitive(json, "summary");
	if (cJSON_IsObject(summary) && is_of_version(json))
		return read_summary(r, summary);
	if (cJSON_IsObject(json) && !is_of_version(json))
		r->into->n_passed_over++;
	else
		*why = "no flow, as `netdctl flows --format json` prints it";
	return 0;
}

/* *why NULL, or what is wrong. */
static int read_line(struct suggest_reading *r, const char *line, size_t len, const char **why)
{
	CLEANUP(json_freep) cJSON *json = NULL;
	struct flow flow;
	int result = flow_read_line(line, len, r->arena, &flow, &json);

	*why = NULL;
	if (result == FLOW_E_INVALID)
		return read_other(r, line, len, why);
	if (result < 0)
		return result;
	if (r->flows.n < LIMIT_SUGGEST_FLOWS)
		return keep_flow(r, &flow);
	*why = "more flows than a policy is made of";
	return 0;
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r", line[i]) || !line[i])
			return false;
	return true;
}

int suggest_read(const char *bytes, size_t len, struct arena *arena, struct suggest_evidence *ret,
		 const char **error)
{
	struct suggest_reading reading = { .arena = arena, .into = ret };
	const char *why = NULL;
	size_t number = 1;

	*ret = (struct suggest_evidence){ 0 };
	for (size_t at = 0; at < len; number++) {
		const char *end = memchr(bytes + at, '\n', len - at);
		size_t n = end ? (size_t)(end - bytes) - at : len - at;
		int r = is_blank(bytes + at, n) ? 0 : read_line(&reading, bytes + at, n, &why);
		if (r < 0)
			return r;
		if (why) {
			*error = arena_printf(arena, "line %zu: %s", number, why);
			return *error ? SUGGEST_E_INVALID : -ENOMEM;
		}
		at += n + 1;
	}
	ret->flows = reading.flows.items;
	ret->n = reading.flows.n;
	ret->unseen_networks = reading.unseen.items;
	ret->n_unseen = reading.unseen.n;
	return 0;
}
