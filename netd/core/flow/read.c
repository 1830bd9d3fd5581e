/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes from a file: all that is wrong with them makes one flow less, and no more. */
#include <errno.h>
#include <string.h>

#include "core/base/json-scan.h"
#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/flow/json.h"
#include "core/flow/labels.h"
#include "core/policy/until.h"

/* A whole number from 0 to @most; false: it is not there, or another one. */
static bool number_of(const cJSON *object, const char *name, double most, uint64_t *ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= most))
		return false;
	*ret = (uint64_t)item->valuedouble;
	return (double)*ret == item->valuedouble;
}

#define LARGEST 9007199254740991.0 /* that a JSON number holds exactly */

/* ---- an end ---- */

static bool read_kind(const char *name, struct flow_end *ret)
{
	static const enum flow_end_kind kinds[] = { FLOW_HOST, FLOW_OUTSIDE, FLOW_NOBODY };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		ret->kind = kinds[i];
		if (strcmp(flow_kind_name(ret), name) == 0)
			return true;
	}
	ret->kind = FLOW_CONTAINER;
	ret->sandbox = world_find_kind(name);
	return ret->sandbox <= WORLD_OTHER;
}

static bool read_zone(const char *name, struct flow_end *ret)
{
	static const enum flow_zone zones[] = { FLOW_INTERNET, FLOW_LAN };

	ret->zone = FLOW_NO_ZONE;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++)
		if (strcmp(flow_zone_name(zones[i]), name) == 0)
			ret->zone = zones[i];
	return true;
}

static bool read_address(const cJSON *object, struct flow_end *ret)
{
	const char *text = json_word(object, "address");
	struct ip_prefix prefix = { 0 };
	uint64_t family = 0;

	if (*text) {
		if (strlen(text) >= PREFIX_TEXT_LEN || ip_prefix_parse(text, &prefix) != 0)
			return false;
		ret->addr = prefix.addr;
		ret->len = prefix.len;
		return prefix.len > 0 && (ret->kind == FLOW_OUTSIDE || ret->kind == FLOW_NOBODY ||
					  prefix.len == 8 * ip_len(&prefix.addr));
	}
	if (number_of(object, "family", IP_V6, &family) && (family == IP_V4 || family == IP_V6))
		ret->addr.family = (uint8_t)family;
	return ret->addr.family == IP_NONE || ret->kind == FLOW_OUTSIDE || ret->kind == FLOW_NOBODY;
}

static bool is_name(const char *text)
{
	return strlen(text) <= WORLD_TEXT_MAX;
}

/* In the order of the file, which is that of whoever wrote it. False: no memory. */
static bool read_labels(const cJSON *object, struct arena *arena, struct flow_end *ret)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "labels"), *item;
	char labels[FLOW_LABELS_LEN] = "";

	cJSON_ArrayForEach(item, list)
		if (item->string && cJSON_IsString(item) && flow_label_tells(item->string))
			(void)flow_labels_add(labels, item->string, item->valuestring);
	ret->labels = *labels ? arena_strdup(arena, labels) : "";
	return ret->labels;
}

static bool read_end(const cJSON *flow, const char *name, struct flow_end *ret)
{
	const cJSON *object = cJSON_GetObjectItemCaseSensitive(flow, name);
	struct flow_end end = {
		.id = "", .name = "", .network = "", .tier = "", .image = "", .labels = ""
	};

	if (!cJSON_IsObject(object) || !read_kind(json_word(object, "kind"), &end))
		return false;
	if (end.kind == FLOW_CONTAINER) {
		end.image = json_word(object, "image");
		end.id = json_word(object, "id");
		end.name = json_word(object, "container");
		end.network = json_word(object, "network");
		end.tier = json_word(object, "tier");
		if (!*end.id || strlen(end.id) >= WORLD_ID_LEN || !is_name(end.name) ||
		    !is_name(end.network) || !is_name(end.tier) || !is_name(end.image))
			return false;
	}
	if (end.kind == FLOW_OUTSIDE && !read_zone(json_word(object, "zone"), &end))
		return false;
	if (!read_address(object, &end))
		return false;
	*ret = end;
	return true;
}

/* ---- the port ---- */

static bool read_hex(const char *text, uint16_t *ret)
{
	unsigned int value = 0;

	if (strlen(text) != 4 || strspn(text, "0123456789abcdef") != 4)
		return false;
	for (; *text; text++)
		value = value * 16 + (unsigned int)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	*ret = (uint16_t)value;
	return value != 0;
}

static bool read_protocol(const char *text, uint8_t *ret)
{
	unsigned int value = 0;

	if (!*text || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text))
		return false;
	for (; *text; text++)
		value = value * 10 + (unsigned int)(*text - '0');
	*ret = (uint8_t)value;
	return value <= UINT8_MAX;
}

/* What flow_port_text() says. */
static bool read_port(const char *text, struct flow *ret)
{
	static const char ether[] = "ethertype 0x", protocol[] = "protocol ";
	struct port_range range = { 0 };
	enum ip_proto proto;

	if (strcmp(text, "arp") == 0)
		return read_hex("0806", &ret->ether_type);
	if (strncmp(text, ether, sizeof(ether) - 1) == 0)
		return read_hex(text + sizeof(ether) - 1, &ret->ether_type);
	if (strncmp(text, protocol, sizeof(protocol) - 1) == 0)
		return read_protocol(text + sizeof(protocol) - 1, &ret->proto);
	if (proto_parse(text, &proto) == 0) {
		ret->proto = proto_number(proto);
		return true;
	}
	if (strlen(text) >= FLOW_PORT_LEN || port_range_parse(text, &range) != 0 ||
	    range.lo != range.hi)
		return false;
	ret->proto = proto_number((enum ip_proto)range.proto);
	ret->port = range.lo;
	return true;
}

/* ---- the rest ---- */

static bool read_verdict(const cJSON *json, struct arena *arena, struct flow *ret)
{
	const char *verdict = json_word(json, "verdict"), *reason = json_word(json, "reason");
	const char *place = json_word(json, "place");

	ret->verdict = FLOW_ALLOWED;
	while (strcmp(flow_verdict_name(ret->verdict), verdict) != 0) {
		if (ret->verdict == FLOW_DENIED)
			return false;
		ret->verdict = (enum flow_verdict)(ret->verdict + 1);
	}
	if (ret->verdict != FLOW_ALLOWED) {
		for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
			if (strcmp(reason_word((enum reason)i), reason) == 0)
				ret->reason = (enum reason)i;
		if (!ret->reason)
			return false;
	}
	ret->place = *place && is_name(place) ? arena_strdup(arena, place) : "";
	return ret->place;
}

static void read_folded(const cJSON *json, struct flow *ret)
{
	static const char *const names[] = { "from", "to", "port" };
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "folded"), *item;

	cJSON_ArrayForEach(item, list)
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (cJSON_IsString(item) && strcmp(item->valuestring, names[i]) == 0)
				ret->folded |= 1u << i;
}

static bool read_numbers(const cJSON *json, struct flow *ret)
{
	uint64_t host_port = 0;

	if (!number_of(json, "count", LARGEST, &ret->count) || ret->count == 0)
		return false;
	(void)number_of(json, "host_port", UINT16_MAX, &host_port);
	(void)number_of(json, "since_staged", LARGEST, &ret->since_staged);
	ret->host_port = (uint16_t)host_port;
	return policy_until_parse(json_word(json, "first"), &ret->first) == 0 &&
	       policy_until_parse(json_word(json, "last"), &ret->last) == 0 &&
	       ret->first <= ret->last && ret->since_staged <= ret->count;
}

int flow_from_json(const cJSON *json, struct arena *arena, struct flow *ret)
{
	struct flow flow = { .place = "" };
	uint64_t version = 0;

	if (!cJSON_IsObject(json) || !number_of(json, "v", FLOW_VERSION, &version) ||
	    version != FLOW_VERSION || !read_end(json, "from", &flow.from) ||
	    !read_end(json, "to", &flow.to) || !read_port(json_word(json, "port"), &flow) ||
	    !read_numbers(json, &flow))
		return FLOW_E_INVALID;
	if (!read_verdict(json, arena, &flow))
		return flow.place ? FLOW_E_INVALID : -ENOMEM;
	if (!read_labels(cJSON_GetObjectItemCaseSensitive(json, "from"), arena, &flow.from) ||
	    !read_labels(cJSON_GetObjectItemCaseSensitive(json, "to"), arena, &flow.to))
		return -ENOMEM;
	read_folded(json, &flow);
	*ret = flow;
	return 0;
}

int flow_read_line(const char *line, size_t len, struct arena *arena, struct flow *ret,
		   cJSON **ret_json)
{
	static const struct json_limits limits = { .depth = 8, .items = 256, .controls = true };
	size_t offset;

	if (len > LIMIT_FLOW_LINE || json_scan(line, len, limits, &offset))
		return FLOW_E_INVALID;
	CLEANUP(json_freep) cJSON *json = json_parse(line, len, NULL);
	int r = json ? flow_from_json(json, arena, ret) : FLOW_E_INVALID;
	if (r == 0)
		*ret_json = TAKE_PTR(json);
	return r;
}
