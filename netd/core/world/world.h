/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts about a host: networks, containers, endpoints, bridge ports, resolvers.
 * struct world is an immutable snapshot in one arena; struct world_store (world-store.h) is what
 * the daemon keeps and updates from Docker's answers. Bytes from outside are checked here and
 * nowhere else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/ip.h"
#include "core/posture/posture.h"

#define WORLD_IFNAME_LEN 16 /* IFNAMSIZ of the kernel, with NUL */
#define WORLD_ID_LEN 65	    /* Docker ids: 64 hex digits with NUL */
/* Names and image references. Docker sets no bound on names; compose builds them from three parts,
 * so LIMIT_NAME is too short. An image reference has 255 + 128 (tag) + 72 (digest) bytes. */
#define WORLD_TEXT_MAX 511u

/* com.docker.network.bridge.gateway_mode_ipv4 and _ipv6, from Docker 27 on: what becomes of a
 * published port. */
enum world_gateway_mode {
	WORLD_GATEWAY_NAT,	   /* it is translated (or taken by docker-proxy) */
	WORLD_GATEWAY_UNPROTECTED, /* "nat-unprotected": that, and Docker lets all ports in directly
				    */
	WORLD_GATEWAY_ROUTED,	   /* it is opened at the container's own address */
	WORLD_GATEWAY_ISOLATED,	   /* the bridge has no address */
};

/* macvlan_mode: how containers of one parent reach each other. */
enum world_siblings {
	WORLD_SIBLINGS_TOGETHER, /* "bridge", Docker's default: handed over by the parent */
	WORLD_SIBLINGS_OUTSIDE,	 /* "vepa": by way of the switch */
	WORLD_SIBLINGS_APART,	 /* "private": not at all */
};

/* A podman network's option `isolate`, and `mode`, where netavark leaves its bridge alone. */
enum world_isolation {
	WORLD_ISOLATION_UNSAID, /* podman before 6 takes it for none, podman 6 for a strict one */
	WORLD_ISOLATION_NONE,
	WORLD_ISOLATION_MUTUAL,	   /* "true": towards others that are isolated */
	WORLD_ISOLATION_STRICT,	   /* towards all */
	WORLD_ISOLATION_UNMANAGED, /* towards nobody, whatever the other one has */
};

struct world_network {
	char id[WORLD_ID_LEN];
	const char *name;
	const char *driver;	       /* "bridge", "host", "macvlan", … */
	char bridge[WORLD_IFNAME_LEN]; /* interface; "" unless driver bridge */
	/* Of driver macvlan: the interface that its containers stand on, and pass on their way out
	 * and in. "": of another driver, or they cannot be told from this host there (passthru). */
	char parent[WORLD_IFNAME_LEN];
	enum world_siblings siblings;
	bool internal;
	bool dns;	    /* the engine answers DNS at its gateways: podman's aardvark-dns */
	bool icc;	    /* com.docker.network.bridge.enable_icc, default true */
	bool no_masquerade; /* its enable_ip_masquerade is false: what leaves keeps its address */
	enum world_gateway_mode modes[2]; /* IPv4, IPv6 */
	enum world_isolation isolation;
	const struct ip_prefix *subnets;
	size_t n_subnets;
	const struct ip_addr *gateways;
	size_t n_gateways;
	const char *flaw; /* what of Docker's answer could not be understood, NULL: all was; with
			   * one no tier may match what is on it */
};

/* Docker lists the labels of a container and of its image as one. */
enum world_origin {
	WORLD_OWN,    /* it was given to the container */
	WORLD_IMAGE,  /* its image has it with the same value: whoever made the image chose it */
	WORLD_UNTOLD, /* the image was not read yet */
};

struct world_label {
	const char *key, *value; /* value NULL: the container has none of that key */
	enum world_origin origin;
};

/* A published port. host_ip 0.0.0.0 or :: means every address of that family. */
struct world_published {
	struct ip_addr host_ip;
	uint16_t host_port; /* 0: Docker has not chosen it yet, or has it at the container alone */
	struct port_range port; /* the container's; lo == hi */
	bool symbolic;		/* host_port stands for the one that Docker will choose */
	bool anywhere;		/* of a compose file: it names no address of the host */
};

/* What lets a container get around a packet filter. */
enum world_trait {
	WORLD_PRIVILEGED = 1 << 0,
	WORLD_HOST_NETWORK = 1 << 1,
	WORLD_HOST_PID = 1 << 2,
	WORLD_DOCKER_SOCKET = 1 << 3, /* mounted, or a folder that holds it */
	WORLD_CAP_NET_ADMIN = 1 << 4,
	WORLD_CAP_SYS_ADMIN = 1 << 5,
	WORLD_CAP_SYS_MODULE = 1 << 6,
	WORLD_CAP_SYS_PTRACE = 1 << 7,
	WORLD_CAP_SYS_RAWIO = 1 << 8,
	WORLD_CAP_DAC_READ_SEARCH = 1 << 9,
	WORLD_CAP_BPF = 1 << 10,
};

/* What Docker plugs into its networks: containers, and sandboxes of its own that no container
 * stands for. Those are kept as containers are, with Docker's key as the id, and have no image,
 * labels or ports. */
enum world_kind {
	WORLD_CONTAINER,
	WORLD_BUILD,   /* of BuildKit, one for each RUN of a Dockerfile */
	WORLD_INGRESS, /* of swarm: where the published ports of its services arrive */
	WORLD_OTHER,   /* none of these */
};

/* `docker network connect --gw-priority`, from Docker 28 on; 0 is not in a list. */
struct world_priority {
	char network[WORLD_ID_LEN];
	int32_t priority;
};

struct world_container {
	enum world_kind kind;
	char id[WORLD_ID_LEN];
	const char *name; /* without the leading slash */
	const char *image;
	char image_id[WORLD_ID_LEN]; /* the digits of its sha256; "" unknown */
	const char *network_mode; /* "host", "none", "container:<id>", a network, or "" unknown */
	const struct world_label *labels; /* sorted by key */
	size_t n_labels;
	bool labels_cut; /* it has too many: what is not in the list may be there */
	const struct world_published *published; /* sorted */
	size_t n_published;
	/* As Docker lists them; a snapshot has them in its endpoints. */
	const struct world_priority *priorities;
	size_t n_priorities;
	/* Resolvers that it was given (--dns): it asks these, not the host's. Known once inspected.
	 */
	const struct ip_addr *dns;
	size_t n_dns;
	uint32_t traits;	/* of enum world_trait */
	bool inspected;		/* traits are all of them; else those that a list shows */
	struct posture posture; /* nothing of it is known before it is inspected */
	/* Does not run yet, and which host ports it will publish is not known; or these were closed
	 * only a moment ago (world_hold_back()). */
	bool starting;
	bool known; /* false: seen on a network, its labels not read yet: no tier may match it */
	const char *flaw; /* why it is not known and will not be: as of a network */
};

/* One container, or sandbox, on one network. */
struct world_endpoint {
	uint32_t container, network; /* indices into the snapshot */
	struct ip_addr ipv4, ipv6;   /* family IP_NONE: none */
	struct mac_addr mac;
	uint64_t id;	/* which one it is: the first digits of Docker's EndpointID; 0: unknown */
	uint64_t asked; /* the moment at which Docker was asked about it last; 0: it never said */
	int32_t gw_priority; /* of the container's endpoints the highest has the default route */
};

/* What a port of a bridge is for. Engines call their containers' ends "veth…", all of them. */
enum world_port_kind {
	WORLD_PORT_CONTAINER, /* such a veth, or not told */
	WORLD_PORT_CABLE,     /* a veth by another name, or one to another bridge */
	WORLD_PORT_TAP,	      /* a virtual machine's */
	WORLD_PORT_UPLINK,    /* anything else: hardware, VLAN, bond, tunnel */
};

/* A port of a bridge, as rtnetlink shows it. peer_mac: the MAC of the far end of the veth, zero
 * while unknown. */
struct world_port {
	char ifname[WORLD_IFNAME_LEN];
	char bridge[WORLD_IFNAME_LEN];
	struct mac_addr peer_mac;
	uint32_t ifindex;
	uint64_t since; /* the moment at which it appeared on that bridge */
	uint64_t owner; /* the id of the endpoint that was admitted through it; 0: none yet */
	enum world_port_kind kind;
};

/* Whose a bridge is. Closed: as a managed one without any endpoint that is admitted. */
enum world_bridge_kind {
	WORLD_BRIDGE_FOREIGN,	/* not Docker's: left alone */
	WORLD_BRIDGE_MANAGED,	/* a network of Docker's names it */
	WORLD_BRIDGE_UNCLAIMED, /* an engine's by its name, but no network names it: closed */
	WORLD_BRIDGE_UNDECIDED, /* has a container's port since Docker was asked last: closed */
};

struct world_bridge {
	char name[WORLD_IFNAME_LEN];
	uint32_t ifindex;
	struct mac_addr mac;
	bool stacked; /* an interface stands on it (VLAN, macvlan, ipvlan …), or somebody listens */
	/* From here on of a snapshot alone. */
	enum world_bridge_kind kind;
	bool asked; /* Docker was asked since a container's port came, and has answered */
	/* It carries other ports than containers': these, and what comes through them, are not
	 * judged. */
	bool shared;
};

/* An interface of this host that has hooks of the packet filter. What a network calls its parent is
 * looked for among these. */
struct world_parent {
	char name[WORLD_IFNAME_LEN];
	uint32_t ifindex;    /* 0: not known */
	struct mac_addr mac; /* the host's own there; zero: not known */
};

/* Another name of a bridge (`ip link property add … altname`). Docker takes them too. */
struct world_altname {
	char name[WORLD_IFNAME_LEN];
	char bridge[WORLD_IFNAME_LEN];
};

/* An image that containers are made of, as the engine has told of it. */
struct world_image {
	char id[WORLD_ID_LEN];
	const struct images_digest *digests; /* by which its repositories have it */
	size_t n_digests;
};

/* An address of another host of the fleet, as that host says of itself: whose it is counts for
 * compile_find_host(). */
struct world_member {
	const char *host;
	struct ip_addr addr;
};

struct world {
	/* Where networks, containers and endpoints live: snapshots between which Docker said
	 * nothing have them in common. NULL: in the arena of the world. */
	struct arena *records;
	/* Per container: its place among the copies that this snapshot borrows from, and which
	 * those are. NULL: there are none. */
	const uint32_t *copied;
	const void *copy;
	bool holds;			      /* some are `starting` by world_hold_back() alone */
	const struct world_network *networks; /* sorted by name, then id */
	size_t n_networks;
	const struct world_container *containers; /* sorted by name, then id */
	size_t n_containers;
	const struct world_endpoint *endpoints; /* sorted by container, then network */
	size_t n_endpoints;
	const struct world_image *images; /* those that were told of; sorted by id */
	size_t n_images;
	const struct images *reports;	/* what is told of images; NULL: nobody has looked */
	bool awaits_reports;		/* somebody is looking for the first time */
	const struct world_port *ports; /* sorted by ifname */
	size_t n_ports;
	const struct world_bridge *bridges; /* those that rtnetlink shows; sorted by name */
	size_t n_bridges;
	const struct world_parent *parents; /* of networks; sorted by name */
	size_t n_parents;
	const struct ip_addr *resolvers; /* the host's DNS servers */
	size_t n_resolvers;
	/* The host's own addresses, in order and each once; none: nobody has looked. Only answers
	 * are made of them: the kernel knows its own. */
	const struct ip_addr *host_addrs;
	size_t n_host_addrs;
	const struct world_member *members; /* sorted by address, then host, each once */
	size_t n_members;
	const char *engine; /* Docker's version, or "podman " and podman's; NULL: unknown */
	uint64_t read;	    /* the moment at which Docker was asked for everything last; 0: never */
	/* IPv4, IPv6: Docker programs no iptables, or no ip6tables: it routes between its networks,
	 * and translates nothing. */
	bool unfiltered[2];
	bool no_proxy;	    /* its userland-proxy is off */
	bool dns_by_docker; /* it was given resolvers ("dns" in daemon.json), which are in the list
			     */
	/* Objects of Docker's lists that nobody can say the id of, so that nothing is known of
	 * them. */
	size_t n_nameless;
	const char *nameless; /* what was wrong with the first; NULL: there are none */
};

/* Both are one record, of which nothing has changed, but for who is held. False says nothing. */
static inline bool world_is_one_record(const struct world *a, uint32_t i, const struct world *b,
				       uint32_t j)
{
	return a->copy && a->copy == b->copy && a->copied[i] == b->copied[j];
}

/* Bytes that are not what they should be. */
#define WORLD_E_INVALID 1

/* Inventory JSON (1.3 of the man page netdctl(8)) to a snapshot and back. WORLD_E_INVALID: *error
 * says what and where, in @arena. The printed form is canonical: parse(print(w)) prints the same.
 */
int world_parse_inventory(const char *bytes, size_t len, struct arena *arena,
			  const struct world **ret, const char **error) MUST_CHECK;
char *world_print_inventory(const struct world *world); /* malloc'ed; NULL: out of memory */

/* "container", "build", "ingress", "other". */
const char *world_kind_name(enum world_kind kind);
/* What to call it before its name: "container" or "sandbox". */
const char *world_kind_noun(enum world_kind kind);
/* WORLD_OTHER + 1: there is no kind of that name. */
enum world_kind world_find_kind(const char *name);
/* The traits with their names, one a call; NULL after the last. */
const char *world_trait_name(size_t index, enum world_trait *ret);
/* NULL: it has none, or nobody knows. */
const char *world_label_value(const struct world_container *container, const char *key);
/* NULL: it is not in the list. */
const struct world_label *world_find_label(const struct world_container *container,
					   const char *key);
/* The first published port of the container that is @port or above, as an index; n_published when
 * there is none. */
size_t world_first_published(const struct world_container *container, uint16_t port);
/* A container by name, id, or unambiguous id prefix (12+ digits); -1 when none. */
int world_find_container(const struct world *world, const char *name);
/* The container in whose network it is, as Docker runs it ("container:ID"); -1: it is in none, or
 * that one is not known. */
int world_network_owner(const struct world *world, const struct world_container *container);
/* NULL: the engine has not told of it, or @id is "". */
const struct world_image *world_find_image(const struct world *world, const char *id);
/* Its posture, with what is told of its image. @now: seconds since the epoch. */
struct posture world_posture(const struct world *world, uint32_t container, int64_t now);
/* The first network of that name, -1 when none. */
int world_find_network(const struct world *world, const char *name);
/* The container's endpoint on that network, or NULL. */
const struct world_endpoint *world_find_endpoint(const struct world *world, uint32_t container,
						 uint32_t network);
/* A managed network: driver bridge with an interface. */
bool world_network_is_managed(const struct world_network *network);
/* One with containers, but no bridge of this host: macvlan, ipvlan, overlay, a plugin's. Where
 * world_find_parent() finds nothing netd enforces nothing on it, and says so. */
bool world_network_is_beyond(const struct world_network *network);
/* The interface at whose hooks netd judges what the network's containers send to others and hear
 * from them; NULL: there is none. */
const struct world_parent *world_find_parent(const struct world *world,
					     const struct world_network *network);
/* By name, each once, and no more than LIMIT_PARENTS; how many are left. */
size_t world_sort_parents(struct world_parent *items, size_t n);
/* "bridge", "vepa", "private"; and back: false where it is none of them. */
const char *world_siblings_name(enum world_siblings siblings);
bool world_siblings_parse(const char *text, enum world_siblings *ret);
/* Why, as a sentence, and what to do about it. */
const char *world_beyond_why(const struct world_network *network, const char **ret_remedy);

/* "nat", "nat-unprotected", "routed", "isolated"; and back: false where it is none of them. */
const char *world_gateway_mode_name(enum world_gateway_mode mode);
bool world_gateway_mode_parse(const char *text, enum world_gateway_mode *ret);
/* "false", "true", "strict", "unmanaged"; "" where nothing was said. */
const char *world_isolation_name(enum world_isolation isolation);
bool world_isolation_parse(const char *text, enum world_isolation *ret);

/* ---- the host's own addresses ---- */

/* Sorts and drops repetitions; the new length. */
size_t world_sort_addresses(struct ip_addr *items, size_t n);
/* An address of an interface of this host, or of a managed network's gateway, which its bridge has.
 * Packets to it are the host's, whatever a rule says of addresses. */
bool world_is_host_address(const struct world *world, const struct ip_addr *addr);

/* ---- Docker's ways ---- */

/* Whether Docker programs a filter, and translations, for that family. */
bool world_filters(const struct world *world, enum ip_family family);
/* Whether Docker lets everything go from one of its networks to another: where it filters nothing,
 * and both have a route. podman does so where neither is internal and it isolates neither. */
bool world_routes(const struct world *world, enum ip_family family, uint32_t from, uint32_t to);
/* Whether it does between any two. */
bool world_may_route(const struct world *world, enum ip_family family);
/* What leaves that network by Docker's routing has an address of this host from there on. */
bool world_masquerades(const struct world *world, enum ip_family family, uint32_t network);
/* What is routed from @network to the container, which has an address there as well: it answers
 * there, with an address that is not of that port, so that nobody takes it. */
bool world_answers_elsewhere(const struct world *world, enum ip_family family, uint32_t network,
			     uint32_t container);
/* Whether what the container sends to other addresses than its networks' own leaves by that
 * endpoint: it has the default route. */
bool world_has_default_route(const struct world *world, uint32_t endpoint, enum ip_family family);

/* What Docker does with a port that a container publishes, for clients of one family. */
enum world_publishing {
	WORLD_PUBLISHES_NOT,   /* it publishes through another endpoint of the container, or none */
	WORLD_PUBLISHES_DNAT,  /* to the container's address of that family */
	WORLD_PUBLISHES_PROXY, /* docker-proxy takes it on, to the container's address of either */
	WORLD_PUBLISHES_ROUTED, /* it is at the container's own address, not at the host's */
};
#define WORLD_NO_ENDPOINT UINT32_MAX

/* The endpoint through which Docker publishes the container's ports, for clients of @family, as an
 * index; WORLD_NO_ENDPOINT: it publishes none of them. Of several networks Docker takes the one
 * that has the default route: none that is internal; one with both families before others; then by
 * gw_priority; then by name (measured on 20.10, 26.1, 28.5). */
uint32_t world_publisher(const struct world *world, uint32_t container, enum ip_family family);
enum world_publishing world_publishing(const struct world *world, uint32_t endpoint,
				       enum ip_family family);
/* The same, where what is published is at addresses of this host; else WORLD_NO_ENDPOINT. */
uint32_t world_publisher_at_host(const struct world *world, uint32_t container,
				 enum ip_family family);
/* Docker opens a port of the container at that endpoint's own address, by routing, and at none of
 * this host: a rule opens it there. What was asked for on a loopback address Docker opens, too
 * (measured on 28.5); it is nobody's but this host's all the same. */
bool world_opens_directly(const struct world *world, uint32_t endpoint,
			  const struct world_published *published);
/* Docker lets others into that network: ping, and what its containers publish there. */
bool world_is_open_to_networks(const struct world *world, enum ip_family family, uint32_t network);
/* What of the endpoint's: that port; all of a protocol without ports. */
bool world_lets_in(const struct world *world, enum ip_family family, uint32_t endpoint,
		   const struct port_range *port);
/* And what the endpoint sends to other networks leaves its own. */
bool world_sends_to_networks(const struct world *world, enum ip_family family, uint32_t endpoint);
/* The container's published ports that are @port (one number) over that family, one a call: the one
 * after @last, NULL for the first. NULL after the last. */
const struct world_published *world_next_published(const struct world_container *container,
						   const struct port_range *port,
						   enum ip_family family,
						   const struct world_published *last);
/* How the gateway of a network is used; Docker before 27 knows of nothing but NAT. */
enum world_gateway_mode world_gateway_mode(const struct world *world,
					   const struct world_network *network,
					   enum ip_family family);
/* Whether Docker may ever publish through it. */
bool world_may_publish(const struct world *world, uint32_t endpoint);
/* The container's endpoints, as the index of the first one. */
uint32_t world_endpoints_of(const struct world *world, uint32_t container, size_t *ret_n);
/* The first number of the engine's version; 0: it is not known, or of another form. */
unsigned long world_engine_major(const struct world *world);
#define WORLD_PODMAN "podman " /* before the version of one */
bool world_is_podman(const struct world *world);

/* Whether Docker's word about the endpoint is about the time in which there is this port, and the
 * port was nobody else's. A container gets the address of a former one, and before Docker 28 its
 * MAC with it: what was said before a port appeared proves nothing about it. Bridge and MAC are for
 * the caller to compare. */
bool world_port_is_explained(const struct world_port *port, const struct world_endpoint *endpoint);

/* ---- bridges ---- */

/* NULL: rtnetlink shows no bridge of that name. */
const struct world_bridge *world_find_bridge(const struct world *world, const char *name);
const char *world_bridge_kind_name(enum world_bridge_kind kind); /* "managed", … */
/* docker0, docker_gwbridge, podman*, "br-" and twelve hexadecimal digits. */
bool world_bridge_is_engines(const char *name);
bool world_bridge_is_closed(const struct world_bridge *bridge);
/* Whether a port of a bridge that is managed or closed counts as a container's. NULL: a bridge that
 * rtnetlink has not shown yet. */
bool world_port_is_judged(const struct world_bridge *bridge, const struct world_port *port);

/* ---- from one snapshot to the next ---- */

/* docker-proxy listens before netd can know of it. What it has taken by the time its port is closed
 * it hands on as soon as it runs, some tens of milliseconds later on a busy machine: that is
 * dropped as long as the host may not reach the container. */
#define WORLD_HOLD_US 100000u
/* Datagrams that it has not even taken wait in its socket, some 280 small ones by default, and for
 * a connection that it has taken it tries to reach the container for minutes: so the time begins
 * when all that is gone. But a program of this host may send to that port for ever, and is not kept
 * from the container for longer than that. */
#define WORLD_HOLD_MOST_US 10000000u

struct world_held {
	const struct world *world;
	/* Of the host ports of each container; 0: since long ago. */
	uint64_t *closed_since_us;
	uint64_t *quiet_since_us; /* and nothing waits at them */
	uint64_t until_us;	  /* when the next container is let go; or UINT64_MAX */
};

/* What waits at ports of the host. */
struct world_waiting {
	/* Datagrams for whoever listens at a UDP port, a bit each. */
	uint8_t ports[(UINT16_MAX + 1) / 8];
	/* Connections that docker-proxy took before its TCP ports were closed: ids of the
	 * containers to which it would hand them on, sorted. */
	const char *const *ids;
	size_t n_ids;
};

struct world_hold_time {
	uint64_t now_us;		     /* CLOCK_MONOTONIC */
	const struct world_waiting *waiting; /* now; NULL: it was not looked, as nobody is let go */
};

/* @next, with those containers as `starting` whose host ports are closed and quiet for less than
 * WORLD_HOLD_US, in @before (what is in force) and from now on. NULL: nothing was known before, and
 * nobody is held back but whose ids wait. 0 or -ENOMEM. */
int world_hold_back(const struct world_held *before, const struct world *next,
		    const struct world_hold_time *time, struct arena *arena,
		    struct world_held *ret) MUST_CHECK;

/* What was made at @made_us is in force since @now_us: not before that were host ports closed. */
void world_hold_from(struct world_held *held, uint64_t made_us, uint64_t now_us);
