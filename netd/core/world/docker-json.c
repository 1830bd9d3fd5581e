/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/docker-json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/base/sort.h"
#include "core/base/text.h"

int world_docker_refuse(struct world_docker_answer *answer, const char *error)
{
	answer->error = error;
	return WORLD_E_INVALID;
}

/* The labels of an image may hold NULs, as \u0000. cJSON would end the text there: a label would
 * look like another one. NULL: out of memory. */
static const char *without_nul(struct arena *arena, const char *json, size_t len)
{
	const char *escape;
	char *copy = NULL;

	for (size_t at = 0; at < len && (escape = memchr(json + at, '\\', len - at));) {
		size_t place = (size_t)(escape - json);
		at = place + 2;
		if (len - place < 6 || memcmp(escape, "\\u0000", 6) != 0)
			continue;
		if (!copy)
			copy = arena_dup(arena, json, len);
		if (!copy)
			return NULL;
		memcpy(copy + place, "\\ufffd", 6);
	}
	return copy ? copy : json;
}

cJSON *world_docker_part(struct world_docker_answer *answer, const char *json, size_t len)
{
	/* Docker is trusted with memory, and cJSON has a bound on depth. */
	static const struct json_limits limits = { SIZE_MAX, SIZE_MAX, .controls = true,
						   .lines = true };
	size_t offset;
	cJSON *value = NULL;
	const char *bytes = without_nul(answer->arena, json, len);

	answer->error = bytes ? json_scan(bytes, len, limits, &offset) : "no memory";
	if (!answer->error) {
		value = json_parse(bytes, len, &offset);
		answer->error = value ? NULL : errno == ENOMEM ? "no memory" : "not JSON";
	}
	return value;
}

cJSON *world_docker_value(struct world_docker_answer *answer)
{
	if (answer->len <= LIMIT_DOCKER_BYTES)
		return world_docker_part(answer, answer->json, answer->len);
	answer->error = "too large";
	return NULL;
}

int world_docker_flaw(struct world_docker_answer *answer, const char **flaw, int r)
{
	if (r != WORLD_E_INVALID)
		return r;
	if (!*flaw)
		*flaw = answer->error;
	answer->error = NULL;
	return 0;
}

void world_docker_leave_out(struct world_docker_answer *answer, const char *why)
{
	if (answer->n_nameless++ == 0)
		answer->nameless = why;
}

int world_docker_list(struct world_docker_answer *answer, const char *otherwise,
		      int (*take)(struct world_docker_answer *, const cJSON *, void *),
		      void *userdata)
{
	struct json_elements elements = { answer->json, answer->len, 0 };
	enum json_step step = JSON_BROKEN;
	const char *bytes;
	size_t len, n = 0;

	if (answer->len > LIMIT_DOCKER_BYTES)
		return world_docker_refuse(answer, "too large");
	while ((step = json_next_element(&elements, &bytes, &len)) == JSON_ELEMENT) {
		if (n++ >= LIMIT_ENDPOINTS) {
			world_docker_leave_out(answer, "there are too many");
			continue;
		}
		CLEANUP(json_freep) cJSON *item = world_docker_part(answer, bytes, len);
		int r = item ? take(answer, item, userdata) : WORLD_E_INVALID;
		if (r < 0)
			return r;
		if (r > 0)
			world_docker_leave_out(answer, answer->error);
	}
	return step == JSON_END ? 0 : world_docker_refuse(answer, otherwise);
}

bool world_docker_is_long(const char *text)
{
	return text && strlen(text) > WORLD_TEXT_MAX;
}

const char *world_docker_text(struct world_docker_answer *answer, const char *text,
			      const char *otherwise)
{
	char *copy = arena_strdup(
		answer->arena, text && *text && strlen(text) <= WORLD_TEXT_MAX ? text : otherwise);

	if (copy)
		text_clean(copy);
	return copy;
}

int world_docker_id(struct world_docker_answer *answer, const cJSON *json, const char *key,
		    char ret[WORLD_ID_LEN])
{
	const char *id = json_text(json, key);

	if (!id || !world_id_valid(id))
		return world_docker_refuse(answer, "Id: missing or not an id");
	world_id_copy(ret, id);
	return 0;
}

bool world_docker_address(const char *text, struct ip_addr *ret)
{
	char addr[IP_TEXT_LEN];
	size_t n = text ? strcspn(text, "/") : 0;

	if (n == 0 || n >= sizeof(addr))
		return false;
	memcpy(addr, text, n);
	addr[n] = '\0';
	return ip_parse(addr, ret) == 0;
}
