/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words and tables on a terminal. */
#pragma once

#include "core/base/text.h"
#include "ctl/ctl.h"

enum paint { PAINT_PLAIN, PAINT_GOOD, PAINT_BAD, PAINT_WARN, PAINT_DIM, PAINT_BOLD };

/* Escape sequences, "" without colours: printf("%s%s%s", paint_for(..), text, paint_for(..,
 * PLAIN)). */
const char *paint_for(const struct ctl *ctl, enum paint what);
const char *paint_sequence(enum paint what); /* also without colours */

/* A table like lsblk's. Out of memory is said once, at the end. */
struct table;
struct table *table_new(const struct ctl *ctl, const char *const *columns, size_t n);
/* Cells from left to right; NULL: empty. */
void table_row(struct table *table, const char *const *cells, enum paint what);
void table_print(struct table *table); /* prints and frees */

/* ---- show-placement.c ---- */

/* A table of the services of a compose project and their tiers. */
void show_placement(const struct ctl *ctl, const struct report_input *in,
		    const struct input_facts *facts);
/* report_ports() of that project, of each service those of its first container. Nothing where none
 * are published. */
void show_placement_ports(const struct ctl *ctl, const cJSON *ports,
			  const struct input_facts *facts);
/* [{"container","network","tier","state"}], owned by the caller. */
cJSON *list_placement(const struct report_input *in);

/* Members of a report; "" when absent or null. */
const char *member_text(const cJSON *object, const char *name);
/* Strings of an array joined by ", "; "" when empty. In @arena. */
const char *member_list(const cJSON *object, const char *name, struct arena *arena);
/* "20-shop.yaml:31" of an object with file and line; "" without. In @arena. */
const char *member_place(const cJSON *object, struct arena *arena);
/* "allow web -> db  5432/tcp  until 2026-12-31T18:00:00Z  logged"; in @arena. */
const char *rule_text(const cJSON *rule, struct arena *arena);
/* What status says of the fleet, "" where there is none; *away: its store is. NULL: no memory.
 */
const char *show_fleet_text(const cJSON *report, struct arena *arena, bool *away);
/* 1234567 -> "1.2M" */
const char *count_text(double count, struct arena *arena);
