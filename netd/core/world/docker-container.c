/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers as Docker lists and inspects them, and the lines of its event stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/world/docker-json.h"
#include "core/world/world-store.h"

#define SHORT_ID 12

/* "/web-1"; names with a second slash are links of other containers to this one. */
static const char *own_name(const cJSON *names)
{
	for (const cJSON *item = cJSON_IsArray(names) ? names->child : NULL; item;
	     item = item->next) {
		const char *name = cJSON_GetStringValue(item);
		if (name && name[0] == '/' && name[1] && !strchr(name + 1, '/'))
			return name + 1;
	}
	return NULL;
}

/* Docker's labels are a map, but with NUL made \ufffd two of an image's can have become one: then
 * nobody knows which of them counts, and no tier may match the container. */
static int read_labels(struct world_docker_answer *answer, const cJSON *json,
		       enum world_origin origin, struct world_container *container)
{
	VEC(struct world_label) labels = { 0 };

	for (const cJSON *item = cJSON_IsObject(json) ? json->child : NULL; item;
	     item = item->next) {
		const char *value = cJSON_GetStringValue(item);
		if (!value && !cJSON_IsNull(item))
			return world_docker_refuse(answer, "the value of a label is too long");
		if (!value && !*item->string) { /* some were left out (core/base/json-pick.h) */
			container->labels_cut = true;
			continue;
		}
		struct world_label label = { arena_strdup(answer->arena, item->string),
					     value ? arena_strdup(answer->arena, value) : NULL,
					     origin };
		if (!label.key || (value && !label.value) ||
		    VEC_PUSH(answer->arena, &labels, label) < 0)
			return -ENOMEM;
	}
	if (labels.n)
		qsort(labels.items, labels.n, sizeof(*labels.items), world_compare_labels);
	for (size_t i = 1; i < labels.n; i++)
		if (world_compare_labels(&labels.items[i - 1], &labels.items[i]) == 0)
			return world_docker_refuse(answer, "two of its labels have one key");
	container->labels = labels.items;
	container->n_labels = labels.n;
	return 0;
}

/* NULL: out of memory. */
static const char *network_mode(struct world_docker_answer *answer, const cJSON *json)
{
	const char *mode = json_text(json_member(json, "HostConfig"), "NetworkMode");

	return world_docker_text(answer, mode && strcmp(mode, "default") == 0 ? "bridge" : mode,
				 "");
}

/* Matching a name we had to cut could put it into the wrong tier. */
static int read_names(struct world_docker_answer *answer, const cJSON *json,
		      struct world_container *facts)
{
	const char *name = own_name(json_member(json, "Names"));
	const cJSON *image = json_member(json, "Image");
	char short_id[SHORT_ID + 1] = "";

	memcpy(short_id, facts->id, SHORT_ID);
	facts->name = world_docker_text(answer, name, short_id);
	facts->image = world_docker_text(answer, cJSON_GetStringValue(image), "");
	facts->network_mode = network_mode(answer, json);
	if (!facts->name || !facts->image || !facts->network_mode)
		return -ENOMEM;
	facts->known = name; /* Docker's list shows a container that it is removing without one */
	if (world_docker_is_long(name))
		return world_docker_refuse(answer, "its name is too long");
	if (world_docker_is_long(cJSON_GetStringValue(image)) || (image && !cJSON_IsString(image)))
		return world_docker_refuse(answer, "the name of its image is too long");
	return 0;
}

static void read_image_id(const char *text, char ret[WORLD_ID_LEN])
{
	const char *id = text ? text_after(text, "sha256:") : NULL;

	ret[0] = '\0';
	if (id && world_id_valid(id))
		world_id_copy(ret, id);
}

/* podman says "sha256:" alone of a container that was made of a folder (--rootfs), as it makes the
 * infra container of each pod from 5.5 on. Then there is nobody else whose its labels might be. */
static bool has_no_image(const cJSON *json)
{
	const char *name = json_text(json, "Image"), *id = json_text(json, "ImageID");

	return name && id && !*name && strcmp(id, "sha256:") == 0;
}

/* An image that was built here, and is in no repository, has none. */
static int read_digests(struct world_docker_answer *answer, const cJSON *list,
			struct world_image *ret)
{
	VEC(struct images_digest) found = { 0 };
	struct images_digest digest;

	for (const cJSON *item = cJSON_IsArray(list) ? list->child : NULL;
	     item && found.n < LIMIT_IMAGE_DIGESTS; item = item->next) {
		const char *text = cJSON_GetStringValue(item);
		if (text && images_digest_parse(text, &digest) &&
		    VEC_PUSH(answer->arena, &found, digest) < 0)
			return -ENOMEM;
	}
	ret->digests = found.items;
	ret->n_digests = found.n;
	return 0;
}

int world_docker_image(struct world_docker_answer *answer, struct world_container *ret,
		       struct world_image *ret_image)
{
	CLEANUP(json_freep) cJSON *json = world_docker_value(answer);

	if (!json)
		return WORLD_E_INVALID;
	read_image_id(json_text(json, "Id"), ret->id);
	if (!*ret->id)
		return world_docker_refuse(answer, "Id: missing or not that of an image");
	if (read_digests(answer, json_member(json, "RepoDigests"), ret_image) < 0)
		return -ENOMEM;
	return read_labels(answer, json_member(json_member(json, "Config"), "Labels"), WORLD_UNTOLD,
			   ret);
}

/* Docker before 28 knows of none. */
static int read_priorities(struct world_docker_answer *answer, const cJSON *networks,
			   struct world_container *container)
{
	VEC(struct world_priority) found = { 0 };

	for (const cJSON *item = cJSON_IsObject(networks) ? networks->child : NULL; item;
	     item = item->next) {
		const char *id = json_text(item, "NetworkID");
		struct world_priority one = { .priority = 0 };
		int64_t priority = 0;
		if (!id || !world_id_valid(id) ||
		    !json_integer(json_member(item, "GwPriority"), INT32_MIN, INT32_MAX,
				  &priority) ||
		    priority == 0)
			continue;
		world_id_copy(one.network, id);
		one.priority = (int32_t)priority;
		if (VEC_PUSH(answer->arena, &found, one) < 0)
			return -ENOMEM;
	}
	container->priorities = found.items;
	container->n_priorities = found.n;
	return 0;
}

/* Refused where it has no id. */
static int read_container(struct world_docker_answer *answer, const cJSON *json,
			  struct world_docker_container *ret)
{
	struct world_container facts = { 0 };
	const char *id = json_text(json, "Id");
	const char *state = json_text(json, "State");
	struct world_published *bound = NULL;

	if (!id || !world_id_valid(id))
		return world_docker_refuse(answer, "Id: missing or not an id");
	world_id_copy(facts.id, id);
	int r = world_docker_flaw(answer, &facts.flaw, read_names(answer, json, &facts));
	if (!r)
		r = world_docker_flaw(answer, &facts.flaw,
				      read_labels(answer, json_member(json, "Labels"),
						  has_no_image(json) ? WORLD_OWN : WORLD_UNTOLD,
						  &facts));
	if (!r)
		r = world_docker_flaw(answer, &facts.flaw,
				      world_docker_port_list(answer, json_member(json, "Ports"),
							     &bound, &facts.n_published));
	if (!r)
		r = read_priorities(answer,
				    json_member(json_member(json, "NetworkSettings"), "Networks"),
				    &facts);
	if (r)
		return r;
	facts.known &= !facts.flaw;
	read_image_id(json_text(json, "ImageID"), facts.image_id);
	facts.published = bound;
	facts.traits = world_docker_traits(json);
	ret->facts = facts;
	ret->running = state && (strcmp(state, "running") == 0 || strcmp(state, "paused") == 0);
	return 0;
}

static int compare_containers(const void *left, const void *right)
{
	const struct world_docker_container *a = left, *b = right;

	return strcmp(a->facts.id, b->facts.id);
}

struct container_vec {
	struct world_docker_container *items;
	size_t n, cap;
};

static int add_docker_container(struct world_docker_answer *answer, const cJSON *json,
				void *userdata)
{
	struct container_vec *containers = userdata;
	struct world_docker_container container;
	int r = read_container(answer, json, &container);

	return r ? r : VEC_PUSH(answer->arena, containers, container);
}

int world_docker_containers(struct world_docker_answer *answer, struct world_docker_container **ret,
			    size_t *ret_n)
{
	struct container_vec found = { 0 };
	int r = world_docker_list(answer, "not a list of containers", add_docker_container, &found);
	size_t kept = 0;

	if (r)
		return r;
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), compare_containers);
	for (size_t i = 0; i < found.n; i++)
		if (kept == 0 || compare_containers(&found.items[kept - 1], &found.items[i]) != 0) {
			found.items[kept++] = found.items[i];
		} else {
			found.items[kept - 1].facts.flaw = "it is in Docker's list twice";
			found.items[kept - 1].facts.known = false;
		}
	*ret = found.items;
	*ret_n = kept;
	return 0;
}

/* What is no address is none that a packet could go to. */
static int read_dns(struct world_docker_answer *answer, const cJSON *list,
		    struct world_docker_inspect *ret)
{
	VEC(struct ip_addr) found = { 0 };

	for (const cJSON *item = cJSON_IsArray(list) ? list->child : NULL; item;
	     item = item->next) {
		const char *text = cJSON_GetStringValue(item);
		struct ip_addr addr;
		if (text && ip_parse(text, &addr) == 0 && VEC_PUSH(answer->arena, &found, addr) < 0)
			return -ENOMEM;
	}
	ret->dns = found.items;
	ret->n_dns = found.n;
	return 0;
}

int world_docker_inspect(struct world_docker_answer *answer, struct world_docker_inspect *ret)
{
	CLEANUP(json_freep) cJSON *json = world_docker_value(answer);
	struct world_docker_inspect found = { 0 };

	if (!json)
		return WORLD_E_INVALID;
	const char *id = json_text(json, "Id");
	if (!id || !world_id_valid(id))
		return world_docker_refuse(answer, "Id: missing or not an id");
	world_id_copy(found.id, id);
	found.traits = world_docker_traits(json);
	found.network_mode = network_mode(answer, json);
	if (!found.network_mode)
		return -ENOMEM;
	found.running = json_is_true(json_member(json, "State"), "Running");
	int r = world_docker_port_map(answer,
				      json_member(json_member(json, "NetworkSettings"), "Ports"),
				      &found.bound, &found.n_bound);
	if (!r)
		r = world_docker_port_map(
			answer, json_member(json_member(json, "HostConfig"), "PortBindings"),
			&found.configured, &found.n_configured);
	if (!r)
		r = read_dns(answer, json_member(json_member(json, "HostConfig"), "Dns"), &found);
	if (!r)
		r = world_docker_posture(answer, json, &found.posture);
	if (!r)
		*ret = found;
	return r;
}

/* ---- events ---- */

static enum world_event_kind event_kind(const char *type, const char *action)
{
	static const struct {
		const char *type, *action;
		enum world_event_kind kind;
	} kinds[] = {
		{ "network", "connect", WORLD_EVENT_NETWORK_CONNECT },
		{ "network", "disconnect", WORLD_EVENT_NETWORK_DISCONNECT },
		{ "network", "create", WORLD_EVENT_NETWORK_CREATE },
		{ "network", "destroy", WORLD_EVENT_NETWORK_DESTROY },
		{ "network", "remove", WORLD_EVENT_NETWORK_DESTROY }, /* swarm and podman */
		{ "container", "create", WORLD_EVENT_CONTAINER_CREATE },
		{ "container", "start", WORLD_EVENT_CONTAINER_START },
		{ "container", "die", WORLD_EVENT_CONTAINER_DIE },
		{ "container", "destroy", WORLD_EVENT_CONTAINER_DESTROY },
		{ "container", "remove", WORLD_EVENT_CONTAINER_DESTROY }, /* podman */
		{ "container", "rename", WORLD_EVENT_CONTAINER_RENAME },
		{ "container", "update", WORLD_EVENT_CONTAINER_UPDATE },
		{ "daemon", "reload", WORLD_EVENT_DAEMON_RELOAD },
	};

	for (size_t i = 0; type && action && i < ARRAY_LEN(kinds); i++)
		if (strcmp(type, kinds[i].type) == 0 && strcmp(action, kinds[i].action) == 0)
			return kinds[i].kind;
	return WORLD_EVENT_OTHER;
}

/* API 1.52 dropped `status`, `id` and `from`; Actor is in all since 1.22. */
int world_parse_event(const char *line, size_t len, struct world_event *ret)
{
	size_t offset;

	if (len > LIMIT_DOCKER_EVENT_BYTES)
		return WORLD_E_INVALID;
	CLEANUP(json_freep) cJSON *json = json_parse(line, len, &offset);
	if (!cJSON_IsObject(json))
		return WORLD_E_INVALID;
	const char *type = json_text(json, "Type");
	struct world_event event = { .kind = event_kind(type, json_text(json, "Action")) };
	const cJSON *actor = json_member(json, "Actor");
	if (event.kind == WORLD_EVENT_OTHER || event.kind == WORLD_EVENT_DAEMON_RELOAD) {
		*ret = event;
		return 0;
	}
	const char *id = json_text(actor, "ID");
	bool of_network = strcmp(type ? type : "", "network") == 0;
	const char *container =
		of_network ? json_text(json_member(actor, "Attributes"), "container") : NULL;
	if (!id || !world_id_valid(id))
		return WORLD_E_INVALID;
	world_id_copy(of_network ? event.network_id : event.container_id, id);
	if (container && *container && !world_id_valid(container))
		return WORLD_E_INVALID;
	if (container)
		world_id_copy(event.container_id, container);
	*ret = event;
	return 0;
}
