/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes to drafts: each kind of object is a table of its keys. A finding is reported and decoding
 * goes on, so that one run shows them all. Internal to core/compose. */
#pragma once

#include "core/compose/draft.h"

/* ---- scalars and objects: decode.c ---- */

/* @key->value is the value. 0 (also when it was bad, and reported) or -ENOMEM. */
typedef int (*compose_decode_fn)(struct compose *c, const struct node *key, void *object);

/* decode NULL: a key of which nothing matters to the network. size: what `!reset` clears. */
struct compose_field {
	const char *name;
	compose_decode_fn decode;
	size_t offset, size;
};
#define COMPOSE_FIELD(name, decode, type, member)                                               \
	{                                                                                       \
		name, decode, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
	}
#define COMPOSE_IGNORED(name)    \
	{                        \
		name, NULL, 0, 0 \
	}

struct compose_shape {
	const char *what; /* "a service" */
	const struct compose_field *fields;
	size_t n;
	enum compose_finding unknown; /* what a key that is not there is */
};

int compose_decode_object(struct compose *c, const struct node *node,
			  const struct compose_shape *shape, void *object) MUST_CHECK;
void compose_wrong_type(struct compose *c, const struct node *node, const char *name,
			const char *expected);
/* The text of a scalar; *ret NULL: bad or without a value, reported. */
int compose_text(struct compose *c, const struct node *node, const char *name,
		 const char **ret) MUST_CHECK;
/* The same, and an unset variable is no finding: ret->unknown. */
int compose_try_text(struct compose *c, const struct node *node, const char *name,
		     struct draft_text *ret) MUST_CHECK;
bool compose_is_extension(const struct node *key);     /* x-… */
const char *compose_tag_name(const struct node *node); /* "reset", "override" or "" */

/* Into a struct draft_text, draft_flag or draft_number of the object. */
int compose_decode_text(struct compose *c, const struct node *key,
			struct draft_text *ret) MUST_CHECK;
int compose_decode_flag(struct compose *c, const struct node *key,
			struct draft_flag *ret) MUST_CHECK;
int compose_decode_number(struct compose *c, const struct node *key,
			  struct draft_number *ret) MUST_CHECK;

/* ---- sections ---- */

int compose_decode_service(struct compose *c, const struct node *node,
			   struct draft_service *draft) MUST_CHECK;
int compose_decode_attachments(struct compose *c, const struct node *key, void *object);
int compose_decode_ports(struct compose *c, const struct node *key, void *object);
int compose_decode_network(struct compose *c, const struct node *key,
			   struct draft_network *draft) MUST_CHECK;
/* "80", "8080:80", "127.0.0.1:8000-8010:80-90/udp": 0; -EINVAL; -ERANGE: 0, above 65535, reversed,
 * or ranges of different lengths. */
int compose_parse_port(const char *text, struct draft_port *ret) MUST_CHECK;

/* ---- files: files.c, extends.c ---- */

/* Adds a file to c->files; its root stays NULL when it is unusable. */
int compose_add_file(struct compose *c, const struct node_source *source) MUST_CHECK;
/* @key of a `services` in c->files[file]: its bases, then itself, onto @draft. */
int compose_add_service(struct compose *c, size_t file, const struct node *key,
			struct draft_service *draft) MUST_CHECK;
/* Letters, digits, '.', '_' and '-', the first a letter or digit: what Docker takes as a name. */
bool compose_is_name(const char *name);
