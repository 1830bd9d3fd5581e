/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/docker/version.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/text.h"

struct version {
	unsigned int major, minor;
};

static int parse_part(const char **text, char end, unsigned int *ret)
{
	unsigned int n = 0;
	const char *start = *text;

	for (; **text >= '0' && **text <= '9'; ++*text) {
		n = n * 10 + (unsigned int)(**text - '0');
		if (n > 9999)
			return -EINVAL;
	}
	if (*text == start || **text != end)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int parse(const char *text, struct version *ret)
{
	if (parse_part(&text, '.', &ret->major) < 0)
		return -EINVAL;
	text++;
	return parse_part(&text, '\0', &ret->minor);
}

static bool is_before(struct version a, struct version b)
{
	return a.major != b.major ? a.major < b.major : a.minor < b.minor;
}

const char *docker_stranger(const cJSON *version, const char *server)
{
	const cJSON *parts = cJSON_GetObjectItemCaseSensitive(version, "Components"), *part;
	const char *first = NULL;

	if (server && *server && !text_begins(server, "Docker/"))
		return server;
	cJSON_ArrayForEach(part, parts) {
		const char *name = json_text(part, "Name");
		if (name && strcmp(name, "Engine") == 0)
			return NULL;
		first = first || !name ? first : name;
	}
	return parts ? first ? first : "an engine without a name" : NULL;
}

int docker_negotiate(const char *newest, const char *oldest, char ret[DOCKER_API_LEN])
{
	struct version theirs, their_oldest = { 1, 12 }, ours, our_oldest;

	if (parse(newest, &theirs) < 0 || parse(DOCKER_API_NEWEST, &ours) < 0 ||
	    parse(DOCKER_API_OLDEST, &our_oldest) < 0)
		return -EINVAL;
	if (oldest && *oldest && parse(oldest, &their_oldest) < 0)
		return -EINVAL;
	struct version common = is_before(theirs, ours) ? theirs : ours;
	if (is_before(common, our_oldest) || is_before(common, their_oldest))
		return -EPROTONOSUPPORT;
	(void)snprintf(ret, DOCKER_API_LEN, "%u.%u", common.major, common.minor);
	return 0;
}

int docker_podman_version(const char *server, char *ret, size_t size)
{
	enum { OLDEST = 4 };
	const char *version = server ? text_after(server, "Libpod/") : NULL, *end = version;
	unsigned int major;

	if (!version || parse_part(&end, '.', &major) < 0)
		return -EINVAL;
	(void)snprintf(ret, size, "%.*s", (int)strcspn(version, " "), version);
	return major < OLDEST ? -EPROTONOSUPPORT : 0;
}
