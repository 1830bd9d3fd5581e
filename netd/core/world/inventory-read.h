/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checked reading of the inventory's JSON: every failure names the field. Internal to core/world.
 */
#pragma once

#include "core/base/json-scan.h"
#include "core/base/json.h"
#include "core/world/facts.h"

struct inventory_reader {
	struct arena *arena;
	const char *error;			     /* in the arena, set with WORLD_E_INVALID */
	const struct world_network **networks_by_id; /* those of the world, once they are read */
	struct json_elements containers;	     /* the list of them; no bytes: there is none */
	VEC(struct world_parent) parents;	     /* of networks; in their order */
};

/* Where we are: "containers[3].endpoints[0]" is a chain of two. Lives on the stack. */
struct inventory_place {
	const struct inventory_place *up; /* NULL: the top level */
	const char *list;
	size_t index;
};

/* A member of an object: its place, its key and its value, NULL when absent. */
struct inventory_field {
	const struct inventory_place *place;
	const char *key;
	const cJSON *value;
};

/* Notes "PLACE.KEY: TEXT". Always WORLD_E_INVALID, or -ENOMEM. */
int inventory_fail(struct inventory_reader *reader, struct inventory_field field,
		   const char *text) MUST_CHECK;

/* Sorts the members of @object into @fields by the keys already set there. WORLD_E_INVALID: not an
 * object, or an unknown or repeated key. */
int inventory_fields(struct inventory_reader *reader, const cJSON *object,
		     struct inventory_field *fields, size_t n) MUST_CHECK;

/* Text of 1 to WORLD_TEXT_MAX bytes without control characters; an absent field gives @otherwise,
 * and is an error when that is NULL. */
int inventory_text(struct inventory_reader *reader, struct inventory_field field,
		   const char *otherwise, const char **ret) MUST_CHECK;
int inventory_bool(struct inventory_reader *reader, struct inventory_field field, bool otherwise,
		   bool *ret) MUST_CHECK;
/* The same of what is on where it is absent; *ret: it is off. */
int inventory_is_off(struct inventory_reader *reader, struct inventory_field field,
		     bool *ret) MUST_CHECK;
/* Text, or NULL where it is absent. */
int inventory_text_or_null(struct inventory_reader *reader, struct inventory_field field,
			   const char **ret) MUST_CHECK;
int inventory_id(struct inventory_reader *reader, struct inventory_field field,
		 const char *otherwise, char ret[WORLD_ID_LEN]) MUST_CHECK;
/* Absent: IP_NONE. @family IP_NONE: either. */
int inventory_address(struct inventory_reader *reader, struct inventory_field field,
		      enum ip_family family, struct ip_addr *ret) MUST_CHECK;
/* A list of addresses; none when absent. */
int inventory_addresses(struct inventory_reader *reader, struct inventory_field field,
			const struct ip_addr **ret, size_t *ret_n) MUST_CHECK;
/* The number of members, 0 when absent; WORLD_E_INVALID when it is no list or above @max. */
int inventory_list(struct inventory_reader *reader, struct inventory_field field, size_t max,
		   size_t *ret_n) MUST_CHECK;

/* Entries of one list inside a container or a network: Docker itself stops far below. */
#define INVENTORY_MOST_ITEMS 65536u

struct inventory_container {
	struct world_container *facts;
	struct world_endpoint *endpoints; /* sorted by network; container not set yet */
	size_t n_endpoints;
	const struct images_digest *digests; /* of its image's repositories; NULL: not told */
	size_t n_digests;
};

/* "posture" of a container: what is absent is not known. */
int inventory_read_posture(struct inventory_reader *reader, struct inventory_field field,
			   struct posture *ret) MUST_CHECK;

/* "image_id" and "image_digests": what the engine has told of its image. */
int inventory_read_image(struct inventory_reader *reader, struct inventory_field id,
			 struct inventory_field digests,
			 struct inventory_container *ret) MUST_CHECK;
/* The images of those containers, each once. */
int inventory_take_images(struct inventory_reader *reader, const struct inventory_container *items,
			  size_t n, struct world *world) MUST_CHECK;

/* One member of "containers"; @world has its networks already. */
int inventory_read_container(struct inventory_reader *reader, const cJSON *json,
			     const struct inventory_place *place, const struct world *world,
			     struct inventory_container *ret) MUST_CHECK;
/* All of them, from the reader's own list: @field is what stands for it. */
int inventory_read_containers(struct inventory_reader *reader, struct inventory_field field,
			      struct world *world) MUST_CHECK;

/* @ids is sorted here. WORLD_E_INVALID when two are equal. */
int inventory_check_unique(struct inventory_reader *reader, struct inventory_field field,
			   const char **ids, size_t n) MUST_CHECK;
/* The order of networks, and of containers. */
int inventory_by_name_and_id(const char *name_a, const char *id_a, const char *name_b,
			     const char *id_b);
