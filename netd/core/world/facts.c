/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/facts.h"
#include "core/base/sort.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_alnum(char c)
{
	char lower = (char)(c | 0x20);

	return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

bool world_id_valid(const char *id)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-";
	size_t n = strspn(id, letters);

	return is_alnum(id[0]) && n < WORLD_ID_LEN && id[n] == '\0';
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
	return sort_once(items, n, sizeof(*items), world_compare_published);
}
