/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is on a network, as Docker tells of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/base/sort.h"
#include "core/base/text.h"
#include "core/world/docker-json.h"

/* "172.18.0.2/16" or "", which is what host and none networks have. An address that no container
 * can have counts as none: that endpoint stays closed, the others are served. */
static int read_endpoint_address(struct world_docker_answer *answer, const char *text,
				 enum ip_family family, struct ip_addr *ret)
{
	if (!text || !*text)
		return 0;
	if (!world_docker_address(text, ret) || ret->family != family)
		return world_docker_refuse(answer, "Containers: not an address");
	if (!world_address_possible(ret))
		*ret = (struct ip_addr){ 0 };
	return 0;
}

/* 64 random hex digits, of which 16 tell any two apart. podman has none: without it nobody can say
 * whether a port is that endpoint's or an earlier one's. */
static uint64_t read_endpoint_id(const char *text)
{
	char digits[17] = "";

	if (!text || strspn(text, "0123456789abcdef") < sizeof(digits) - 1)
		return 0;
	memcpy(digits, text, sizeof(digits) - 1);
	return strtoull(digits, NULL, 16);
}

int world_docker_addresses(struct world_docker_answer *answer, const cJSON *json,
			   const char *const keys[2], struct world_docker_endpoint *ret)
{
	const char *mac = json_text(json, "MacAddress");

	if (mac && *mac && mac_parse(mac, &ret->mac) < 0)
		return world_docker_refuse(answer, "Containers: not a MAC address");
	if (ret->mac.bytes[0] & 1) /* multicast: no interface has that */
		ret->mac = (struct mac_addr){ 0 };
	int r = read_endpoint_address(answer, json_text(json, keys[0]), IP_V4, &ret->ipv4);
	if (r)
		return r;
	return read_endpoint_address(answer, json_text(json, keys[1]), IP_V6, &ret->ipv6);
}

/* What is not understood of it counts as missing: without its address or MAC it is admitted through
 * no port. */
static int read_endpoint(struct world_docker_answer *answer, const cJSON *json,
			 struct world_docker_endpoint *ret)
{
	static const char *const keys[2] = { "IPv4Address", "IPv6Address" };

	ret->id = read_endpoint_id(json_text(json, "EndpointID"));
	return world_docker_addresses(answer, json, keys, ret);
}

static bool is_container_key(const char *key)
{
	const size_t container_len = WORLD_ID_LEN - 1;

	return strlen(key) == container_len && strspn(key, "0123456789abcdef") == container_len;
}

/* Whose an endpoint is follows from its key. False: it is nobody's. */
static bool read_key(const char *key, struct world_docker_endpoint *ret)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const size_t build_len = 25;
	size_t len = strlen(key);

	ret->kind = WORLD_OTHER;
	if (is_container_key(key))
		ret->kind = WORLD_CONTAINER;
	else if (len == build_len && strspn(key, letters) == len)
		ret->kind = WORLD_BUILD;
	else if (strcmp(key, "ingress-sbox") == 0)
		ret->kind = WORLD_INGRESS;
	if (!world_id_valid(key))
		return false;
	world_id_copy(ret->container_id, key);
	return true;
}

/* 0, WORLD_E_INVALID: it has none, or -ENOMEM. */
static int read_name(struct world_docker_answer *answer, const cJSON *json,
		     struct world_docker_endpoint *ret)
{
	const char *name = json_text(json, "Name");

	if (!name || !*name || world_docker_is_long(name))
		return WORLD_E_INVALID;
	ret->kind = WORLD_CONTAINER;
	ret->name = world_docker_text(answer, name, "");
	return ret->name ? 0 : -ENOMEM;
}

/* ---- one after the other ---- */

struct endpoint_vec {
	struct world_docker_endpoint *items;
	size_t n, cap;
};

struct endpoint_reading {
	struct world_docker_answer *answer;
	const struct world_docker_known *known;
	size_t n_known, next; /* those before the next one have come, or are gone */
	struct text object;   /* a member as an object of its own */
	struct endpoint_vec joined, named;
};

static int add(struct endpoint_reading *reading, struct endpoint_vec *list,
	       const struct world_docker_endpoint *endpoint)
{
	if (reading->joined.n + reading->named.n < LIMIT_ENDPOINTS)
		return VEC_PUSH(reading->answer->arena, list, *endpoint);
	world_docker_leave_out(reading->answer, "there are too many");
	return 0;
}

/* Before an endpoint is joined to a sandbox Docker's key for it is "ep-" and its own id. */
static int take_endpoint(struct endpoint_reading *reading, const cJSON *json,
			 struct json_span member)
{
	struct world_docker_answer *answer = reading->answer;
	struct world_docker_endpoint endpoint = { .member = member };
	bool is_named = text_begins(json->string, "ep-");
	int r = is_named			    ? read_name(answer, json, &endpoint)
		: read_key(json->string, &endpoint) ? 0
						    : WORLD_E_INVALID;

	if (r)
		return r == WORLD_E_INVALID ? 0 : r;
	if (read_endpoint(answer, json, &endpoint)) {
		endpoint.mac = (struct mac_addr){ 0 };
		endpoint.ipv4 = endpoint.ipv6 = (struct ip_addr){ 0 };
		world_docker_leave_out(answer, answer->error);
		answer->error = NULL;
	}
	return add(reading, is_named ? &reading->named : &reading->joined, &endpoint);
}

static int read_member(struct endpoint_reading *reading, struct json_span member)
{
	reading->object.len = 0;
	text_add(&reading->object, "{");
	text_add_n(&reading->object, member.bytes, member.len);
	text_add(&reading->object, "}");
	if (text_failed(&reading->object))
		return -ENOMEM;
	CLEANUP(json_freep)
	cJSON *json =
		world_docker_part(reading->answer, text_str(&reading->object), reading->object.len);
	return json && json->child ? take_endpoint(reading, json->child, member) : WORLD_E_INVALID;
}

static int pass_known(struct endpoint_reading *reading, struct json_cursor *cursor)
{
	int r = 0;

	while (r == 0 && reading->next < reading->n_known) {
		const struct world_docker_known *known = &reading->known[reading->next];
		struct world_docker_endpoint endpoint = { .known = known, .kind = known->kind };
		if (!known->member.len || !json_pass_member(cursor, known->member))
			break;
		endpoint.member =
			(struct json_span){ cursor->bytes + cursor->at - known->member.len,
					    known->member.len };
		world_id_copy(endpoint.container_id, known->container_id);
		reading->next++;
		r = add(reading, &reading->joined, &endpoint);
	}
	return r;
}

/* Docker writes them in the order of their keys: those before this one will not come any more. */
static void forget_before(struct endpoint_reading *reading, struct json_span key)
{
	for (; reading->next < reading->n_known; reading->next++) {
		const char *id = reading->known[reading->next].container_id;
		size_t len = strlen(id);
		int order = memcmp(id, key.bytes, len < key.len ? len : key.len);
		if (order > 0 || (order == 0 && len > key.len))
			return;
	}
}

static int read_members(struct endpoint_reading *reading, struct json_cursor *cursor)
{
	struct json_span key, value;
	enum json_step step;
	int r = pass_known(reading, cursor);

	while (r == 0 && (step = json_next_key(cursor, &key)) != JSON_END) {
		if (step == JSON_BROKEN || !json_take_value(cursor, &value))
			return world_docker_refuse(reading->answer, "not JSON");
		const char *begin = key.bytes - 1;
		size_t len = (size_t)(value.bytes + value.len - begin);
		r = read_member(reading, (struct json_span){ begin, len });
		forget_before(reading, key);
		if (r == 0)
			r = pass_known(reading, cursor);
	}
	return r;
}

int world_docker_endpoints(struct world_docker_answer *answer, struct json_cursor *cursor,
			   const struct world_docker_known *known, size_t n_known,
			   struct world_docker_network *network)
{
	struct endpoint_reading reading = { .answer = answer, .known = known, .n_known = n_known };
	const char *begin = cursor->bytes + cursor->at;
	int r = read_members(&reading, cursor);

	text_done(&reading.object);
	network->members =
		(struct json_span){ begin, (size_t)(cursor->bytes + cursor->at - begin) };
	network->endpoints = reading.joined.items;
	network->n_endpoints = reading.joined.n;
	network->named = reading.named.items;
	network->n_named = reading.named.n;
	return r;
}

/* ---- each once ---- */

static int compare_endpoints(const void *left, const void *right)
{
	const struct world_docker_endpoint *a = left, *b = right;

	return strcmp(a->container_id, b->container_id);
}

int world_docker_each_once(struct world_docker_answer *answer, struct world_docker_network *network)
{
	size_t n = network->n_endpoints, i = 1;

	while (i < n && compare_endpoints(&network->endpoints[i - 1], &network->endpoints[i]) < 0)
		i++;
	if (i >= n) /* as Docker writes them */
		return 0;
	network->n_endpoints =
		sort_once(network->endpoints, n, sizeof(*network->endpoints), compare_endpoints);
	return network->n_endpoints == n
		       ? 0
		       : world_docker_refuse(answer, "Containers: an id is there twice");
}
