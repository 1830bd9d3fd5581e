/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the store keeps its facts. Internal to core/world.
 *
 * Each network and container is a record of its own; its texts and arrays lie in one block, so a
 * snapshot is a memcpy per record and a few pointers moved. Two arrays of pointers, by id and by
 * name, are kept sorted: nothing is sorted for a snapshot.
 *
 * A change is staged first (all allocation, all checks) and then committed, which cannot fail: so a
 * refused answer leaves the store as it was. */
#pragma once

#include "core/world/world-store.h"

/* First member of both records; id and name point into its facts. */
struct store_object {
	const char *id, *name;
	uint32_t index; /* in the order by name */
	bool gone;	/* store_sweep() takes it out */
	uint64_t asked; /* the moment of the last answer that showed it; 0: none did */
};

struct store_table {
	struct store_object **by_id, **by_name;
	size_t n, cap;
	size_t n_sorted; /* records behind this one were added and not sorted in yet */
	bool renamed;	 /* by_name is out of order */
};

struct store_ports {
	struct world_published *items;
	size_t n;
};

/* A container's record as snapshots borrow it. */
struct store_place {
	uint64_t copies; /* among which it is, as it is now; 0: among none */
	uint32_t at;	 /* its place there, which no other record gets */
	const struct world_container *record;
};

struct store_container {
	struct store_object object;
	struct store_place place;
	struct world_container facts; /* without published; texts and labels lie in block */
	void *block;
	size_t block_size;
	struct store_ports bound;      /* what Docker says is published now */
	struct store_ports configured; /* what it was asked to publish */
	struct store_ports published;  /* the union; bound wins */
	size_t n_endpoints;
	bool listed; /* Docker listed it; else it is known from a network only */
};

struct store_endpoint {
	struct store_container *container;
	struct ip_addr ipv4, ipv6;
	struct mac_addr mac;
	uint64_t id, asked;
	int32_t gw_priority; /* where no container's list says another */
	/* 0, or the moment at which its container was first known by its name alone: while a
	 * container starts Docker does not rename it, so one that is listed since has that name. */
	uint64_t named;
	/* Where it is written in the network's text; nothing: it has to be read again. */
	uint32_t told_at, told_len;
};

struct store_network {
	struct store_object object;
	struct world_network facts; /* texts and arrays lie in block */
	void *block;
	size_t block_size;
	struct store_endpoint *endpoints; /* in the order in which Docker told of them */
	size_t n_endpoints;
	char *told; /* the part of the answer that tells of them; NULL: they are known otherwise */
	uint64_t endpoints_asked; /* lists of networks show no endpoints */
};

/* What a reading left out. */
struct store_nameless {
	size_t n;
	const char *why; /* static */
};

struct store_bridge {
	struct world_bridge facts;     /* without what a snapshot adds */
	bool has_container, has_other; /* such ports */
	bool asking, asked; /* a reading is under way, or has ended, since it has a container's */
};

/* An image that containers are made of. */
struct store_image {
	char id[WORLD_ID_LEN];
	enum {
		STORE_IMAGE_WANTED,
		STORE_IMAGE_ASKED,
		STORE_IMAGE_READ,
		STORE_IMAGE_GONE, /* Docker does not know it */
	} state;
	bool is_again; /* to be asked for once more; what was read counts meanwhile */
	struct store_container *labels; /* in its facts, once it is read */
	struct images_digest *digests;	/* of its repositories; once it is read */
	size_t n_digests;
};

/* Copies of containers, each made once it has changed: first of all of them, one after the other,
 * then one by one. Those that are out of date stay among them until all are made anew. */
struct store_copies {
	struct arena *arena; /* NULL: there are none */
	uint64_t number;
	const struct world_container *first; /* of n_first in a row */
	size_t n_first, n;
};

struct world_store {
	struct store_table networks, containers;
	struct store_image *images; /* sorted by id */
	size_t n_images;
	struct images *reports;
	bool awaits_reports;
	struct store_nameless nameless[2]; /* of the lists of networks and of containers */
	struct world_port *ports;
	size_t n_ports;
	struct store_bridge *bridges; /* sorted by name */
	size_t n_bridges;
	struct world_altname *altnames;
	size_t n_altnames;
	struct world_parent *parents; /* that are there; sorted by name */
	size_t n_parents;
	struct ip_addr *resolvers;
	size_t n_resolvers;
	struct ip_addr *host_addrs; /* of an inventory: else each answer looks itself */
	size_t n_host_addrs;
	struct arena *members_arena; /* of members; NULL: there are none */
	const struct world_member *members;
	size_t n_members;
	bool unfiltered[2], no_proxy, dns_by_docker;
	char engine[WORLD_ENGINE_LEN + 1];
	/* Networks, containers and endpoints as snapshots have them, until something changes; else
	 * its records are NULL. */
	struct world records;
	struct store_copies copies;
	bool is_stale;		    /* there may be something for store_sweep() */
	uint64_t n_port_changes;    /* inspects that changed what is published */
	uint64_t n_posture_changes; /* and a posture */
	uint64_t moment;	    /* the latest */
	uint64_t asked;		    /* of the answers that are stored now */
	uint64_t reading, read; /* moments at which readings of everything began: now, the last */
};

/* Sorted, each once; copied. 0 or -ENOMEM. */
int store_set_host_addresses(struct world_store *store, const struct ip_addr *addrs,
			     size_t n) MUST_CHECK;

/* Lets go of the records that snapshots have in common. What changes them calls it itself: a
 * commit, a sweep, labels that are marked. */
void store_changes(struct world_store *store);
/* All are copied again for the next records. */
void store_forget_copies(struct world_store *store);

/* ---- tables ---- */

/* Not among those appended since store_settle(). */
struct store_object *store_find(const struct store_table *table, const char *id);
/* The only one of that name; NULL: there is none, or several. As above. */
struct store_object *store_find_name(const struct store_table *table, const char *name);
/* Room for @more records. 0 or -ENOMEM. */
int store_reserve(struct store_table *table, size_t more) MUST_CHECK;
/* Adds a record; its room is reserved. store_settle() must follow. */
void store_append(struct store_table *table, struct store_object *object);
/* Sorts what was added or renamed, and numbers the records. */
void store_settle(struct store_table *table);

/* ---- records; NULL: out of memory ---- */

struct store_network *store_network_new(const struct world_network *facts) MUST_CHECK;
struct store_network *store_network_free(struct store_network *network);
/* facts->published is what Docker has bound. @configured NULL: it is no word of Docker's, and taken
 * as it is. Both are copied. */
struct store_container *store_container_new(const struct world_container *facts,
					    const struct store_ports *configured) MUST_CHECK;
struct store_container *store_container_free(struct store_container *container);

/* The snapshot's copies of a record's facts: *@room is memory for block_size and the ports, and is
 * moved on. */
struct world_network store_network_copy(const struct store_network *network, char **room);
struct world_container store_container_copy(const struct store_container *container, char **room);
size_t store_network_room(const struct store_network *network);
size_t store_container_room(const struct store_container *container);

/* ---- store-image.c ---- */

/* Sets the origin of each of its labels, as far as its image is known; else wants it to be read. */
void store_mark_labels(struct world_store *store, struct store_container *container);
void store_free_images(struct world_store *store);
/* Those that are known, with what is in the arena of @world's records. 0 or -ENOMEM. */
int store_copy_images(const struct world_store *store, struct arena *arena,
		      struct world *world) MUST_CHECK;

/* ---- the parts of a commit ---- */

/* Gives the record in the store the facts of @fresh (its own if there is none yet), and frees what
 * is left of it. The endpoints of a network stay. */
struct store_network *store_commit_network(struct world_store *store, struct store_network *fresh);
void store_commit_container(struct world_store *store, struct store_container *fresh);
/* No container: only networks tell of it. */
bool store_is_sandbox(const struct store_container *container);
/* Takes over @endpoints, and @told, where they are written, or NULL. */
void store_set_endpoints(struct world_store *store, struct store_network *network,
			 struct store_endpoint *endpoints, size_t n, char *told);
/* Takes one out; the order of the others stays. */
void store_drop_endpoint(struct world_store *store, struct store_network *network, size_t i);
/* One endpoint less. */
void store_unplug(struct world_store *store, struct store_container *container);
/* Drops records marked gone, their endpoints, and unlisted containers without an endpoint, where
 * there may be any. The tables are settled. */
void store_sweep(struct world_store *store);

/* ---- bridges ---- */

/* Some managed network is on that bridge. */
bool store_names_bridge(const struct world_store *store, const char *bridge);
/* Where Docker calls a bridge by another of its names, its name. */
void store_name_bridges(const struct world_store *store, struct world_network *networks, size_t n);
/* Whose they are; the networks are there. 0 or -ENOMEM. */
int store_copy_bridges(const struct world_store *store, struct arena *arena,
		       struct world *world) MUST_CHECK;

/* ---- parents (parent.c) ---- */

/* As rtnetlink shows them; copied. 0 or -ENOMEM. */
int store_set_parents(struct world_store *store, const struct world_parent *parents,
		      size_t n) MUST_CHECK;
/* Those that networks name; the networks are there. 0 or -ENOMEM. */
int store_copy_parents(const struct world_store *store, struct arena *arena,
		       struct world *world) MUST_CHECK;
