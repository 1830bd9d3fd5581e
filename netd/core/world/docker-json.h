/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's JSON to facts, without a store. Internal to core/world.
 *
 * The elements of a list are read one by one. One whose details we cannot hold or do not understand
 * (a name beyond WORLD_TEXT_MAX, labels that cannot be told apart, an odd subnet) gets a flaw: no
 * tier can match it, and the others are not affected. Results live in the arena; error texts and
 * flaws are static. */
#pragma once

#include "core/base/json-scan.h"
#include "core/base/json.h"
#include "core/world/facts.h"

/* A member of a network's "Containers" that an earlier answer had: where it is written in the same
 * way again it says the same. */
struct world_docker_known {
	struct json_span member; /* from the first quote of its key to the end; empty: not known */
	const char *container_id;
	enum world_kind kind;
};

struct world_docker_endpoint {
	char container_id[WORLD_ID_LEN]; /* or the key of a sandbox; "" of one that is named */
	const char *name;		 /* of one that is named; else NULL */
	enum world_kind kind;
	struct ip_addr ipv4, ipv6;
	struct mac_addr mac;
	uint64_t id;		 /* the first 16 digits of EndpointID; 0: it has none */
	struct json_span member; /* how it is written */
	/* It is written like that one: of the above only container_id, kind and member are set. */
	const struct world_docker_known *known;
};

struct world_docker_network {
	struct world_network facts;
	struct world_docker_endpoint *endpoints; /* sorted by container */
	size_t n_endpoints;
	/* Those that are not joined to a sandbox yet. Docker calls a container's endpoint by the
	 * container's name, BuildKit its own by a random one. */
	const struct world_docker_endpoint *named;
	size_t n_named;
	struct json_span members; /* all of them, as they are written in the answer */
};

struct world_docker_container {
	struct world_container facts; /* published: what is bound now */
	bool running;
};

struct world_docker_inspect {
	char id[WORLD_ID_LEN];
	bool running;
	uint32_t traits;
	struct posture posture;
	const char *network_mode; /* or "" */
	const struct ip_addr *dns;
	size_t n_dns;
	struct world_published *bound, *configured;
	size_t n_bound, n_configured;
};

/* One answer being read: its bytes, where results go, and why it was refused. */
struct world_docker_answer {
	const char *json;
	size_t len;
	struct arena *arena;
	const char *error; /* static; set with WORLD_E_INVALID */
	size_t n_nameless; /* objects that were left out, having no id */
	const char *nameless;
};

/* Each: 0, WORLD_E_INVALID or -ENOMEM. */
int world_docker_networks(struct world_docker_answer *answer, struct world_docker_network **ret,
			  size_t *ret_n) MUST_CHECK;
/* The same for a list whose elements @read understands; each of them has an id. */
typedef int world_docker_network_reader(struct world_docker_answer *answer, const cJSON *json,
					struct world_docker_network *ret);
int world_docker_networks_by(struct world_docker_answer *answer, world_docker_network_reader *read,
			     struct world_docker_network **ret, size_t *ret_n) MUST_CHECK;
/* @known: what is not to be read once more, in the order of an earlier answer about this network.
 */
int world_docker_network(struct world_docker_answer *answer, const struct world_docker_known *known,
			 size_t n_known, struct world_docker_network *ret) MUST_CHECK;
int world_docker_containers(struct world_docker_answer *answer, struct world_docker_container **ret,
			    size_t *ret_n) MUST_CHECK;
/* Id, without its "sha256:", and labels; and the digests of its repositories. */
int world_docker_image(struct world_docker_answer *answer, struct world_container *ret,
		       struct world_image *ret_image) MUST_CHECK;
int world_docker_inspect(struct world_docker_answer *answer,
			 struct world_docker_inspect *ret) MUST_CHECK;

/* ---- shared by the files that read the above ---- */

int world_docker_refuse(struct world_docker_answer *answer, const char *error) MUST_CHECK;
/* What a part of an object came to: its refusal becomes the object's flaw, the first one counts. 0
 * or -ENOMEM. */
int world_docker_flaw(struct world_docker_answer *answer, const char **flaw, int r) MUST_CHECK;
/* Leaves out an object without an id. */
void world_docker_leave_out(struct world_docker_answer *answer, const char *why);
/* Calls @take for each element of the list that the answer is; what it refuses is left out, and so
 * is what comes behind LIMIT_ENDPOINTS. @otherwise: the error where it is no list. */
int world_docker_list(struct world_docker_answer *answer, const char *otherwise,
		      int (*take)(struct world_docker_answer *answer, const cJSON *item,
				  void *userdata),
		      void *userdata) MUST_CHECK;
/* Of a container as listed or inspected: of enum world_trait. */
uint32_t world_docker_traits(const cJSON *container);
/* Of a container as inspected. 0 or -ENOMEM. */
int world_docker_posture(struct world_docker_answer *answer, const cJSON *json,
			 struct posture *ret) MUST_CHECK;
/* The value of the whole answer, NULL with the error noted. */
cJSON *world_docker_value(struct world_docker_answer *answer) MUST_CHECK;
/* Whether that text is there and longer than a name may be: it must not be cut, for another name
 * could match another tier. */
bool world_docker_is_long(const char *text);
/* A copy without control characters; @otherwise when absent, empty or too long. NULL: no memory. */
const char *world_docker_text(struct world_docker_answer *answer, const char *text,
			      const char *otherwise) MUST_CHECK;
int world_docker_id(struct world_docker_answer *answer, const cJSON *json, const char *key,
		    char ret[WORLD_ID_LEN]) MUST_CHECK;
/* Of a part of the answer; as above. */
cJSON *world_docker_part(struct world_docker_answer *answer, const char *json,
			 size_t len) MUST_CHECK;
/* Text up to a slash: old engines wrote gateways as "172.18.0.1/16". */
bool world_docker_address(const char *text, struct ip_addr *ret);
/* The members of "Containers", which @cursor has just opened, into endpoints and named of @network;
 * as world_docker_network(). The cursor is behind them then. */
int world_docker_endpoints(struct world_docker_answer *answer, struct json_cursor *cursor,
			   const struct world_docker_known *known, size_t n_known,
			   struct world_docker_network *network) MUST_CHECK;
/* Sorts the endpoints by container. Where one is there twice: WORLD_E_INVALID. */
int world_docker_each_once(struct world_docker_answer *answer,
			   struct world_docker_network *network) MUST_CHECK;
/* A list of subnets and gateways under these keys. */
int world_docker_subnets(struct world_docker_answer *answer, const cJSON *config,
			 const char *const keys[2], struct world_network *network) MUST_CHECK;
/* MacAddress, and the IPv4 and IPv6 address under these keys. */
int world_docker_addresses(struct world_docker_answer *answer, const cJSON *json,
			   const char *const keys[2], struct world_docker_endpoint *ret) MUST_CHECK;
/* {"80/tcp":[{"HostIp":"","HostPort":"8080"}]}, as in NetworkSettings.Ports and PortBindings. */
int world_docker_port_map(struct world_docker_answer *answer, const cJSON *map,
			  struct world_published **ret, size_t *ret_n) MUST_CHECK;
/* [{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}], as in the container list. */
int world_docker_port_list(struct world_docker_answer *answer, const cJSON *list,
			   struct world_published **ret, size_t *ret_n) MUST_CHECK;

/* ---- podman ---- */

/* GET /libpod/networks/json. */
int world_podman_networks(struct world_docker_answer *answer, struct world_docker_network **ret,
			  size_t *ret_n) MUST_CHECK;
/* Of the containers in a list those that are plugged into the network now: what has no MAC is not.
 * Not sorted, each container once. */
int world_podman_endpoints(struct world_docker_answer *answer, const struct world_network *network,
			   struct world_docker_endpoint **ret, size_t *ret_n) MUST_CHECK;
