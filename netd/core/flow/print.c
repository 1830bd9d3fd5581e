/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "core/flow/json.h"
#include "core/flow/labels.h"
#include "core/policy/until.h"

/* Adds to @object, unless something has failed before. */
static bool add(cJSON *object, const char *name, cJSON *value)
{
	if (!value || cJSON_AddItemToObjectCS(object, name, value))
		return value;
	cJSON_Delete(value);
	return false;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
	return add(object, name, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static bool add_number(cJSON *object, const char *name, double number)
{
	return add(object, name, cJSON_CreateNumber(number));
}

static bool add_labels(cJSON *object, const char *labels)
{
	cJSON *list = cJSON_CreateObject();
	struct flow_label label;

	if (!add(object, "labels", list))
		return false;
	while (flow_labels_next(&labels, &label)) {
		char text[FLOW_LABELS_LEN]; /* both, each with its end */
		memcpy(text, label.key, label.key_len);
		text[label.key_len] = '\0';
		char *value = text + label.key_len + 1;
		memcpy(value, label.value, label.value_len);
		value[label.value_len] = '\0';
		if (!cJSON_AddStringToObject(list, text, value))
			return false;
	}
	return true;
}

static bool add_container(cJSON *object, const struct flow_end *end)
{
	return add_text(object, "container", end->name) && add_text(object, "id", end->id) &&
	       add_text(object, "network", end->network) &&
	       add_text(object, "tier", *end->tier ? end->tier : NULL) &&
	       (!*end->image || add_text(object, "image", end->image)) &&
	       (!*end->labels || add_labels(object, end->labels));
}

static bool add_address(cJSON *object, const struct flow_end *end)
{
	char text[PREFIX_TEXT_LEN];

	if (!end->addr.family)
		return true;
	if (end->len == 0)
		return add_number(object, "family", end->addr.family);
	return add_text(object, "address", flow_address_text(end, text));
}

static bool add_end(cJSON *flow, const char *name, const struct flow_end *end)
{
	cJSON *object = cJSON_CreateObject();

	if (!add(flow, name, object) || !add_text(object, "kind", flow_kind_name(end)))
		return false;
	if (end->kind == FLOW_CONTAINER && !add_container(object, end))
		return false;
	if (end->kind == FLOW_OUTSIDE && !add_text(object, "zone", flow_zone_name(end->zone)))
		return false;
	return add_address(object, end);
}

static bool add_folded(cJSON *object, unsigned int folded)
{
	static const char *const names[] = { "from", "to", "port" };
	cJSON *list = folded ? cJSON_CreateArray() : NULL;

	if (!folded)
		return true;
	if (!add(object, "folded", list))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (folded & 1u << i && !cJSON_AddItemToArray(list, cJSON_CreateString(names[i])))
			return false;
	return true;
}

static bool add_moment(cJSON *object, const char *name, int64_t seconds)
{
	char text[UNTIL_TEXT_LEN];

	return add_text(object, name, policy_until_format(seconds, text));
}

static bool add_verdict(cJSON *object, const struct flow *flow)
{
	if (!add_text(object, "verdict", flow_verdict_name(flow->verdict)))
		return false;
	if (flow->verdict != FLOW_ALLOWED && !add_text(object, "reason", reason_word(flow->reason)))
		return false;
	return !*flow->place || add_text(object, "place", flow->place);
}

static bool add_members(cJSON *object, const struct flow *flow)
{
	char port[FLOW_PORT_LEN];

	return add_number(object, "v", FLOW_VERSION) && add_end(object, "from", &flow->from) &&
	       add_end(object, "to", &flow->to) &&
	       add_text(object, "port", flow_port_text(flow, port)) &&
	       (!flow->host_port || add_number(object, "host_port", flow->host_port)) &&
	       add_folded(object, flow->folded) && add_verdict(object, flow) &&
	       add_number(object, "count", (double)flow->count) &&
	       (!flow->since_staged ||
		add_number(object, "since_staged", (double)flow->since_staged)) &&
	       add_moment(object, "first", flow->first) && add_moment(object, "last", flow->last);
}

cJSON *flow_to_json(const struct flow *flow)
{
	cJSON *object = cJSON_CreateObject();

	if (object && add_members(object, flow))
		return object;
	cJSON_Delete(object);
	return NULL;
}
