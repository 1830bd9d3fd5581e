/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/fw/canon.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/limits.h"
#include "core/base/text.h"

#define MOST_ATTRS 32u /* of one nest that is no list: nf_tables has at most some 20 kinds */

bool fw_bytes_equal(struct fw_bytes a, struct fw_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static int compare_bytes(struct fw_bytes a, struct fw_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.at, b.at, len) : 0;

	return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int keep(struct arena *arena, const struct text *text, struct fw_bytes *ret)
{
	if (text_failed(text))
		return -ENOMEM;
	*ret = (struct fw_bytes){ arena_dup(arena, text_str(text), text->len), text->len };
	return ret->at ? 0 : -ENOMEM;
}

static uint16_t type_of(const struct nlattr *attr)
{
	return (uint16_t)(attr->nla_type & NLA_TYPE_MASK);
}

/* Type, length, value: nothing can be read as something else. */
static void add_piece(struct text *out, uint16_t type, const void *bytes, size_t len)
{
	uint32_t head[] = { type, (uint32_t)len };

	text_add_n(out, (const char *)head, sizeof(head));
	text_add_n(out, bytes, len);
}

/* ---- nests ---- */

static int by_type(const void *left, const void *right)
{
	uint16_t a = type_of(*(const struct nlattr *const *)left);
	uint16_t b = type_of(*(const struct nlattr *const *)right);

	return a < b ? -1 : a > b;
}

/* Attributes by type: the kernel's order is not ours. How many; more than MOST_ATTRS say something
 * that netd never says, and are cut. */
static size_t sorted_attrs(struct fw_attrs attrs, const struct nlattr *ret[MOST_ATTRS])
{
	const struct nlattr *attr;
	size_t n = 0;

	while (n < MOST_ATTRS && (attr = fw_attrs_next(&attrs)))
		ret[n++] = attr;
	if (n)
		qsort(ret, n, sizeof(*ret), by_type);
	return n;
}

/* All but the attributes whose bit is in @without. */
static void add_attrs(struct text *out, struct fw_attrs attrs, uint64_t without)
{
	const struct nlattr *sorted[MOST_ATTRS];
	size_t n = sorted_attrs(attrs, sorted);

	for (size_t i = 0; i < n; i++)
		if (type_of(sorted[i]) >= 64 || !(without >> type_of(sorted[i]) & 1))
			add_piece(out, type_of(sorted[i]), fw_attr_bytes(sorted[i]),
				  fw_attr_len(sorted[i]));
}

#define BIT(type) (UINT64_C(1) << (type))

static void add_nest(struct text *out, uint16_t type, const struct text *inner)
{
	out->failed |= inner->failed;
	add_piece(out, type, text_str(inner), inner->len);
}

/* { value } or { verdict { code, chain } } */
static void add_data(struct text *out, const struct nlattr *attr)
{
	const struct nlattr *verdict = fw_attr_inner(attr, NFTA_DATA_VERDICT);
	struct text inner CLEANUP(text_done) = { 0 }, code CLEANUP(text_done) = { 0 };

	if (verdict) {
		add_attrs(&code, fw_attrs_in(verdict), 0);
		add_nest(&inner, NFTA_DATA_VERDICT, &code);
	}
	add_attrs(&inner, fw_attrs_in(attr), BIT(NFTA_DATA_VERDICT));
	add_nest(out, type_of(attr), &inner);
}

/* ---- expressions ---- */

/* Attributes of expressions that are data, and those that the kernel adds with the value zero. */
struct known_expression {
	const char *name;
	uint64_t data, zero;
	uint64_t expr; /* those that are another expression */
	uint64_t text; /* those that libnftnl writes without the NUL that the kernel ends them with
			*/
};

static const struct known_expression expressions[] = {
	{ .name = "cmp", .data = BIT(NFTA_CMP_DATA) },
	{ .name = "immediate", .data = BIT(NFTA_IMMEDIATE_DATA) },
	{ .name = "bitwise",
	  .data = BIT(NFTA_BITWISE_MASK) | BIT(NFTA_BITWISE_XOR),
	  .zero = BIT(NFTA_BITWISE_OP) },
	{ .name = "lookup", .zero = BIT(NFTA_LOOKUP_FLAGS) },
	{ .name = "limit", .zero = BIT(NFTA_LIMIT_FLAGS) | BIT(NFTA_LIMIT_PAD) },
	{ .name = "dynset",
	  .zero = BIT(NFTA_DYNSET_FLAGS) | BIT(NFTA_DYNSET_TIMEOUT) | BIT(NFTA_DYNSET_PAD),
	  .expr = BIT(NFTA_DYNSET_EXPR) },
	{ .name = "objref", .text = BIT(NFTA_OBJREF_IMM_NAME) },
};

static bool is_zero(const struct nlattr *attr)
{
	const uint8_t *bytes = fw_attr_bytes(attr);

	for (size_t i = 0; i < fw_attr_len(attr); i++)
		if (bytes[i])
			return false;
	return true;
}

/* What is known of an expression of that name; zeroes. */
static struct known_expression find_expression(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(expressions); i++)
		if (strcmp(expressions[i].name, name) == 0)
			return expressions[i];
	return (struct known_expression){ 0 };
}

/* An expression within another one: has none within itself. */
static void add_inner(struct text *out, const struct nlattr *attr)
{
	const char *name = fw_attr_text(fw_attr_inner(attr, NFTA_EXPR_NAME));
	const struct nlattr *data = fw_attr_inner(attr, NFTA_EXPR_DATA), *sorted[MOST_ATTRS];
	struct known_expression known = find_expression(name);
	struct text inner CLEANUP(text_done) = { 0 };
	size_t n = sorted_attrs(fw_attrs_in(data), sorted);

	add_piece(&inner, NFTA_EXPR_NAME, name, strlen(name));
	for (size_t i = 0; i < n; i++) {
		uint16_t type = type_of(sorted[i]);
		if (type >= 64 || !(known.zero & BIT(type)) || !is_zero(sorted[i]))
			add_piece(&inner, type, fw_attr_bytes(sorted[i]), fw_attr_len(sorted[i]));
	}
	add_nest(out, type_of(attr), &inner);
}

static void add_expression(struct text *out, const struct nlattr *elem)
{
	const char *name = fw_attr_text(fw_attr_inner(elem, NFTA_EXPR_NAME));
	const struct nlattr *data = fw_attr_inner(elem, NFTA_EXPR_DATA), *sorted[MOST_ATTRS];
	struct known_expression known = find_expression(name);
	size_t n = sorted_attrs(fw_attrs_in(data), sorted);

	add_piece(out, NFTA_EXPR_NAME, name, strlen(name));
	for (size_t i = 0; i < n; i++) {
		uint16_t type = type_of(sorted[i]);
		uint64_t bit = type < 64 ? BIT(type) : 0;
		if (known.data & bit)
			add_data(out, sorted[i]);
		else if (known.expr & bit)
			add_inner(out, sorted[i]);
		else if (known.text & bit)
			add_piece(out, type, fw_attr_bytes(sorted[i]),
				  strnlen(fw_attr_bytes(sorted[i]), fw_attr_len(sorted[i])));
		else if (!(known.zero & bit) || !is_zero(sorted[i]))
			add_piece(out, type, fw_attr_bytes(sorted[i]), fw_attr_len(sorted[i]));
	}
}

/* ---- objects ---- */

static int add_thing(struct fw_canon *canon, struct fw_thing thing, const char *name,
		     const struct text *says)
{
	int r = keep(canon->arena, says, &thing.says);

	thing.name = arena_strdup(canon->arena, name);
	if (r < 0 || !thing.name)
		return -ENOMEM;
	return VEC_PUSH(canon->arena, &canon->things, thing);
}

static int take_table(struct fw_canon *canon, struct fw_attrs attrs, struct fw_thing thing)
{
	struct text says CLEANUP(text_done) = { 0 };
	const struct nlattr *flags = fw_attrs_find(attrs, NFTA_TABLE_FLAGS);
	uint32_t value = fw_attr_be32(flags, 0);

	add_piece(&says, NFTA_TABLE_FLAGS, &value, sizeof(value));
	return add_thing(canon, thing, "", &says);
}

static int by_device(const void *left, const void *right)
{
	return strcmp(fw_attr_text(*(const struct nlattr *const *)left),
		      fw_attr_text(*(const struct nlattr *const *)right));
}

/* The interfaces of a chain, in the order of their names. The kernel tells of a single one twice.
 */
static void add_devices(struct text *out, const struct nlattr *hook)
{
	struct fw_attrs list = fw_attrs_in(fw_attr_inner(hook, NFTA_HOOK_DEVS));
	const struct nlattr *devices[LIMIT_PARENTS], *device;
	size_t n = 0;

	while (n < ARRAY_LEN(devices) && (device = fw_attrs_next(&list)))
		devices[n++] = device;
	if (n)
		qsort(devices, n, sizeof(*devices), by_device);
	for (size_t i = 0; i < n; i++)
		add_piece(out, NFTA_HOOK_DEVS, fw_attr_text(devices[i]),
			  strlen(fw_attr_text(devices[i])));
}

static int take_chain(struct fw_canon *canon, struct fw_attrs attrs, struct fw_thing thing)
{
	const struct nlattr *hook = fw_attrs_find(attrs, NFTA_CHAIN_HOOK);
	const uint64_t without = BIT(NFTA_CHAIN_TABLE) | BIT(NFTA_CHAIN_HANDLE) |
				 BIT(NFTA_CHAIN_NAME) | BIT(NFTA_CHAIN_HOOK) | BIT(NFTA_CHAIN_USE) |
				 BIT(NFTA_CHAIN_COUNTERS) | BIT(NFTA_CHAIN_FLAGS);
	struct text says CLEANUP(text_done) = { 0 }, inner CLEANUP(text_done) = { 0 };

	if (hook) {
		add_attrs(&inner, fw_attrs_in(hook), BIT(NFTA_HOOK_DEV) | BIT(NFTA_HOOK_DEVS));
		add_devices(&inner, hook);
		add_nest(&says, NFTA_CHAIN_HOOK, &inner);
	}
	add_attrs(&says, attrs, without);
	return add_thing(canon, thing, fw_attr_text(fw_attrs_find(attrs, NFTA_CHAIN_NAME)), &says);
}

static int take_rule(struct fw_canon *canon, struct fw_attrs attrs, struct fw_thing thing)
{
	const struct nlattr *list = fw_attrs_find(attrs, NFTA_RULE_EXPRESSIONS), *elem;
	const char *chain = fw_attr_text(fw_attrs_find(attrs, NFTA_RULE_CHAIN));
	const uint64_t without = BIT(NFTA_RULE_TABLE) | BIT(NFTA_RULE_CHAIN) |
				 BIT(NFTA_RULE_HANDLE) | BIT(NFTA_RULE_EXPRESSIONS) |
				 BIT(NFTA_RULE_POSITION) | BIT(NFTA_RULE_ID);
	const struct fw_thing *last =
		canon->things.n ? &canon->things.items[canon->things.n - 1] : NULL;
	struct text says CLEANUP(text_done) = { 0 };

	thing.place = 1;
	if (last && last->kind == FW_RULE && last->family == thing.family &&
	    strcmp(last->name, chain) == 0)
		thing.place = last->place + 1;
	struct fw_attrs elems = fw_attrs_in(list);
	while (list && (elem = fw_attrs_next(&elems))) {
		struct text inner CLEANUP(text_done) = { 0 };
		add_expression(&inner, elem);
		add_nest(&says, NFTA_RULE_EXPRESSIONS, &inner);
	}
	add_attrs(&says, attrs, without);
	return add_thing(canon, thing, chain, &says);
}

/* Younger than many systems' headers: how the kernel stores it, and how many it holds. */
#define SET_TYPE 19
#define SET_COUNT 20

static int take_set(struct fw_canon *canon, struct fw_attrs attrs, struct fw_thing thing)
{
	/* The notes for nft's printer are no part of what a set does. */
	const uint64_t without = BIT(NFTA_SET_TABLE) | BIT(NFTA_SET_NAME) | BIT(NFTA_SET_ID) |
				 BIT(NFTA_SET_HANDLE) | BIT(NFTA_SET_USERDATA) |
				 BIT(NFTA_SET_DATA_LEN) | BIT(NFTA_SET_DESC) | BIT(NFTA_SET_FLAGS) |
				 BIT(SET_TYPE) | BIT(SET_COUNT);
	const char *name = fw_attr_text(fw_attrs_find(attrs, NFTA_SET_NAME));
	struct text says CLEANUP(text_done) = { 0 };
	uint32_t flags = fw_attr_be32(fw_attrs_find(attrs, NFTA_SET_FLAGS), 0);

	add_piece(&says, NFTA_SET_FLAGS, &flags, sizeof(flags)); /* not dumped where it is 0 */
	add_attrs(&says, attrs, without);
	if (flags & NFT_SET_EVAL) {
		struct fw_meter meter = { thing.family, arena_strdup(canon->arena, name) };
		if (!meter.name || VEC_PUSH(canon->arena, &canon->meters, meter) < 0)
			return -ENOMEM;
	}
	return add_thing(canon, thing, name, &says);
}

static int take_element(struct fw_canon *canon, const struct nlattr *elem, struct fw_thing thing,
			const char *name)
{
	const struct nlattr *key =
		fw_attr_inner(fw_attr_inner(elem, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
	const struct nlattr *data = fw_attr_inner(elem, NFTA_SET_ELEM_DATA);
	const uint64_t without = BIT(NFTA_SET_ELEM_KEY) | BIT(NFTA_SET_ELEM_DATA) |
				 BIT(NFTA_SET_ELEM_USERDATA) | BIT(NFTA_SET_ELEM_PAD);
	struct text says CLEANUP(text_done) = { 0 };

	if (key)
		add_piece(&says, NFTA_SET_ELEM_KEY, fw_attr_bytes(key), fw_attr_len(key));
	if (data)
		add_data(&says, data);
	add_attrs(&says, fw_attrs_in(elem), without);
	if (key) {
		thing.key.len = fw_attr_len(key);
		thing.key.at = arena_dup(canon->arena, fw_attr_bytes(key), thing.key.len);
		if (!thing.key.at)
			return -ENOMEM;
	}
	return add_thing(canon, thing, name, &says);
}

static bool is_meter(const struct fw_canon *canon, enum rs_family family, const char *name)
{
	for (size_t i = 0; i < canon->meters.n; i++)
		if (canon->meters.items[i].family == family &&
		    strcmp(canon->meters.items[i].name, name) == 0)
			return true;
	return false;
}

static int take_elements(struct fw_canon *canon, struct fw_attrs attrs, struct fw_thing thing)
{
	const struct nlattr *list = fw_attrs_find(attrs, NFTA_SET_ELEM_LIST_ELEMENTS), *elem;
	const char *name = fw_attr_text(fw_attrs_find(attrs, NFTA_SET_ELEM_LIST_SET));
	struct fw_attrs elems = fw_attrs_in(list);
	int r = 0;

	if (is_meter(canon, thing.family, name))
		return 0;
	while (r == 0 && list && (elem = fw_attrs_next(&elems)))
		r = take_element(canon, elem, thing, name);
	return r;
}

static int take_counter(struct fw_canon *canon, struct fw_attrs attrs, struct fw_thing thing)
{
	struct text says CLEANUP(text_done) = { 0 };
	uint32_t type = fw_attr_be32(fw_attrs_find(attrs, NFTA_OBJ_TYPE), 0);

	add_piece(&says, NFTA_OBJ_TYPE, &type, sizeof(type));
	return add_thing(canon, thing, fw_attr_text(fw_attrs_find(attrs, NFTA_OBJ_NAME)), &says);
}

static const struct {
	enum fw_object kind;
	int (*take)(struct fw_canon *, struct fw_attrs, struct fw_thing);
} takers[] = {
	[NFT_MSG_NEWTABLE] = { FW_TABLE, take_table },
	[NFT_MSG_NEWCHAIN] = { FW_CHAIN, take_chain },
	[NFT_MSG_NEWRULE] = { FW_RULE, take_rule },
	[NFT_MSG_NEWSET] = { FW_SET, take_set },
	[NFT_MSG_NEWSETELEM] = { FW_ELEMENTS, take_elements },
	[NFT_MSG_NEWOBJ] = { FW_COUNTER, take_counter },
};

/* Every object's message has its table's name as attribute 1. */
#define TABLE_ATTR 1

int fw_canon_take(struct fw_canon *canon, const struct nlmsghdr *nlh)
{
	uint8_t type = (uint8_t)nlh->nlmsg_type;
	struct fw_thing thing = { .kind = FW_TRANSACTION };
	struct fw_attrs attrs = fw_attrs_of(nlh);

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || type >= ARRAY_LEN(takers) ||
	    !takers[type].take || !fw_family_find(fw_family_of(nlh), &thing.family) ||
	    strcmp(fw_attr_text(fw_attrs_find(attrs, TABLE_ATTR)), RS_TABLE_NAME) != 0)
		return 0;
	thing.kind = takers[type].kind;
	return takers[type].take(canon, attrs, thing);
}

/* ---- order ---- */

int fw_thing_compare(const struct fw_thing *a, const struct fw_thing *b)
{
	if (a->family != b->family)
		return (int)a->family - (int)b->family;
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	int order = strcmp(a->name, b->name);
	if (order == 0 && a->place != b->place)
		order = a->place < b->place ? -1 : 1;
	return order ? order : compare_bytes(a->key, b->key);
}

/* The two ends of ranges may have one key. */
static int by_thing(const void *left, const void *right)
{
	const struct fw_thing *a = left, *b = right;
	int order = fw_thing_compare(a, b);

	return order ? order : compare_bytes(a->says, b->says);
}

void fw_canon_sort(struct fw_canon *canon)
{
	if (canon->things.n)
		qsort(canon->things.items, canon->things.n, sizeof(struct fw_thing), by_thing);
}
