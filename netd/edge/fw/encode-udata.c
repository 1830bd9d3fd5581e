/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set's user data: notes of nft to its own printer, byte for byte as nft 1.0.6 leaves them.
 * Without the byte order it would list a mark as 0x03000000 and load it back so. libnftnl knows the
 * form (type, length, value; numbers in host order) and the types of the outermost notes; what
 * `typeof` says of an expression is nft's own. */
#include <linux/netfilter/nf_tables.h> /* NFT_USERDATA_MAXLEN */

#include "edge/fw/encode.h"

/* nft's enum expr_types */
enum { EXPR_PAYLOAD = 7, EXPR_META = 9, EXPR_CT = 12, EXPR_CONCAT = 13 };

/* The notes about RS_KEY_FIELDS fields are some 200 bytes, so nothing here runs out of room. */
static void put_u32(struct nftnl_udata_buf *buf, uint8_t type, uint32_t value)
{
	(void)nftnl_udata_put_u32(buf, type, value);
}

static void put_payload_note(struct nftnl_udata_buf *buf, const struct rs_field_info *info)
{
	bool raw = info->nft_header == 0;

	put_u32(buf, 0, info->nft_header);
	put_u32(buf, 1, info->nft_field);
	if (raw) {
		put_u32(buf, 2, info->key + 1u); /* nft counts the headers from 1 */
		put_u32(buf, 3, info->detail * 8u);
	}
	if (raw || info->type == RS_TYPE_INTEGER8)
		put_u32(buf, 4, info->len * 8u);
}

/* One field's `typeof`. */
static void put_expr(struct nftnl_udata_buf *buf, enum rs_field field)
{
	static const uint32_t exprs[] = {
		[RS_LOAD_META] = EXPR_META,
		[RS_LOAD_CT] = EXPR_CT,
		[RS_LOAD_PAYLOAD] = EXPR_PAYLOAD,
	};
	const struct rs_field_info *info = ruleset_field_info(field);

	put_u32(buf, NFTNL_UDATA_SET_TYPEOF_EXPR, exprs[info->load]);
	struct nftnl_udata *data = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_TYPEOF_DATA);
	if (info->load == RS_LOAD_PAYLOAD)
		put_payload_note(buf, info);
	else
		put_u32(buf, 0, info->key);
	if (info->load == RS_LOAD_CT)
		put_u32(buf, 1, info->detail == RS_NO_DIRECTION ? UINT32_MAX : info->detail);
	nftnl_udata_nest_end(buf, data);
}

static void put_concat(struct nftnl_udata_buf *buf, const enum rs_field *fields, size_t n)
{
	put_u32(buf, NFTNL_UDATA_SET_TYPEOF_EXPR, EXPR_CONCAT);
	struct nftnl_udata *data = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_TYPEOF_DATA);
	for (size_t i = 0; fields && i < n; i++) {
		struct nftnl_udata *field = nftnl_udata_nest_start(buf, (uint8_t)i);
		put_expr(buf, fields[i]);
		nftnl_udata_nest_end(buf, field);
	}
	nftnl_udata_nest_end(buf, data);
}

static void put_typeof(struct nftnl_udata_buf *buf, const enum rs_field *fields, size_t n)
{
	struct nftnl_udata *nest = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_KEY_TYPEOF);

	if (n > 1)
		put_concat(buf, fields, n);
	else
		put_expr(buf, fields[0]);
	nftnl_udata_nest_end(buf, nest);
}

/* nft declares a set by `typeof` fields where a type has no name; false: by type names. */
static bool typeof_fields(const struct rs_set *set, enum rs_field ret[RS_KEY_FIELDS])
{
	bool raw = false;

	for (size_t i = 0; i < set->n_types; i++) {
		ret[i] = ruleset_type_info(set->types[i])->sample;
		raw |= ruleset_type_is_raw(set->types[i]);
	}
	return raw;
}

struct nftnl_udata_buf *fw_encode_set_udata(const struct rs_set *set)
{
	struct nftnl_udata_buf *buf = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	enum rs_field fields[RS_KEY_FIELDS];
	bool declared = typeof_fields(set, fields);

	if (!buf)
		return NULL;
	put_u32(buf, NFTNL_UDATA_SET_KEYBYTEORDER,
		set->n_types > 1 ? 0 : ruleset_type_info(set->types[0])->nft_order);
	if (set->map)
		put_u32(buf, NFTNL_UDATA_SET_DATABYTEORDER, 0);
	if (declared || set->n_types > 1)
		put_typeof(buf, declared ? fields : NULL, set->n_types);
	if (set->map)
		put_u32(buf, NFTNL_UDATA_SET_DATA_INTERVAL, 0);
	return buf;
}
