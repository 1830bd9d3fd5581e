/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services that a packet filter cannot hold. They stay in the world; the admin is told. */
#include <stdio.h>
#include <string.h>

#include "core/compose/plan.h"
#include "core/world/facts.h"

#define CAPABILITY_LEN 32

/* Docker takes small letters too. */
static uint32_t read_capability(const char *text, char ret[CAPABILITY_LEN])
{
	(void)snprintf(ret, CAPABILITY_LEN, "%s", text);
	for (char *c = ret; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return world_capability_traits(ret);
}

static void check_capabilities(struct compose *c, struct plan_service *service)
{
	const struct draft_texts *all = &service->draft->capabilities;
	char name[CAPABILITY_LEN];

	for (size_t i = 0; i < all->n; i++) {
		uint32_t traits = read_capability(all->items[i].text, name);
		if (traits)
			compose_report(c, CF_POWERFUL_CAPABILITY, all->items[i].loc,
				       "leave it out if the service can do without",
				       "`%s` has the capability %s: a packet filter may not be "
				       "able to contain it",
				       service->draft->name, name);
		service->facts.traits |= traits;
	}
}

uint32_t compose_mount_traits(const char *source)
{
	char path[32]; /* longer ones hold no socket */
	size_t n = strlen(source);

	while (n > 1 && source[n - 1] == '/')
		n--;
	if (n >= sizeof(path))
		return 0;
	memcpy(path, source, n);
	path[n] = '\0';
	return world_mount_traits(path);
}

static void check_mounts(struct compose *c, struct plan_service *service)
{
	const struct draft_service *draft = service->draft;

	for (size_t i = 0; i < draft->mounts.n; i++) {
		const struct draft_mount *mount = &draft->mounts.items[i];
		uint32_t traits = compose_mount_traits(mount->source);
		if (traits & ~service->facts.traits) /* one such mount is all it takes */
			compose_report(c, CF_DOCKER_SOCKET, mount->loc,
				       "whoever has the socket is root on the host, `ro` or not: "
				       "put a proxy between that filters its requests",
				       "`%s` mounts `%s`, and with it Docker's socket", draft->name,
				       compose_quote(c, mount->source));
		service->facts.traits |= traits;
	}
}

void compose_check_dangers(struct compose *c, struct plan_service *service)
{
	const struct draft_service *draft = service->draft;

	compose_about_service(c, draft->name);
	if (service->mode == PLAN_HOST) {
		compose_report(c, CF_HOST_NETWORK,
			       draft->network_mode.text ? draft->network_mode.loc : draft->loc,
			       "give it a network and publish the ports it needs",
			       "`%s` is in the host's own network: no tier covers it, and no rule "
			       "applies to it",
			       draft->name);
		service->facts.traits |= WORLD_HOST_NETWORK;
	}
	if (draft->pid.text && strcmp(draft->pid.text, "host") == 0)
		service->facts.traits |= WORLD_HOST_PID;
	if (draft->privileged.value) {
		compose_report(c, CF_PRIVILEGED, draft->privileged.loc,
			       "give it the devices and capabilities it needs instead",
			       "`%s` is privileged: it can change the host, and a packet filter "
			       "cannot contain it",
			       draft->name);
		service->facts.traits |= WORLD_PRIVILEGED;
	}
	if (draft->api_socket.value) {
		compose_report(c, CF_DOCKER_SOCKET, draft->api_socket.loc,
			       "whoever has the socket is root on the host",
			       "`%s` has Docker's socket", draft->name);
		service->facts.traits |= WORLD_DOCKER_SOCKET;
	}
	check_capabilities(c, service);
	check_mounts(c, service);
}
