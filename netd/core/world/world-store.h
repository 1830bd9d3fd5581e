/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's store of what Docker and rtnetlink say (struct world_store): filled by their answers
 * and events as they come, and copied into an immutable snapshot (struct world) when rules are
 * made. The one who makes it owns it; nothing that it is given is borrowed. */
#pragma once

#include "core/world/world.h"

/* ---- the daemon's store ---- */

struct world_store;

struct world_store *world_store_new(void) MUST_CHECK;
struct world_store *world_store_free(struct world_store *store);

/* Facts have an age: moments are numbers in the order in which netd asked questions and saw ports
 * appear. A new one, for a question that is asked now. */
uint64_t world_store_moment(struct world_store *store);
/* What is stored from here on was asked for at @moment. */
void world_store_answers_from(struct world_store *store, uint64_t moment);

/* Each takes the body of one Docker answer. 0; WORLD_E_INVALID (the store is as before, *error is a
 * static text); -ENOMEM. Facts whose object is gone are dropped by the "set" forms.
 *
 * An answer is refused where it is none: no JSON, not a list, not the object that was asked for. An
 * object in it that is damaged costs nobody else anything: it gets a flaw and is closed. */
/* GET /networks: the whole list; networks that are missing in it are removed. The list form carries
 * no endpoints. */
int world_store_set_networks(struct world_store *store, const char *json, size_t len,
			     const char **error) MUST_CHECK;
/* GET /networks/{id}: replaces that network and its endpoints. */
int world_store_put_network(struct world_store *store, const char *json, size_t len,
			    const char **error) MUST_CHECK;
/* GET /containers/json?all=1: the whole list. */
int world_store_set_containers(struct world_store *store, const char *json, size_t len,
			       const char **error) MUST_CHECK;
/* GET /containers/json?all=1&filters={"id":[…]}: adds or replaces those in it. */
int world_store_put_containers(struct world_store *store, const char *json, size_t len,
			       const char **error) MUST_CHECK;
/* GET /containers/{id}/json: what a container publishes, known before it starts
 * (HostConfig.PortBindings, NetworkSettings.Ports), its traits and its posture. */
int world_store_put_inspect(struct world_store *store, const char *json, size_t len,
			    const char **error) MUST_CHECK;
/* How many of these changed what is published: traits alone change no rule. */
uint64_t world_store_port_changes(const struct world_store *store);
/* And how many the posture of a container, which is a matter of rules where a tier requires one.
 */
uint64_t world_store_posture_changes(const struct world_store *store);
/* podman. GET /libpod/networks/json: as world_store_set_networks(). */
int world_store_set_podman_networks(struct world_store *store, const char *json, size_t len,
				    const char **error) MUST_CHECK;
/* GET /containers/json?all=1&filters={"network":[@id]}: adds or replaces the containers in it, and
 * replaces the endpoints of that network, if it is known. */
int world_store_put_podman_network(struct world_store *store, const char *id, const char *json,
				   size_t len, const char **error) MUST_CHECK;
/* GET /images/{id}/json: which labels of its containers come from it, and by which digests its
 * repositories have it. */
int world_store_put_image(struct world_store *store, const char *json, size_t len,
			  const char **error) MUST_CHECK;
/* The id of an image that was not asked for, NULL: none. From now on it counts as asked for. All
 * are wanted, whether anything hangs on them or not: else whoever runs when something does would be
 * closed until the engine has answered. */
const char *world_store_ask_image(struct world_store *store);
/* All that were told of are asked for once more, as an image may have come to a repository since.
 * What was told counts meanwhile. */
void world_store_ask_images_again(struct world_store *store);
/* What is told of images, from now on; taken over. NULL: nothing is. */
void world_store_set_reports(struct world_store *store, struct images *reports);
/* It is being looked for: until it is set, who needs it is not known, and not known to lack it. */
void world_store_await_reports(struct world_store *store);
/* Other labels are asked for now: images of which some were left out, or that were asked for and
 * did not answer yet, are wanted once more. */
void world_store_ask_cut_images(struct world_store *store);
/* What Docker said about that object is no answer at all: it has this flaw until it is asked again.
 * 0 or -ENOMEM. */
int world_store_flaw_network(struct world_store *store, const char *id, const char *why) MUST_CHECK;
int world_store_flaw_image(struct world_store *store, const char *id, const char *why) MUST_CHECK;
int world_store_flaw_container(struct world_store *store, const char *id,
			       const char *why) MUST_CHECK;
void world_store_remove_network(struct world_store *store, const char *id);
void world_store_remove_container(struct world_store *store, const char *id);
void world_store_disconnect(struct world_store *store, const char *network_id,
			    const char *container_id);
/* The ids of the networks that containers can be on, one a call; NULL after the last. *cursor
 * starts at 0. Valid until the store changes. */
const char *world_store_peopled_network(const struct world_store *store, size_t *cursor);
/* The same for the ids of the listed containers that are on no network: stopped ones, whose
 * configured ports are not known before somebody inspects them. */
const char *world_store_idle_container(const struct world_store *store, size_t *cursor);
/* Docker lists that container, and it was not inspected yet. */
bool world_store_lacks_inspect(const struct world_store *store, const char *id);
/* The same for those that are on a network and were not inspected: their traits are not known. */
const char *world_store_busy_container(const struct world_store *store, size_t *cursor);
/* The same without those that Docker is just starting: it does not answer about them. */
const char *world_store_running_container(const struct world_store *store, size_t *cursor);
/* The same for those that an endpoint of this network is said to be of by its name alone, and that
 * were not listed since: they are not admitted before they are. */
const char *world_store_named_container(const struct world_store *store, const char *network_id,
					size_t *cursor);
/* Whether labels of some container were left out: those that are asked for from now on may be among
 * them. */
bool world_store_has_cut_labels(const struct world_store *store);
/* A known network on which no endpoints are looked for (host, none). */
bool world_store_is_empty(const struct world_store *store, const char *network_id);
/* Swaps what Docker said of the two stores: a full reading is gathered in a second store and takes
 * effect at once, so no snapshot shows half of it. Ports and resolvers stay. */
void world_store_replace(struct world_store *store, struct world_store *from);
/* Takes the place of everything Docker said (netd --inventory, and the state kept over boots). */
int world_store_load(struct world_store *store, const struct world *world) MUST_CHECK;
/* Ports and resolvers come from the host, not from Docker. Copied. A port that was not there, or on
 * another bridge, begins now and is nobody's. */
int world_store_set_ports(struct world_store *store, const struct world_port *ports,
			  size_t n) MUST_CHECK;
/* The endpoint @id was admitted through that port: it stays nobody else's for as long as it is
 * there. */
void world_store_set_owner(struct world_store *store, const struct world_port *port, uint64_t id);
/* The bridges, and their other names; after the ports. Copied. */
struct world_bridges {
	const struct world_bridge *items;
	size_t n;
	const struct world_altname *altnames;
	size_t n_altnames;
	/* Interfaces that may be the parents of networks, in order; only where the kernel has hooks
	 * for what they send. */
	const struct world_parent *parents;
	size_t n_parents;
};
int world_store_set_bridges(struct world_store *store,
			    const struct world_bridges *bridges) MUST_CHECK;
/* Around a full reading of Docker: what had a container's port when it began and is named by no
 * network when it has ended is not Docker's. */
void world_store_reading_begins(struct world_store *store);
void world_store_reading_ended(struct world_store *store);
/* A container is on a bridge that no network names, and no reading has begun since: Docker must be
 * asked, as the event that told of its network may be lost. */
bool world_store_must_ask(const struct world_store *store);
int world_store_set_resolvers(struct world_store *store, const struct ip_addr *resolvers,
			      size_t n) MUST_CHECK;
/* The other hosts of the fleet; sorted here, copied. Until the list is another one the snapshots
 * share it. */
int world_store_set_members(struct world_store *store, const struct world_member *members,
			    size_t n) MUST_CHECK;
/* In order, each once; how many are left. */
size_t world_sort_members(struct world_member *items, size_t n);
/* Cut after WORLD_ENGINE_LEN. */
#define WORLD_ENGINE_LEN 40
void world_store_set_engine(struct world_store *store, const char *version);
void world_store_set_unfiltered(struct world_store *store, enum ip_family family, bool unfiltered);
/* Of Docker's own settings. */
void world_store_set_docker(struct world_store *store, bool no_proxy, bool dns_by_docker);
/* An immutable snapshot in @arena, nothing borrowed from the store. What Docker said is copied once
 * until it says something else (world.records, which @arena keeps). */
int world_store_snapshot(struct world_store *store, struct arena *arena,
			 const struct world **ret) MUST_CHECK;

/* ---- Docker's event stream ---- */

enum world_event_kind {
	WORLD_EVENT_OTHER, /* of no interest */
	WORLD_EVENT_NETWORK_CONNECT,
	WORLD_EVENT_NETWORK_DISCONNECT,
	WORLD_EVENT_NETWORK_CREATE,
	WORLD_EVENT_NETWORK_DESTROY,
	WORLD_EVENT_CONTAINER_CREATE,
	WORLD_EVENT_CONTAINER_START,
	WORLD_EVENT_CONTAINER_DIE,
	WORLD_EVENT_CONTAINER_DESTROY,
	WORLD_EVENT_CONTAINER_RENAME,
	WORLD_EVENT_CONTAINER_UPDATE, /* its limits */
	WORLD_EVENT_DAEMON_RELOAD,
};

struct world_event {
	enum world_event_kind kind;
	char network_id[WORLD_ID_LEN], container_id[WORLD_ID_LEN]; /* "" when not part of it */
};

/* One line of GET /events. 0 or WORLD_E_INVALID. */
int world_parse_event(const char *line, size_t len, struct world_event *ret) MUST_CHECK;
