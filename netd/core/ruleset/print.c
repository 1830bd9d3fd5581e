/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ruleset as an nft script. What nft would list otherwise (an added "meta nfproto", a /8 for a
 * mask) is left to nft: the objects are the same. */
#include "core/ruleset/print.h"

#include <string.h>

static bool is_power_of_two(const struct rs_key *mask)
{
	uint32_t n;

	memcpy(&n, mask->bytes, sizeof(n));
	return n && (n & (n - 1)) == 0;
}

static void print_masked(enum rs_type type, const struct rs_match *match, struct text *out)
{
	bool parens = ruleset_type_info(type)->bits && !is_power_of_two(&match->mask);

	if (rs_match_is_flag(match)) {
		text_add(out, " ");
		rs_print_value(type, match->mask.bytes, out);
		return;
	}
	text_add(out, parens ? " & (" : " & ");
	rs_print_value(type, match->mask.bytes, out);
	text_add(out, parens ? ") == " : " == ");
	rs_print_value(type, match->value.bytes, out);
}

static void print_match(const struct rs_match *match, struct text *out)
{
	enum rs_type type = ruleset_field_info(match->fields[0])->type;

	rs_print_fields(match->fields, match->n_fields, out);
	switch (match->op) {
	case RS_EQ:
		/* A bare value of bits would match any of them. */
		text_add(out, ruleset_type_info(type)->bits ? " == " : " ");
		rs_print_value(type, match->value.bytes, out);
		break;
	case RS_NE:
		text_add(out, " != ");
		rs_print_value(type, match->value.bytes, out);
		break;
	case RS_BITS:
		print_masked(type, match, out);
		break;
	case RS_RANGE:
		text_add(out, " ");
		rs_print_range(type, match->value.bytes, match->last.bytes, out);
		break;
	case RS_IN:
	case RS_NOT_IN:
		text_printf(out, "%s@%s", match->op == RS_IN ? " " : " != ", match->set);
		break;
	}
}

static void print_mark(const struct rs_mark *mark, struct text *out)
{
	const char *name = ruleset_field_info(mark->field)->nft;

	text_printf(out, "%s set ", name);
	if (mark->mask == 0) {
		text_printf(out, "0x%08x", mark->bits);
		return;
	}
	text_add(out, name);
	if ((mark->mask | mark->bits) != UINT32_MAX)
		text_printf(out, " & 0x%08x", mark->mask);
	if (mark->bits)
		text_printf(out, " | 0x%08x", mark->bits);
}

static void print_vmap(const struct rs_rule *rule, struct text *out)
{
	rs_print_fields(rule->vmap_fields, rule->n_vmap_fields, out);
	text_printf(out, " vmap @%s", rule->target);
}

static void print_log(const struct rs_log *log, struct text *out)
{
	if (log->meter)
		text_printf(out, "update @%s { %s ", log->meter,
			    ruleset_field_info(log->source)->nft);
	text_printf(out, "limit rate %u/second burst %u packets ", log->per_second, log->burst);
	text_printf(out, "%slog prefix \"%s\" group %u ", log->meter ? "} " : "", log->prefix,
		    log->group);
}

static void print_note(const struct rs_note *note, struct text *out)
{
	text_printf(out, "update @%s { ", note->set);
	rs_print_fields(note->fields, note->n_fields, out);
	text_add(out, " } ");
}

/* Each part is followed by a blank; the last one is taken back. */
void ruleset_print_rule(const struct rs_rule *rule, struct text *out)
{
	for (size_t i = 0; i < rule->n_matches; i++) {
		print_match(&rule->matches[i], out);
		text_add(out, " ");
	}
	if (rule->log)
		print_log(rule->log, out);
	if (rule->counter)
		text_printf(out, "counter name \"%s\" ", rule->counter);
	if (rule->mark) {
		print_mark(rule->mark, out);
		text_add(out, " ");
	}
	if (rule->note)
		print_note(rule->note, out);
	if (rule->verdict == RS_VMAP)
		print_vmap(rule, out);
	else
		rs_print_verdict(rule->verdict, rule->target, out);
	if (rule->verdict != RS_CONTINUE)
		text_add(out, " ");
	if (rule->comment)
		text_printf(out, "comment \"%s\" ", rule->comment);
	if (!out->failed && out->len > 0)
		out->bytes[--out->len] = '\0';
}

/* A set of raw payload has no type name to nft: it is declared by fields of these types. */
static void print_types(const struct rs_set *set, struct text *out)
{
	enum rs_field samples[RS_KEY_FIELDS];
	bool raw = false;

	for (size_t i = 0; i < set->n_types; i++) {
		samples[i] = ruleset_type_info(set->types[i])->sample;
		raw |= ruleset_type_is_raw(set->types[i]);
	}
	text_add(out, raw ? "\t\ttypeof " : "\t\ttype ");
	if (raw)
		rs_print_fields(samples, set->n_types, out);
	for (size_t i = 0; !raw && i < set->n_types; i++)
		text_printf(out, "%s%s", i ? " . " : "", ruleset_type_info(set->types[i])->nft);
	text_add(out, set->map ? " : verdict\n" : "\n");
}

/* Patterns are many and short. */
#define PATTERNS_A_LINE 8

static bool stays_in_line(const struct rs_set *set, size_t i)
{
	return set->interval && set->types[0] == RS_TYPE_IFNAME && i + 1 < set->n_elems &&
	       (i + 1) % PATTERNS_A_LINE != 0;
}

static void print_set(const struct rs_set *set, struct text *out)
{
	bool in_line = false;

	text_printf(out, "\t%s %s {\n", set->map ? "map" : "set", set->name);
	print_types(set, out);
	if (set->interval)
		text_add(out, "\t\tflags interval\n");
	if (set->meter || set->forgets_s)
		text_printf(out, "\t\tsize %u\n\t\tflags dynamic,timeout\n\t\ttimeout %us\n",
			    RS_FILLED_SIZE, set->meter ? RS_METER_SECONDS : set->forgets_s);
	if (set->n_elems)
		text_add(out, "\t\telements = {\n");
	for (size_t i = 0; i < set->n_elems; i++) {
		struct rs_elem elem = rs_set_elem(set, i);
		text_add(out, in_line ? " " : "\t\t\t");
		rs_print_elem(set, &elem, out);
		text_add(out, set->map ? " : " : "");
		rs_print_verdict(elem.outcome.verdict, elem.outcome.target, out);
		in_line = stays_in_line(set, i);
		text_add(out, in_line ? "," : ",\n");
	}
	text_add(out, set->n_elems ? "\t\t}\n\t}\n" : "\t}\n");
}

static void print_base(const struct rs_base *base, struct text *out)
{
	text_printf(out, "\t\ttype filter hook %s ", rs_hook_name(base->hook));
	for (size_t i = 0; i < base->n_devices; i++) {
		text_add(out, i ? ", " : "devices = { ");
		rs_print_value(RS_TYPE_IFNAME, (const uint8_t *)base->devices[i].name, out);
	}
	text_printf(out, "%spriority %d; policy accept;\n", base->n_devices ? " } " : "",
		    base->priority);
}

static void print_chain(const struct rs_chain *chain, struct text *out)
{
	if (chain->comment)
		text_printf(out, "\t# %s\n", chain->comment);
	text_printf(out, "\tchain %s {\n", chain->name);
	if (chain->base)
		print_base(chain->base, out);
	for (size_t i = 0; i < chain->rules.n; i++) {
		text_add(out, "\t\t");
		ruleset_print_rule(&chain->rules.items[i], out);
		text_add(out, "\n");
	}
	text_add(out, "\t}\n");
}

static void print_table(const struct rs_table *table, struct text *out)
{
	const char *gap = "";

	text_printf(out, "\ntable %s %s {\n", rs_family_name(table->family), RS_TABLE_NAME);
	for (size_t i = 0; i < table->counters.n; i++)
		text_printf(out, "\tcounter %s {\n\t}\n", table->counters.items[i]);
	gap = table->counters.n ? "\n" : "";
	for (size_t i = 0; i < table->sets.n; i++) {
		text_add(out, gap);
		print_set(table->sets.items[i], out);
		gap = "\n";
	}
	for (size_t i = 0; i < table->chains.n; i++) {
		text_add(out, gap);
		print_chain(table->chains.items[i], out);
		gap = "\n";
	}
	text_add(out, "}\n");
}

/* `delete` alone fails when there is no table; declaring it first makes both cases one. */
void ruleset_print(const struct ruleset *rs, struct text *out)
{
	for (int family = 0; family < RS_FAMILY_COUNT; family++) {
		const char *name = rs_family_name((enum rs_family)family);
		if (!rs_table_is_there(&rs->tables[family]))
			continue;
		text_printf(out, "table %s %s {}\ndelete table %s %s\n", name, RS_TABLE_NAME, name,
			    RS_TABLE_NAME);
	}
	for (int family = 0; family < RS_FAMILY_COUNT; family++)
		if (rs_table_is_there(&rs->tables[family]))
			print_table(&rs->tables[family], out);
}
