/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

cJSON *world_json_parse(const char *bytes, size_t len, size_t *ret_offset)
{
	/* A NUL after the end, since cJSON before 1.7.18 looks one byte too far. */
	CLEANUP(free_ptr) char *copy = malloc(len + 1);
	const char *end = NULL;

	*ret_offset = 0;
	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	cJSON *json = cJSON_ParseWithLengthOpts(copy, len + 1, &end, 0);
	size_t offset = end ? (size_t)(end - copy) : 0;
	while (json && offset < len && is_blank(copy[offset]))
		offset++;
	if (json && offset < len) {
		cJSON_Delete(json);
		json = NULL;
	}
	*ret_offset = offset;
	return json;
}

void world_json_freep(cJSON **json)
{
	cJSON_Delete(*json);
	*json = NULL;
}

const cJSON *world_json_get(const cJSON *object, const char *key)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const char *world_json_text(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(world_json_get(object, key));
}

bool world_json_true(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(world_json_get(object, key));
}

int world_json_integer(const cJSON *number, int64_t lo, int64_t hi, int64_t *ret)
{
	if (!cJSON_IsNumber(number))
		return WORLD_E_INVALID;
	double value = number->valuedouble;
	/* NaN fails both comparisons. */
	if (!(value >= (double)lo && value <= (double)hi))
		return WORLD_E_INVALID;
	int64_t whole = (int64_t)value;
	if ((double)whole < value || (double)whole > value)
		return WORLD_E_INVALID;
	*ret = whole;
	return 0;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool world_id_valid(const char *id)
{
	size_t n = 0;

	if (!is_alnum(id[0]))
		return false;
	for (; id[n]; n++)
		if (n == WORLD_ID_LEN - 1 || (!is_alnum(id[n]) && !strchr("_.-", id[n])))
			return false;
	return true;
}

void world_id_copy(char ret[WORLD_ID_LEN], const char *id)
{
	size_t n = strnlen(id, WORLD_ID_LEN - 1);

	memset(ret, 0, WORLD_ID_LEN);
	memcpy(ret, id, n);
}

bool world_ifname_valid(const char *name)
{
	size_t n = 0;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; name[n]; n++)
		if (n == WORLD_IFNAME_LEN - 1 || strchr("/:% \t\n\v\f\r\xa0", name[n]))
			return false;
	return n > 0 && !strstr(name, "\xef\xbf\xbd");
}

void world_bridge_default(char ret[WORLD_IFNAME_LEN], const char *id)
{
	(void)snprintf(ret, WORLD_IFNAME_LEN, "br-%.12s", id);
}

bool world_address_possible(const struct ip_addr *addr)
{
	static const struct ip_addr unspecified6 = { .family = IP_V6 };
	static const struct ip_addr loopback6 = { IP_V6, { [15] = 1 } };

	static const struct ip_addr broadcast4 = { IP_V4, { 255, 255, 255, 255 } };
	uint8_t first = addr->bytes[0];

	if (addr->family == IP_V4) /* 240/4 is odd, but people use it */
		return first != 0 && first != 127 && (first < 224 || first > 239) &&
		       ip_compare(addr, &broadcast4) != 0;
	return addr->family == IP_V6 && addr->bytes[0] != 0xff &&
	       ip_compare(addr, &unspecified6) != 0 && ip_compare(addr, &loopback6) != 0;
}

int world_compare_labels(const void *left, const void *right)
{
	const struct world_label *a = left, *b = right;

	return strcmp(a->key, b->key);
}

int world_compare_published(const void *left, const void *right)
{
	const struct world_published *a = left, *b = right;

	if (a->port.lo != b->port.lo)
		return a->port.lo < b->port.lo ? -1 : 1;
	if (a->port.proto != b->port.proto)
		return a->port.proto < b->port.proto ? -1 : 1;
	int ips = ip_compare(&a->host_ip, &b->host_ip);
	if (ips)
		return ips;
	return (a->host_port > b->host_port) - (a->host_port < b->host_port);
}

size_t world_sort_published(struct world_published *items, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(items, n, sizeof(*items), world_compare_published);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || world_compare_published(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	return kept;
}
