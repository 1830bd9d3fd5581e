/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For whatever reads netfilter's messages: walking over netlink attributes, each checked against
 * the end of its message, and putting values into them. nf_tables has its numbers in network byte
 * order (be32, be64); the functions here take and give those of the host. libmnl's own macros cast
 * const away and mix signs, which netd's warnings forbid. */
#pragma once

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t fw_align(size_t len)
{
	return (len + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO;
}

/* ---- writing ---- */

static inline void fw_put_be32(struct nlmsghdr *nlh, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(nlh, type, htobe32(value));
}

/* The header of every netfilter message. */
static inline void fw_put_family(struct nlmsghdr *nlh, uint8_t family, uint16_t resource)
{
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htobe16(resource);
}

/* ---- reading ---- */

/* The next message of a datagram, whose rest this is; NULL at its end, and at one that does not
 * fit. libmnl's own test takes a length beyond 2 GB for a small one. */
static inline const struct nlmsghdr *fw_next_message(const char **at, size_t *left)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)*at;

	if (*left < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > *left)
		return NULL;
	size_t len = fw_align(nlh->nlmsg_len);
	*at += len < *left ? len : *left;
	*left -= len < *left ? len : *left;
	return nlh;
}

/* Attributes one after the other, of a message or inside another attribute. */
struct fw_attrs {
	const char *at, *end;
};

static inline struct fw_attrs fw_attrs_of(const struct nlmsghdr *nlh)
{
	size_t header = fw_align(sizeof(*nlh)) + fw_align(sizeof(struct nfgenmsg));
	const char *bytes = (const char *)nlh;

	if (nlh->nlmsg_len < header)
		return (struct fw_attrs){ bytes, bytes };
	return (struct fw_attrs){ bytes + header, bytes + nlh->nlmsg_len };
}

/* Empty when @nest is NULL. */
static inline struct fw_attrs fw_attrs_in(const struct nlattr *nest)
{
	const char *bytes = (const char *)nest;

	if (!nest)
		return (struct fw_attrs){ NULL, NULL };
	return (struct fw_attrs){ bytes + fw_align(sizeof(*nest)), bytes + nest->nla_len };
}

/* NULL at the end, and at an attribute that does not fit. */
static inline const struct nlattr *fw_attrs_next(struct fw_attrs *attrs)
{
	const struct nlattr *attr = (const struct nlattr *)(const void *)attrs->at;
	size_t left;

	if (!attrs->at || attrs->at >= attrs->end)
		return NULL;
	left = (size_t)(attrs->end - attrs->at);
	if (left < sizeof(*attr) || attr->nla_len < fw_align(sizeof(*attr)) || attr->nla_len > left)
		return NULL;
	attrs->at += fw_align(attr->nla_len);
	return attr;
}

static inline const struct nlattr *fw_attrs_find(struct fw_attrs attrs, uint16_t type)
{
	const struct nlattr *attr;

	while ((attr = fw_attrs_next(&attrs)))
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
	return NULL;
}

static inline size_t fw_attr_len(const struct nlattr *attr)
{
	return attr->nla_len - fw_align(sizeof(*attr));
}

static inline const void *fw_attr_bytes(const struct nlattr *attr)
{
	return (const char *)attr + fw_align(sizeof(*attr));
}

/* The attribute inside @outer, or NULL; NULL when @outer is. */
static inline const struct nlattr *fw_attr_inner(const struct nlattr *outer, uint16_t type)
{
	return fw_attrs_find(fw_attrs_in(outer), type);
}

/* A number in network order; @otherwise when it is not there, or of another size. */
static inline uint32_t fw_attr_be32(const struct nlattr *attr, uint32_t otherwise)
{
	uint32_t value;

	if (!attr || fw_attr_len(attr) != sizeof(value))
		return otherwise;
	memcpy(&value, fw_attr_bytes(attr), sizeof(value));
	return be32toh(value);
}

static inline uint64_t fw_attr_be64(const struct nlattr *attr)
{
	uint64_t value;

	if (!attr || fw_attr_len(attr) != sizeof(value))
		return 0;
	memcpy(&value, fw_attr_bytes(attr), sizeof(value));
	return be64toh(value);
}

/* A text that ends within the attribute, or "". */
static inline const char *fw_attr_text(const struct nlattr *attr)
{
	if (!attr || !memchr(fw_attr_bytes(attr), '\0', fw_attr_len(attr)))
		return "";
	return fw_attr_bytes(attr);
}

static inline uint8_t fw_family_of(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	return nlh->nlmsg_len >= sizeof(*nlh) + sizeof(*nfg) ? nfg->nfgen_family : NFPROTO_UNSPEC;
}
