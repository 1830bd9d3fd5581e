/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What compose files are made of: for each kind of object a table of its keys, which says what a
 * value may be, how a later file's is laid over an earlier one's, and what is read of it. Checking,
 * merging and decoding walk the same tables. Internal to core/compose. */
#pragma once

#include "core/compose/draft.h"

/* What a value may be; none of them: anything but nothing, and who reads it looks closer. */
enum schema_kind {
	SCHEMA_LIST = 1 << 0,
	SCHEMA_MAP = 1 << 1,
	SCHEMA_WORD = 1 << 2,
	SCHEMA_NULL = 1 << 3, /* `key:` alone */
	SCHEMA_MAPS = 1 << 4, /* of a list: each item is a mapping */
};

/* How two values of a key become one. Nothing is laid over nothing: the earlier one stays. */
enum schema_merge {
	SCHEMA_LATER,	/* the later one counts */
	SCHEMA_BY_KIND, /* so it does of words; lists are joined, mappings merged key by key */
	SCHEMA_ENTRIES, /* `a: b` and `a=b` are alike, and all become a list */
	SCHEMA_KEYS,	/* `[a]` is `a:` with no value, and all become a mapping */
	SCHEMA_NEEDS,	/* the same, with the defaults of `depends_on` */
	SCHEMA_SUBNETS, /* `ipam: {config: …}` */
};

/* @key->value is the value, and @member what it goes to. What is bad is reported, and decoding goes
 * on, so that one run shows it all. */
typedef void schema_decode_fn(struct compose *c, const struct node *key, void *member);

struct schema_field {
	const char *name;   /* NULL: what its key is called */
	unsigned int kinds; /* of enum schema_kind */
	enum schema_merge merge;
	schema_decode_fn *decode; /* NULL: nothing of it is read, or the shape tells */
	size_t offset;
	const struct schema_shape *shape; /* of a mapping, and of the mappings in a list */
};

/* Most fields: what they may be, and where it goes. */
#define SCHEMA_WORD_FIELD(key, decode, type, member)                                        \
	{                                                                                   \
		key, SCHEMA_WORD, SCHEMA_LATER, decode, offsetof(struct type, member), NULL \
	}

struct schema_shape {
	const struct schema_field *fields;
	size_t n;
	const char *what; /* "a service", of which an unknown key is reported; or */
	const struct schema_field *others; /* what each key is that the user names */
	enum compose_finding unknown;
	const char *ignored; /* keys of which nothing matters to the network, between blanks */
};

bool schema_is_extension(const struct node *key); /* x-… */
/* NULL: nothing is known of the key. */
const struct schema_field *schema_find(const struct schema_shape *shape, const char *name);
/* Every value is of a kind that its key takes; reported. */
void schema_check(struct compose *c, const struct node *node, const struct schema_field *field);
/* Reads the keys of a mapping, and reports unknown ones. */
void schema_decode(struct compose *c, const struct node *node, const struct schema_shape *shape,
		   void *object);

/* A whole file, and one entry of `services`, of `networks`, of `include`. */
extern const struct schema_field compose_schema_file, compose_schema_service,
	compose_schema_network, compose_schema_include;
