/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From files to one tree: what the project is before anything of it is understood. A tree that
 * cannot be had is tree_bad. Internal to core/compose. */
#pragma once

#include "core/compose/draft.h"

/* One document of a file, or several laid over each other; root NULL: none yet. */
struct compose_document {
	const struct node *root;
	VEC(const char *const *) resets; /* paths of `!reset`, `!override`; each ends with NULL */
};

/* From where relative paths count, and who includes whom. */
struct compose_scope {
	const struct compose_scope *up;
	const char *directory; /* "", or with a slash at its end */
	const char *file;      /* being read */
	unsigned int depth;
	bool plain; /* only for `extends`: what the file itself extends or includes is let be */
};

/* ---- one document: settle.c ---- */

/* Variables filled in, and what is taken away noted and left out. */
struct compose_document compose_settle(struct compose *c, const struct node *root);
/* A scalar with its variables. */
const struct node *compose_fill_in(struct compose *c, const struct node *node);
/* @tree, which @field describes, without what the document takes away. @service: it is that
 * service, not a whole file. */
struct schema_field;
const struct node *compose_take_away(struct compose *c, const struct compose_document *document,
				     const struct node *tree, const char *service,
				     const struct schema_field *field);

/* ---- files: load.c ---- */

/* Adds one to c->files. NULL: c->stopped. */
struct compose_file *compose_read_file(struct compose *c, const struct node_source *source);
/* The files that the user names, laid over each other. */
const struct node *compose_load(struct compose *c);
/* @path from the scope's folder, tidied. */
const char *compose_path(struct compose *c, const struct compose_scope *scope, const char *path);
/* The folder that a file of that name is in: "", or with a slash at its end. */
const char *compose_folder(struct compose *c, const char *path);
/* The file of a name that compose_path() made; NULL: it cannot be read, reported. @at: who asks. */
struct compose_file *compose_open(struct compose *c, const char *path, const struct node *at);
/* Its documents laid over @model; resets: of the last one. */
void compose_add_file(struct compose *c, const struct compose_scope *scope,
		      const struct compose_file *file, struct compose_document *model);

/* ---- other files: extends.c, include.c ---- */

/* The root with its services laid over those they extend. */
const struct node *compose_extend(struct compose *c, const struct compose_scope *scope,
				  const struct compose_document *document);
/* The root with what `include` brings in. */
const struct node *compose_include(struct compose *c, const struct compose_scope *scope,
				   const struct node *root);
