/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netd and netdctl say to each other, and THE verb table. One JSON object per line:
 *     {"v":1,"verb":"status"}  ->  {"v":1,"code":"ok",...}
 * Pure: bytes and values; sockets are edge/control's and ctl/client's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "core/base/cleanup.h"

#define WIRE_VERSION 1

/* ---- codes: stable, one table gives name and exit status ---- */

enum wire_code {
	WIRE_OK,	  /* exit 0 */
	WIRE_FINDING,	  /* 1: changes, denied, a test failed, drift */
	WIRE_INVALID,	  /* 1: the policy is wrong; "diags" says where */
	WIRE_USAGE,	  /* 2: unknown verb, wrong arguments, a file that cannot be read */
	WIRE_REFUSED,	  /* 4: an admin verb on the read socket, or no access to the socket */
	WIRE_UNAVAILABLE, /* 3: daemon or Docker not reachable, or too busy */
	WIRE_WORKING,	  /* not the answer yet: it follows */
	WIRE_INTERNAL,	  /* 3: netd's own fault, out of memory included */
};

const char *wire_code_name(enum wire_code code);		       /* "ok" */
int wire_code_parse(const char *name, enum wire_code *ret) MUST_CHECK; /* 0 or -EINVAL */
int wire_exit_status(enum wire_code code);

/* ---- verbs: access control, dispatch, help, man page and completion read this ---- */

/* What a verb may ask of a running daemon. */
enum wire_access {
	WIRE_ACCESS_OFFLINE, /* nothing: it never talks to netd */
	WIRE_ACCESS_READ,    /* either socket */
	WIRE_ACCESS_ADMIN,   /* the admin socket only */
};

#define WIRE_ARGS_ANY 1000u

struct wire_verb {
	const char *name;
	const char *args;      /* for the usage line: "SRC DST PORT/PROTO", or "" */
	unsigned int min, max; /* positional arguments; max WIRE_ARGS_ANY: no limit */
	enum wire_access access;
	const char *summary; /* one line, lower case, no full stop */
};

const struct wire_verb *wire_verbs(size_t *ret_n);
const struct wire_verb *wire_verb_find(const char *name); /* NULL: none */

/* ---- messages ---- */

/* Containers and commas of one request: bounds the memory a small hostile text can turn into. */
#define WIRE_REQUEST_ITEMS 4096u
/* Nesting of one message, both ways. */
#define WIRE_DEPTH 32u

/* Not a message of this protocol. */
#define WIRE_E_INVALID 1

struct wire_request {
	cJSON *json; /* owned: the whole object, the verb's arguments included */
	const struct wire_verb *verb;
};

struct wire_answer {
	cJSON *json; /* owned: the whole object */
	enum wire_code code;
};

/* Each takes one line without its newline, any bytes. 0; WIRE_E_INVALID: *error is a static text
 * for the sender; -ENOMEM. */
int wire_parse_request(const char *line, size_t len, struct wire_request *ret,
		       const char **error) MUST_CHECK;
int wire_parse_answer(const char *line, size_t len, struct wire_answer *ret,
		      const char **error) MUST_CHECK;
void wire_request_done(struct wire_request *request); /* for CLEANUP() too */
void wire_answer_done(struct wire_answer *answer);

/* Start a message; NULL: out of memory. The caller owns it and adds its own members. */
cJSON *wire_new_request(const char *verb) MUST_CHECK;
cJSON *wire_new_answer(enum wire_code code) MUST_CHECK;
/* An answer with "error": a sentence for people: what, where, what to do. */
cJSON *wire_new_error(enum wire_code code, const char *format, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
/* The "error" of an answer, or NULL. */
const char *wire_error_text(const cJSON *answer);
/* Adds @value to @object, which owns it from then on, also on failure. @value NULL: -ENOMEM. */
int wire_add(cJSON *object, const char *name, cJSON *value) MUST_CHECK;
int wire_add_string(cJSON *object, const char *name, const char *value) MUST_CHECK;
int wire_add_number(cJSON *object, const char *name, double value) MUST_CHECK;
int wire_add_bool(cJSON *object, const char *name, bool value) MUST_CHECK;

/* Members. Strings are UTF-8; those of a request hold no control characters but \t, \n and \r.
 * NULL, or @fallback: absent or of another type. */
const char *wire_string(const cJSON *object, const char *name);
bool wire_bool(const cJSON *object, const char *name, bool fallback);
double wire_number(const cJSON *object, const char *name, double fallback);
const cJSON *wire_array(const cJSON *object, const char *name);

/* The line to send, with its newline; malloc'ed, NULL: out of memory. */
char *wire_print(const cJSON *message, size_t *ret_len) MUST_CHECK;

/* "/run/netd/netd.sock" -> "/run/netd/netd-admin.sock". 0; -ENAMETOOLONG: does not fit a unix
 * socket's address. */
#define WIRE_PATH_LEN 108
int wire_admin_path(const char *path, char ret[WIRE_PATH_LEN]) MUST_CHECK;
