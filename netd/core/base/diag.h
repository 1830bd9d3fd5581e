/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of what a user got wrong. The parser of a policy, of compose files and the checks of a
 * host add a record for each mistake and go on, so that one run shows all of them; nobody prints
 * here. The list belongs to whoever calls diag_init(), and its texts live in that arena. netdctl
 * prints it as text, JSON, SARIF or JUnit (ctl/out-*.c); the daemon logs it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/ip.h"

/* A place in a file. line and col count from 1; line 0: the file as a whole. */
struct source_loc {
	const char *file; /* as the user named it; borrowed */
	uint32_t line, col;
};

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

/* A kind of finding. */
struct diag_info {
	const char *id; /* stable, kebab-case: "unknown-tier" */
	enum diag_severity severity;
	const char *meaning; /* one line, no full stop */
};

/* What a finding is about, whatever its line: NULL, or nothing, where it is about no such thing. A
 * policy accepts findings by it. The texts live as long as the list. */
struct diag_subject {
	const char *const *tiers;
	size_t n_tiers;
	const char *container, *service, *network;
	struct port_range port; /* counts where has_port is set */
	bool has_port;
};

struct diag {
	enum diag_severity severity;
	struct source_loc loc;
	const char *id;	  /* that of its kind */
	const char *text; /* one sentence, no full stop */
	const char *hint; /* what to do, or NULL: "did you mean `frontend`?" */
	struct diag_subject about;
	const char *accepted; /* why the policy accepts it, or NULL */
};

/* How many records there are of an id. */
struct diag_count {
	const char *id;
	enum diag_severity severity;
	size_t n;
};

struct diag_list {
	struct arena *arena; /* owns the texts */
	VEC(struct diag) diags;
	VEC(struct diag_count) counts;
	size_t n_errors, n_warnings; /* also those that are not kept */
	size_t n_accepted;	     /* warnings that the policy accepts: not among n_warnings */
	struct diag_subject about;   /* what the records are about that are added from now on */
	bool out_of_memory;	     /* a record was lost: treat as an error */
	size_t most;		     /* records that are kept; 0: LIMIT_DIAGS */
};

void diag_init(struct diag_list *list, struct arena *arena);
/* Adds a record about list->about. When the list is full it takes the place of one of the id with
 * the most records, and of a warning rather than of an error, or only counts: many findings of one
 * kind hide no others. */
void diag_add(struct diag_list *list, enum diag_severity severity, struct source_loc loc,
	      const char *id, const char *hint, const char *format, ...) PRINTF_LIKE(6, 7);
/* By file, then line, then column; stable. */
void diag_sort(struct diag_list *list);
bool diag_failed(const struct diag_list *list); /* any error, or a record lost */
/* "did you mean `x`?" with the closest of the names, or NULL when none is close. */
const char *diag_suggest(struct diag_list *list, const char *word, const char *const *names,
			 size_t n);
/* "on line 3", or "at other.yaml:3" as seen from @from. */
#define DIAG_PLACE_LEN 128
const char *diag_place(struct source_loc from, struct source_loc to, char ret[DIAG_PLACE_LEN]);
