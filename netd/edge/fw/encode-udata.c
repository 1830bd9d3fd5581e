/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set's user data: notes of nft to its own printer, byte for byte as nft 1.0.6 leaves them.
 * Without the byte order it would list a mark as 0x03000000 and load it back so. Type, length,
 * value; lengths are one byte, numbers in host order. */
#include <string.h>

#include "edge/fw/encode.h"

enum {
	KEY_BYTE_ORDER = 0,
	DATA_BYTE_ORDER = 1,
	KEY_TYPEOF = 3,
	DATA_INTERVAL = 6,
};

enum { TYPEOF_EXPR = 0, TYPEOF_DATA = 1 };

/* nft's enum expr_types */
enum { EXPR_PAYLOAD = 7, EXPR_META = 9, EXPR_CT = 12, EXPR_CONCAT = 13 };

struct udata {
	uint8_t *bytes;
	size_t len;
};

static void put_u32(struct udata *u, uint8_t type, uint32_t value)
{
	u->bytes[u->len] = type;
	u->bytes[u->len + 1] = sizeof(value);
	memcpy(u->bytes + u->len + 2, &value, sizeof(value));
	u->len += 2 + sizeof(value);
}

static size_t nest_start(struct udata *u, uint8_t type)
{
	u->bytes[u->len] = type;
	u->len += 2;
	return u->len;
}

static void nest_end(struct udata *u, size_t start)
{
	u->bytes[start - 1] = (uint8_t)(u->len - start);
}

static void put_payload(struct udata *u, const struct rs_field_info *info)
{
	bool raw = info->nft_header == 0;

	put_u32(u, 0, info->nft_header);
	put_u32(u, 1, info->nft_field);
	if (raw) {
		put_u32(u, 2, info->key + 1u); /* nft counts the headers from 1 */
		put_u32(u, 3, info->detail * 8u);
	}
	if (raw || info->type == RS_TYPE_INTEGER8)
		put_u32(u, 4, info->len * 8u);
}

/* One field's `typeof`. */
static void put_expr(struct udata *u, enum rs_field field)
{
	static const uint32_t exprs[] = {
		[RS_LOAD_META] = EXPR_META,
		[RS_LOAD_CT] = EXPR_CT,
		[RS_LOAD_PAYLOAD] = EXPR_PAYLOAD,
	};
	const struct rs_field_info *info = ruleset_field_info(field);

	put_u32(u, TYPEOF_EXPR, exprs[info->load]);
	size_t data = nest_start(u, TYPEOF_DATA);
	if (info->load == RS_LOAD_PAYLOAD)
		put_payload(u, info);
	else
		put_u32(u, 0, info->key);
	if (info->load == RS_LOAD_CT)
		put_u32(u, 1, info->detail == RS_NO_DIRECTION ? UINT32_MAX : info->detail);
	nest_end(u, data);
}

static void put_concat(struct udata *u, const enum rs_field *fields, size_t n)
{
	put_u32(u, TYPEOF_EXPR, EXPR_CONCAT);
	size_t data = nest_start(u, TYPEOF_DATA);
	for (size_t i = 0; fields && i < n; i++) {
		size_t field = nest_start(u, (uint8_t)i);
		put_expr(u, fields[i]);
		nest_end(u, field);
	}
	nest_end(u, data);
}

static void put_typeof(struct udata *u, const enum rs_field *fields, size_t n)
{
	size_t nest = nest_start(u, KEY_TYPEOF);

	if (n > 1)
		put_concat(u, fields, n);
	else
		put_expr(u, fields[0]);
	nest_end(u, nest);
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

size_t fw_encode_set_udata(const struct rs_set *set, uint8_t ret[FW_UDATA_MAX])
{
	struct udata u = { .bytes = ret };
	enum rs_field fields[RS_KEY_FIELDS];
	bool declared = typeof_fields(set, fields);

	put_u32(&u, KEY_BYTE_ORDER,
		set->n_types > 1 ? 0 : ruleset_type_info(set->types[0])->nft_order);
	if (set->map)
		put_u32(&u, DATA_BYTE_ORDER, 0);
	if (declared || set->n_types > 1)
		put_typeof(&u, declared ? fields : NULL, set->n_types);
	if (set->map)
		put_u32(&u, DATA_INTERVAL, 0);
	return u.len;
}
