/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ruleset as JSON, for programs: sets as values, rules as nft text with what programs ask of
 * them. The shape is described in netdctl(8); "version" counts its incompatible changes. */
#include "core/ruleset/print.h"

#include <errno.h>

#define VERSION 1

static void add_string(struct text *out, const char *string)
{
	text_add(out, "\"");
	for (const char *c = string; *c; c++) {
		if (*c == '"' || *c == '\\')
			text_printf(out, "\\%c", *c);
		else if ((unsigned char)*c < ' ')
			text_printf(out, "\\u%04x", (unsigned char)*c);
		else
			text_add_n(out, c, 1);
	}
	text_add(out, "\"");
}

/* ,"name":"value"; nothing for NULL. */
static void add_json_member(struct text *out, const char *name, const char *value)
{
	if (!value)
		return;
	text_printf(out, ",\"%s\":", name);
	add_string(out, value);
}

static void add_elem(struct text *out, const struct rs_set *set, const struct rs_elem *elem)
{
	struct text key CLEANUP(text_done) = { 0 };
	struct text verdict CLEANUP(text_done) = { 0 };

	rs_print_elem(set, elem, &key);
	if (!set->map) {
		add_string(out, text_str(&key));
	} else {
		rs_print_verdict(elem->outcome.verdict, elem->outcome.target, &verdict);
		text_add(out, "{\"key\":");
		add_string(out, text_str(&key));
		add_json_member(out, "verdict", text_str(&verdict));
		text_add(out, "}");
	}
	out->failed |= key.failed || verdict.failed;
}

static void add_set(struct text *out, const struct rs_set *set)
{
	text_add(out, "{\"name\":");
	add_string(out, set->name);
	text_add(out, ",\"types\":[");
	for (size_t i = 0; i < set->n_types; i++)
		text_printf(out, "%s\"%s\"", i ? "," : "", ruleset_type_info(set->types[i])->nft);
	text_printf(out, "],\"map\":%s,\"interval\":%s,\"elements\":[", set->map ? "true" : "false",
		    set->interval ? "true" : "false");
	for (size_t i = 0; i < set->n_elems; i++) {
		struct rs_elem elem = rs_set_elem(set, i);
		text_add(out, i ? "," : "");
		add_elem(out, set, &elem);
	}
	text_add(out, "]}");
}

static void add_rule(struct text *out, const struct rs_rule *rule)
{
	struct text line CLEANUP(text_done) = { 0 };

	ruleset_print_rule(rule, &line);
	text_add(out, "{\"rule\":");
	add_string(out, text_str(&line));
	add_json_member(out, "comment", rule->comment);
	add_json_member(out, "counter", rule->counter);
	if (rule->policy_rule)
		text_printf(out, ",\"policy_rule\":%u", rule->policy_rule - 1);
	text_add(out, "}");
	out->failed |= line.failed;
}

static void add_chain(struct text *out, const struct rs_chain *chain)
{
	text_add(out, "{\"name\":");
	add_string(out, chain->name);
	add_json_member(out, "comment", chain->comment);
	if (chain->base)
		text_printf(out, ",\"hook\":\"%s\",\"priority\":%d",
			    rs_hook_name(chain->base->hook), chain->base->priority);
	for (size_t i = 0; chain->base && i < chain->base->n_devices; i++) {
		text_add(out, i ? "," : ",\"devices\":[");
		add_string(out, chain->base->devices[i].name);
		text_add(out, i + 1 == chain->base->n_devices ? "]" : "");
	}
	text_add(out, ",\"rules\":[");
	for (size_t i = 0; i < chain->rules.n; i++) {
		text_add(out, i ? "," : "");
		add_rule(out, &chain->rules.items[i]);
	}
	text_add(out, "]}");
}

static void add_table(struct text *out, const struct rs_table *table)
{
	text_printf(out, "{\"family\":\"%s\",\"name\":\"%s\",\"counters\":[",
		    rs_family_name(table->family), RS_TABLE_NAME);
	for (size_t i = 0; i < table->counters.n; i++) {
		text_add(out, i ? "," : "");
		add_string(out, table->counters.items[i]);
	}
	text_add(out, "],\"sets\":[");
	for (size_t i = 0; i < table->sets.n; i++) {
		text_add(out, i ? "," : "");
		add_set(out, table->sets.items[i]);
	}
	text_add(out, "],\"chains\":[");
	for (size_t i = 0; i < table->chains.n; i++) {
		text_add(out, i ? "," : "");
		add_chain(out, table->chains.items[i]);
	}
	text_add(out, "]}");
}

int ruleset_print_json(const struct ruleset *rs, struct text *out)
{
	text_printf(out, "{\"version\":%d,\"tables\":[", VERSION);
	for (int family = 0; family < RS_FAMILY_COUNT; family++) {
		if (!rs_table_is_there(&rs->tables[family]))
			continue;
		text_add(out, family ? "," : "");
		add_table(out, &rs->tables[family]);
	}
	text_add(out, "]}\n");
	return text_failed(out) ? -ENOMEM : 0;
}
