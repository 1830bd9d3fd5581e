/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes to drafts: each kind of object is a table of its keys. A finding is reported and decoding
 * goes on, so that one run shows them all. Internal to core/compose. */
#pragma once

#include "core/compose/draft.h"

/* ---- scalars and objects: decode.c ---- */

/* @key->value is the value, and @member what it goes to. 0 (also when it was bad, and reported) or
 * -ENOMEM. */
typedef int (*compose_decode_fn)(struct compose *c, const struct node *key, void *member);

struct compose_field {
	const char *name;
	compose_decode_fn decode;
	size_t offset;
};
#define COMPOSE_FIELD(name, decode, type, member)           \
	{                                                   \
		name, decode, offsetof(struct type, member) \
	}
/* The whole object is the member. */
#define COMPOSE_WHOLE(name, decode) \
	{                           \
		name, decode, 0     \
	}
/* Nothing of it matters to the network. */
#define COMPOSE_IGNORED(name) \
	{                     \
		name, NULL, 0 \
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
/* A text; *ret NULL: bad or without a value, reported. */
int compose_text(struct compose *c, const struct node *node, const char *name,
		 const char **ret) MUST_CHECK;
/* The same, and a number will do. */
int compose_word(struct compose *c, const struct node *node, const char *name,
		 const char **ret) MUST_CHECK;
/* A text for which a variable without a value is no finding: ret->unknown. */
int compose_try_text(struct compose *c, const struct node *node, const char *name,
		     struct draft_text *ret) MUST_CHECK;
/* @name NULL: a text of unknown use, in which a variable is required. */
void compose_report_unset(struct compose *c, const struct node *node, const char *name);
bool compose_is_extension(const struct node *key); /* x-… */

/* Into a struct draft_text, draft_flag or draft_number. */
int compose_decode_text(struct compose *c, const struct node *key, void *member);
int compose_decode_word(struct compose *c, const struct node *key, void *member);
int compose_try_decode_text(struct compose *c, const struct node *key, void *member);
int compose_decode_flag(struct compose *c, const struct node *key, void *member);
int compose_decode_number(struct compose *c, const struct node *key, void *member);
/* Each item of a list, or false: it is none, reported. */
bool compose_is_list(struct compose *c, const struct node *key);
bool compose_is_mapping(struct compose *c, const struct node *key);
/* A word, and those of a list. @name of a word for findings; NULL: one that depends on a variable
 * without a value is left out. */
int compose_add_word(struct compose *c, const struct node *item, const char *name,
		     struct draft_texts *words) MUST_CHECK;
int compose_add_words(struct compose *c, const struct node *key, const char *name,
		      struct draft_texts *words) MUST_CHECK;

/* ---- sections ---- */

int compose_decode_service(struct compose *c, const struct node *key,
			   struct draft_service *ret) MUST_CHECK;
/* Into the list of the service that it names. */
int compose_decode_attachments(struct compose *c, const struct node *key, void *member);
int compose_decode_ports(struct compose *c, const struct node *key, void *member);
int compose_decode_depends_on(struct compose *c, const struct node *key, void *member);
int compose_decode_links(struct compose *c, const struct node *key, void *member);
int compose_decode_volumes_from(struct compose *c, const struct node *key, void *member);
int compose_decode_network(struct compose *c, const struct node *key,
			   struct draft_network *ret) MUST_CHECK;
/* "80", "8080:80", "127.0.0.1:8000-8010:80-90/udp": 0; -EINVAL; -ERANGE: 0, above 65535, reversed,
 * or ranges of different lengths. */
int compose_parse_port(const char *text, struct draft_port *ret) MUST_CHECK;

/* What services want of each other, among those that are active. */
int compose_check_needs(struct compose *c) MUST_CHECK;
bool compose_service_is_active(const struct compose *c, const struct draft_service *service);

/* The project's name, from what was given or the files. */
bool compose_name_project(struct compose *c);
/* Letters, digits, '.', '_' and '-': what compose takes as a key. */
bool compose_is_key(const char *name);
/* The same, the first a letter or digit: what Docker takes as a name. */
bool compose_is_name(const char *name);
