/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker compose files (v2, v3 and the Compose Specification) to the facts about the host that
 * would run them, as `docker compose up` does it (tests/compose holds it against that). Pure: the
 * caller reads files and gives the variables. What a file does not say (a variable without a value,
 * a network made elsewhere) is a finding, never a guess.
 *
 * Addresses are symbolic where the file gives none: of 198.18.0.0/15 and 100::/64, which are in no
 * zone and in no sensible CIDR of a policy. Equal inputs give equal worlds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/diag.h"
#include "core/world/world.h"
#include "core/yaml/node.h"

struct compose_variable {
	const char *name, *value;
};

#define COMPOSE_E_INVALID 1
#define COMPOSE_E_UNREADABLE 2

#define COMPOSE_E_ABSENT 3

/* Reads a file for `extends` and `include`: @path is made of the names of the sources and what the
 * files say. @secret: no text of it may be shown. 0: *ret is set; its name is @path, and it lives
 * as long as @arena. COMPOSE_E_UNREADABLE; COMPOSE_E_ABSENT: nothing is there, or a folder.
 * -ENOMEM. */
typedef int compose_load_fn(void *userdata, struct arena *arena, const char *path, bool secret,
			    struct node_source *ret);

struct compose_input {
	const struct node_source *sources; /* merged in this order, as `docker compose -f a -f b` */
	size_t n_sources;
	const struct compose_variable *variables; /* the first of a name counts */
	size_t n_variables;
	const char *const *profiles; /* active ones, "*": all; none: those of COMPOSE_PROFILES */
	size_t n_profiles;
	const char *const *services; /* those to start, with what they depend on; none: all */
	size_t n_services;
	const char *project;   /* as `-p`; NULL: COMPOSE_PROJECT_NAME, `name:`, or the directory */
	const char *directory; /* whose last part names the project at last; NULL: none */
	const char *beside;    /* a file that `docker compose up` would read, too; NULL: none */
	compose_load_fn *load; /* NULL: no other files */
	void *userdata;
};

/* A project: its world, and where each container of it was written. */
struct compose_project {
	const char *name;
	const struct world *world;
	const struct source_loc *places; /* of the service, one per container of the world */
	const char *const *services;	 /* names, likewise */
	/* Likewise: for each of POSTURE_FACTS where it is said; file NULL: nowhere. */
	const struct source_loc *const *posture_places;
};

/* Parse, merge and check. Findings go to @diags (sorted); everything lives in @arena, and source
 * names are borrowed. 0: *ret is set (warnings possible). COMPOSE_E_INVALID: @diags has errors.
 * -ENOMEM. */
int compose_parse(const struct compose_input *in, struct arena *arena, struct diag_list *diags,
		  struct compose_project *ret) MUST_CHECK;

/* A .env file as compose reads it: NAME=value lines, quotes, comments, `export`, and variables of
 * @known and of lines before. *ret lives in @arena. 0; COMPOSE_E_INVALID: reported; -ENOMEM. */
struct compose_variables {
	VEC(struct compose_variable) list; /* items, n: what struct compose_input takes */
};
int compose_parse_env(const struct node_source *source, const struct compose_variables *known,
		      struct arena *arena, struct diag_list *diags,
		      struct compose_variables *ret) MUST_CHECK;
/* Those of one file more. The first @n_fixed stay as they are; of others the later counts. 0 or
 * -ENOMEM. */
int compose_add_variables(struct compose_variables *all, size_t n_fixed,
			  const struct compose_variables *more, struct arena *arena) MUST_CHECK;

/* Everything that can be reported; the ids are stable. */
const struct diag_info *compose_diag_table(size_t *ret_n); /* sorted by id */
