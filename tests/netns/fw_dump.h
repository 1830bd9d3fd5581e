/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that netd's tables hold, as sorted text, read by libnftnl's parsers: netd uses none of
 * them. Two dumps are equal when the kernel holds the same objects; handles and table flags do not
 * count. */
#pragma once

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define DUMP_BUFFER 65536
#define DUMP_LINES 200000

struct dump_line {
	char *text;
	size_t order; /* rules keep their order within a chain */
};

struct dump {
	struct mnl_socket *nl;
	struct dump_line *lines;
	size_t n;
	bool udata;	       /* also what nft notes for its own printer */
	struct nftnl_set *set; /* the one whose elements are read */
	struct text elements;
};

static inline void dump_add(struct dump *dump, const char *text)
{
	assert(dump->n < DUMP_LINES);
	dump->lines[dump->n] = (struct dump_line){ strdup(text), dump->n };
	assert(dump->lines[dump->n].text);
	dump->n++;
}

static inline void dump_hex(struct text *out, const char *what, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;

	text_printf(out, " %s=", what);
	for (size_t i = 0; i < len; i++)
		text_printf(out, "%02x", b[i]);
}

/* " handle 12" and the like: a word and a number. */
static inline void dump_forget(char *text, const char *word)
{
	char *at;

	while ((at = strstr(text, word))) {
		char *end = at + strlen(word);
		end += strspn(end, "0123456789");
		memmove(at, end, strlen(end) + 1);
	}
}

static inline int dump_ask(struct dump *dump, struct nlmsghdr *nlh, mnl_cb_t fn)
{
	static char buffer[DUMP_BUFFER];
	int r;

	nlh->nlmsg_seq = 1;
	if (mnl_socket_sendto(dump->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = mnl_socket_recvfrom(dump->nl, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buffer, (size_t)n, 1, mnl_socket_get_portid(dump->nl), fn, dump);
	} while (r > 0);
	return r < 0 ? -errno : 0;
}

static inline int dump_table_cb(const struct nlmsghdr *nlh, void *userdata)
{
	struct nftnl_table *table = nftnl_table_alloc();
	char line[1024];

	assert(table && nftnl_table_nlmsg_parse(nlh, table) == 0);
	if (strcmp(nftnl_table_get_str(table, NFTNL_TABLE_NAME), "netd") == 0) {
		snprintf(line, sizeof(line), "table family %u",
			 nftnl_table_get_u32(table, NFTNL_TABLE_FAMILY));
		dump_add(userdata, line);
	}
	nftnl_table_free(table);
	return MNL_CB_OK;
}

static inline int dump_chain_cb(const struct nlmsghdr *nlh, void *userdata)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	char line[4096], whole[4200];

	assert(chain && nftnl_chain_nlmsg_parse(nlh, chain) == 0);
	if (strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE), "netd") == 0) {
		nftnl_chain_snprintf(line, sizeof(line), chain, 0, 0);
		dump_forget(line, " handle ");
		dump_forget(line, " packets ");
		dump_forget(line, " bytes ");
		snprintf(whole, sizeof(whole), "chain %s", line);
		dump_add(userdata, whole);
	}
	nftnl_chain_free(chain);
	return MNL_CB_OK;
}

static inline int dump_obj_cb(const struct nlmsghdr *nlh, void *userdata)
{
	struct nftnl_obj *obj = nftnl_obj_alloc();
	char line[1024], whole[1100];

	assert(obj && nftnl_obj_nlmsg_parse(nlh, obj) == 0);
	if (strcmp(nftnl_obj_get_str(obj, NFTNL_OBJ_TABLE), "netd") == 0) {
		nftnl_obj_snprintf(line, sizeof(line), obj, 0, 0);
		dump_forget(line, " handle ");
		snprintf(whole, sizeof(whole), "object family %u %s",
			 nftnl_obj_get_u32(obj, NFTNL_OBJ_FAMILY), line);
		dump_add(userdata, whole);
	}
	nftnl_obj_free(obj);
	return MNL_CB_OK;
}

static inline int dump_elem_cb(const struct nlmsghdr *nlh, void *userdata)
{
	struct dump *dump = userdata;

	assert(nftnl_set_elems_nlmsg_parse(nlh, dump->set) == 0);
	return MNL_CB_OK;
}

static inline int dump_by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The elements of dump->set, sorted, one string. */
static inline void dump_elements(struct dump *dump, const struct nftnl_set *set)
{
	static char request[4096];
	static char *texts[DUMP_LINES];
	uint16_t family = (uint16_t)nftnl_set_get_u32(set, NFTNL_SET_FAMILY);
	struct nlmsghdr *nlh =
		nftnl_nlmsg_build_hdr(request, NFT_MSG_GETSETELEM, family, NLM_F_DUMP, 1);
	size_t n = 0;

	dump->set = nftnl_set_alloc();
	nftnl_set_set_str(dump->set, NFTNL_SET_TABLE, "netd");
	nftnl_set_set_str(dump->set, NFTNL_SET_NAME, nftnl_set_get_str(set, NFTNL_SET_NAME));
	nftnl_set_elems_nlmsg_build_payload(nlh, dump->set);
	assert(dump_ask(dump, nlh, dump_elem_cb) == 0);
	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(dump->set);
	struct nftnl_set_elem *elem;
	while ((elem = nftnl_set_elems_iter_next(iter))) {
		char line[1024];
		struct text text = { 0 };
		uint32_t len = 0;
		nftnl_set_elem_snprintf(line, sizeof(line), elem, 0, 0);
		text_add(&text, line);
		const void *udata = nftnl_set_elem_get(elem, NFTNL_SET_ELEM_USERDATA, &len);
		if (dump->udata && udata)
			dump_hex(&text, "udata", udata, len);
		assert(n < DUMP_LINES);
		texts[n++] = strdup(text_str(&text));
		text_done(&text);
	}
	nftnl_set_elems_iter_destroy(iter);
	nftnl_set_free(dump->set);
	qsort(texts, n, sizeof(texts[0]), dump_by_text);
	text_done(&dump->elements);
	for (size_t i = 0; i < n; i++) {
		text_printf(&dump->elements, "[%s]", texts[i]);
		free(texts[i]);
	}
}

static inline void dump_set(struct dump *dump, const struct nftnl_set *set)
{
	struct text line = { 0 };
	uint32_t flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS), len = 0;
	const char *name = nftnl_set_get_str(set, NFTNL_SET_NAME);
	const void *udata = nftnl_set_get_data(set, NFTNL_SET_USERDATA, &len);

	dump_elements(dump, set);
	text_printf(&line, "set family %u flags %u key %u/%u data %u/%u size %u policy %u",
		    nftnl_set_get_u32(set, NFTNL_SET_FAMILY), flags,
		    nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE),
		    nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN),
		    nftnl_set_get_u32(set, NFTNL_SET_DATA_TYPE),
		    nftnl_set_get_u32(set, NFTNL_SET_DATA_LEN),
		    nftnl_set_get_u32(set, NFTNL_SET_DESC_SIZE),
		    nftnl_set_get_u32(set, NFTNL_SET_POLICY));
	if (dump->udata && udata)
		dump_hex(&line, "udata", udata, len);
	text_printf(&line, " %s", text_str(&dump->elements));
	text_printf(&line, " name %s", name);
	dump_add(dump, text_str(&line));
	text_done(&line);
}

struct dump_sets {
	struct nftnl_set *items[2048];
	size_t n;
};

static inline int dump_set_cb(const struct nlmsghdr *nlh, void *userdata)
{
	struct dump *dump = userdata;
	struct dump_sets *sets = (struct dump_sets *)(void *)dump->set;
	struct nftnl_set *set = nftnl_set_alloc();

	assert(set && nftnl_set_nlmsg_parse(nlh, set) == 0 && sets->n < 2048);
	if (strcmp(nftnl_set_get_str(set, NFTNL_SET_TABLE), "netd") == 0)
		sets->items[sets->n++] = set;
	else
		nftnl_set_free(set);
	return MNL_CB_OK;
}

/* nft 1.1 writes a range as one expression, where older ones and netd write two comparisons. */
static inline void dump_ranges(const char *rule, struct text *out)
{
	static const char range[] = "[ range eq reg 1 ";
	const char *at;

	while ((at = strstr(rule, range))) {
		const char *values = at + strlen(range), *end = strchr(values, ']');
		size_t half = (size_t)(end - values) / 2;
		text_add_n(out, rule, (size_t)(at - rule));
		text_printf(out, "[ cmp gte reg 1 %.*s]\n  [ cmp lte reg 1 %.*s", (int)half, values,
			    (int)half, values + half);
		rule = end;
	}
	text_add(out, rule);
}

static inline int dump_rule_cb(const struct nlmsghdr *nlh, void *userdata)
{
	struct dump *dump = userdata;
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct text line = { 0 };
	char text[16384];
	uint32_t len = 0;

	assert(rule && nftnl_rule_nlmsg_parse(nlh, rule) == 0);
	if (strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), "netd") == 0) {
		const void *udata = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &len);
		nftnl_rule_unset(rule, NFTNL_RULE_HANDLE);
		nftnl_rule_unset(rule, NFTNL_RULE_POSITION);
		text_printf(&line, "rule %u %s: ", nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY),
			    nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
		nftnl_rule_snprintf(text, sizeof(text), rule, 0, 0);
		dump_ranges(text, &line);
		if (udata)
			dump_hex(&line, "udata", udata, len);
		dump_add(dump, text_str(&line));
	}
	text_done(&line);
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

static inline int dump_by_line(const void *left, const void *right)
{
	const struct dump_line *a = left, *b = right;
	size_t n = strncmp(a->text, "rule ", 5) == 0 ? strcspn(a->text, ":") : SIZE_MAX;
	int r = strncmp(a->text, b->text, n);

	return r ? r : a->order < b->order ? -1 : a->order > b->order;
}

static inline void dump_sets(struct dump *dump)
{
	static struct dump_sets sets;
	char request[256];
	struct nlmsghdr *nlh =
		nftnl_nlmsg_build_hdr(request, NFT_MSG_GETSET, NFPROTO_UNSPEC, NLM_F_DUMP, 1);

	sets.n = 0;
	dump->set = (struct nftnl_set *)(void *)&sets;
	assert(dump_ask(dump, nlh, dump_set_cb) == 0);
	for (size_t i = 0; i < sets.n; i++) {
		dump_set(dump, sets.items[i]);
		nftnl_set_free(sets.items[i]);
	}
}

/* Of the network namespace this thread is in. Free the result. */
static inline char *dump_kernel(bool udata)
{
	static const struct {
		uint16_t type;
		mnl_cb_t fn;
	} rest[] = { { NFT_MSG_GETTABLE, dump_table_cb },
		     { NFT_MSG_GETCHAIN, dump_chain_cb },
		     { NFT_MSG_GETOBJ, dump_obj_cb },
		     { NFT_MSG_GETRULE, dump_rule_cb } };
	static struct dump_line lines[DUMP_LINES];
	struct dump dump = { .lines = lines, .udata = udata };
	struct text all = { 0 };
	char request[256];

	dump.nl = mnl_socket_open(NETLINK_NETFILTER);
	assert(dump.nl && mnl_socket_bind(dump.nl, 0, MNL_SOCKET_AUTOPID) == 0);
	dump_sets(&dump);
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		struct nlmsghdr *nlh =
			nftnl_nlmsg_build_hdr(request, rest[i].type, NFPROTO_UNSPEC, NLM_F_DUMP, 1);
		assert(dump_ask(&dump, nlh, rest[i].fn) == 0);
	}
	qsort(lines, dump.n, sizeof(lines[0]), dump_by_line);
	for (size_t i = 0; i < dump.n; i++) {
		text_printf(&all, "%s\n", lines[i].text);
		free(lines[i].text);
	}
	text_done(&dump.elements);
	mnl_socket_close(dump.nl);
	return all.bytes ? all.bytes : strdup("");
}
