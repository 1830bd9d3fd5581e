/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/out-text.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *sequence, *name; /* name: of libsmartcols */
} paints[] = {
	[PAINT_PLAIN] = { "\033[0m", NULL },	 [PAINT_GOOD] = { "\033[32m", "green" },
	[PAINT_BAD] = { "\033[31m", "red" },	 [PAINT_WARN] = { "\033[33m", "brown" },
	[PAINT_DIM] = { "\033[2m", "darkgray" }, [PAINT_BOLD] = { "\033[1m", NULL },
};

const char *paint_sequence(enum paint what)
{
	return paints[what].sequence;
}

const char *paint_for(const struct ctl *ctl, enum paint what)
{
	return ctl->color ? paint_sequence(what) : "";
}

/* ---- tables ---- */

struct table {
	struct libscols_table *scols;
	size_t n;
	bool failed;
	int *failure; /* of struct ctl */
};

struct table *table_new(const struct ctl *ctl, const char *const *columns, size_t n)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table) {
		*ctl->failure = ctl_out_of_memory();
		return NULL;
	}
	table->scols = scols_new_table();
	table->n = n;
	table->failure = ctl->failure;
	table->failed = !table->scols;
	if (table->failed)
		return table;
	(void)scols_table_enable_colors(table->scols, ctl->color);
	table->failed |= scols_table_set_column_separator(table->scols, "  ") < 0;
	for (size_t i = 0; i < n; i++)
		table->failed |= !scols_table_new_column(table->scols, columns[i], 0, 0);
	return table;
}

void table_row(struct table *table, const char *const *cells, enum paint what)
{
	struct libscols_line *line =
		table && !table->failed ? scols_table_new_line(table->scols, NULL) : NULL;

	if (!line) {
		if (table)
			table->failed = true;
		return;
	}
	for (size_t i = 0; i < table->n; i++)
		table->failed |= scols_line_set_data(line, i, cells[i] ? cells[i] : "") < 0;
	if (paints[what].name)
		(void)scols_line_set_color(line, paints[what].name);
}

void table_print(struct table *table)
{
	if (!table)
		return;
	if (table->failed || scols_print_table(table->scols) < 0)
		*table->failure = ctl_out_of_memory();
	scols_unref_table(table->scols);
	free(table);
}

/* ---- members ---- */

const char *member_text(const cJSON *object, const char *name)
{
	const char *text = wire_string(object, name);

	return text ? text : "";
}

const char *member_list(const cJSON *object, const char *name, struct arena *arena)
{
	const cJSON *item, *array = wire_array(object, name);
	const char *list = "";

	cJSON_ArrayForEach(item, array) {
		const char *text = cJSON_GetStringValue(item);
		list = arena_printf(arena, "%s%s%s", list, *list ? ", " : "", text ? text : "");
		if (!list)
			return "";
	}
	return list;
}

const char *member_place(const cJSON *object, struct arena *arena)
{
	const char *file = wire_string(object, "file");
	const char *place =
		file ? arena_printf(arena, "%s:%.0f", file, wire_number(object, "line", 0)) : NULL;

	return place ? place : "";
}

const char *rule_text(const cJSON *rule, struct arena *arena)
{
	const char *until = member_text(rule, "until");
	const char *text =
		arena_printf(arena, "%s %s -> %s  %s%s%s%s", member_text(rule, "action"),
			     member_list(rule, "from", arena), member_list(rule, "to", arena),
			     member_list(rule, "ports", arena), *until ? "  until " : "", until,
			     wire_bool(rule, "log", false) ? "  logged" : "");

	return text ? text : "";
}

const char *count_text(double count, struct arena *arena)
{
	static const char units[] = "kMGTPE";
	const char *text = NULL;
	size_t unit = 0;

	if (count < 10000) {
		text = arena_printf(arena, "%.0f", count);
		return text ? text : "";
	}
	for (count /= 1000; count >= 1000 && unit + 2 < sizeof(units); unit++)
		count /= 1000;
	text = arena_printf(arena, count < 10 ? "%.1f%c" : "%.0f%c", count, units[unit]);
	return text ? text : "";
}
