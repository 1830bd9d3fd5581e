/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The posture of a container, from Docker's inspect answer: Config is what its image and whoever
 * made it say together, HostConfig what it was given. Most is fixed when it is created, limits can
 * be changed later (`docker update`). A member that is missing or of an odd kind is not known. */
#include <errno.h>
#include <string.h>

#include "core/base/text.h"
#include "core/world/docker-json.h"

static enum posture_value flag(const cJSON *object, const char *key)
{
	const cJSON *member = json_member(object, key);

	return cJSON_IsBool(member) ? posture_of(cJSON_IsTrue(member)) : POSTURE_UNKNOWN;
}

/* Whether a limit is set. Docker writes 0, -1 or null for none. */
static enum posture_value is_limit(const cJSON *object, const char *key)
{
	const cJSON *member = json_member(object, key);

	if (cJSON_IsNull(member))
		return POSTURE_NO;
	return cJSON_IsNumber(member) ? posture_of(member->valuedouble > 0) : POSTURE_UNKNOWN;
}

static enum posture_value either(enum posture_value a, enum posture_value b)
{
	if (a == POSTURE_YES || b == POSTURE_YES)
		return POSTURE_YES;
	return a == POSTURE_NO && b == POSTURE_NO ? POSTURE_NO : POSTURE_UNKNOWN;
}

/* A list with something in it. One that an older Docker does not know is not there. */
static enum posture_value is_filled(const cJSON *object, const char *key)
{
	const cJSON *member = json_member(object, key);

	if (!member || cJSON_IsNull(member))
		return POSTURE_NO;
	return cJSON_IsArray(member) ? posture_of(member->child) : POSTURE_UNKNOWN;
}

static enum posture_value is_of_host(const cJSON *object, const char *key)
{
	const char *text = json_text(object, key);

	return text ? posture_of(strcmp(text, "host") == 0) : POSTURE_UNKNOWN;
}

static bool is_list(const cJSON *member)
{
	return cJSON_IsArray(member) || cJSON_IsNull(member);
}

static void note_capabilities(const cJSON *host, const char *key, bool dropped,
			      struct posture_capabilities *all)
{
	const cJSON *list = json_member(host, key);

	all->unknown |= !is_list(list);
	for (const cJSON *item = list ? list->child : NULL; item; item = item->next)
		if (cJSON_IsString(item))
			posture_note_capability(all, cJSON_GetStringValue(item), dropped);
		else
			all->unknown = true;
}

static void read_capabilities(const cJSON *host, struct posture *posture)
{
	struct posture_capabilities all = { 0 };

	if (!host)
		return;
	note_capabilities(host, "CapAdd", false, &all);
	note_capabilities(host, "CapDrop", true, &all);
	posture_set_capabilities(posture, &all);
}

static void read_security(const cJSON *host, struct posture *posture)
{
	const cJSON *list = json_member(host, "SecurityOpt");

	if (!is_list(list))
		return;
	posture->facts[POSTURE_NO_NEW_PRIVILEGES] = POSTURE_NO;
	posture->facts[POSTURE_UNCONFINED] = POSTURE_NO;
	for (const cJSON *item = list->child; item; item = item->next)
		if (cJSON_IsString(item)) /* a profile of its own is longer than is read */
			posture_note_security_option(posture, cJSON_GetStringValue(item));
}

static void read_limits(const cJSON *host, struct posture *posture)
{
	const cJSON *swap = json_member(host, "MemorySwap");

	posture->facts[POSTURE_MEMORY] = is_limit(host, "Memory");
	posture->facts[POSTURE_CPUS] =
		either(is_limit(host, "NanoCpus"), is_limit(host, "CpuQuota"));
	posture->facts[POSTURE_PIDS] = is_limit(host, "PidsLimit");
	if (cJSON_IsNumber(swap))
		posture->facts[POSTURE_ENDLESS_SWAP] = posture_of(swap->valuedouble < 0);
}

static void read_health(const cJSON *config, struct posture *posture)
{
	static const char *const times[] = { "Interval", "Timeout", "Retries", "StartPeriod" };
	const cJSON *health = json_member(config, "Healthcheck");
	const cJSON *test = json_member(health, "Test");
	const char *first = cJSON_IsArray(test) ? cJSON_GetStringValue(test->child) : NULL;
	bool all = true;

	if (!config)
		return;
	posture->facts[POSTURE_HEALTHCHECK] = posture_of(first && strcmp(first, "NONE") != 0);
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		all &= is_limit(health, times[i]) == POSTURE_YES;
	posture->facts[POSTURE_HEALTHCHECK_TIMES] = posture_of(all);
}

static void read_logging(const cJSON *host, struct posture *posture)
{
	const cJSON *logging = json_member(host, "LogConfig");
	const cJSON *options = json_member(logging, "Config");
	const char *type = json_text(logging, "Type");

	if (type)
		posture->facts[POSTURE_LOG_LIMITS] = posture_log_is_limited(
			type, json_text(options, "max-size"), json_text(options, "max-file"));
}

/* What stands behind the = never arrives here (core/world/docker-want.c). */
static void read_environment(const cJSON *config, struct posture *posture)
{
	const cJSON *list = json_member(config, "Env");
	enum posture_value found = POSTURE_NO;

	if (!is_list(list))
		return;
	for (const cJSON *item = list->child; item; item = item->next) {
		const char *name = cJSON_GetStringValue(item);
		if (!name && found == POSTURE_NO)
			found = POSTURE_UNKNOWN;
		if (name && posture_is_secret_name(name, strcspn(name, "=")))
			found = POSTURE_YES;
	}
	posture->facts[POSTURE_SECRETS] = found;
}

static void read_namespaces(const cJSON *host, struct posture *posture)
{
	static const struct {
		enum posture_fact fact;
		const char *key;
	} namespaces[] = {
		{ POSTURE_HOST_NETWORK, "NetworkMode" }, { POSTURE_HOST_PID, "PidMode" },
		{ POSTURE_HOST_IPC, "IpcMode" },	 { POSTURE_HOST_UTS, "UTSMode" },
		{ POSTURE_HOST_USERS, "UsernsMode" },
	};

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		posture->facts[namespaces[i].fact] = is_of_host(host, namespaces[i].key);
}

int world_docker_posture(struct world_docker_answer *answer, const cJSON *json, struct posture *ret)
{
	const cJSON *host = json_member(json, "HostConfig");
	const cJSON *config = json_member(json, "Config");
	const char *user = json_text(config, "User"), *image;
	struct posture found = { 0 };

	found.facts[POSTURE_PRIVILEGED] = flag(host, "Privileged");
	found.facts[POSTURE_READ_ONLY] = flag(host, "ReadonlyRootfs");
	if (user)
		found.facts[POSTURE_ROOT] = posture_user_is_root(user);
	read_capabilities(host, &found);
	read_security(host, &found);
	read_limits(host, &found);
	read_health(config, &found);
	read_logging(host, &found);
	read_environment(config, &found);
	read_namespaces(host, &found);
	if (host)
		found.facts[POSTURE_DEVICES] = either(is_filled(host, "Devices"),
						      either(is_filled(host, "DeviceRequests"),
							     is_filled(host, "DeviceCgroupRules")));
	if (cJSON_IsArray(json_member(json, "Mounts")))
		found.facts[POSTURE_DOCKER_SOCKET] =
			posture_of((world_docker_traits(json) & WORLD_DOCKER_SOCKET) != 0);
	image = json_text(config, "Image");
	if (image && *image && !world_docker_is_long(image) &&
	    !(found.image = arena_strdup(answer->arena, image)))
		return -ENOMEM;
	posture_complete(&found);
	*ret = found;
	return 0;
}
