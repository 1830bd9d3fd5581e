/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From files to one tree: what the project is before anything of it is understood. In all of these
 * NULL and false mean: reported, or c->stopped. Internal to core/compose. */
#pragma once

#include "core/compose/draft.h"

/* One document of a file. */
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

/* Variables filled in, and what is taken away left out. */
bool compose_settle(struct compose *c, const struct node *root, struct compose_document *ret);
/* A scalar with its variables. */
const struct node *compose_fill_in(struct compose *c, const struct node *node);
/* @tree without what the document takes away. @service: it is that service, not a whole file. */
const struct node *compose_take_away(struct compose *c, const struct compose_document *document,
				     const struct node *tree, const char *service);

/* ---- files: load.c ---- */

/* Adds one to c->files. */
struct compose_file *compose_read_file(struct compose *c, const struct node_source *source);
/* The files that the user names, laid over each other. */
const struct node *compose_load(struct compose *c);
/* @path from the scope's folder, tidied; NULL: out of memory. */
const char *compose_path(struct compose *c, const struct compose_scope *scope, const char *path);
/* The folder that a file of that name is in: "", or with a slash at its end; NULL: out of memory.
 */
const char *compose_folder(struct compose *c, const char *path);
/* The file of a name that compose_path() made. @at: who asks for it. */
struct compose_file *compose_open(struct compose *c, const char *path, const struct node *at);
/* Its documents laid over @model; ret->resets: of the last one. */
bool compose_add_file(struct compose *c, const struct compose_scope *scope,
		      const struct compose_file *file, struct compose_document *ret);

/* ---- other files: extends.c, include.c ---- */

/* The root with its services laid over those they extend. */
const struct node *compose_extend(struct compose *c, const struct compose_scope *scope,
				  const struct compose_document *document);
/* The root with what `include` brings in. */
const struct node *compose_include(struct compose *c, const struct compose_scope *scope,
				   const struct node *root);
