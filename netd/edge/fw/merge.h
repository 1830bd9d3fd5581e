/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conditions of a rule in the form and order in which they are written: with those that nft
 * adds by itself, and with neighbours in one header joined into one load, as nft joins them.
 * Private. */
#pragma once

#include "core/ruleset/protocol.h"

/* Conditions of a rule (RS_MAX_MATCHES), each with what it implies for each of its fields. */
#define FW_TERMS_MAX (RS_MAX_MATCHES * (1 + RS_KEY_FIELDS * RS_IMPLIED_MAX))

struct fw_term {
	const struct rs_match *match; /* NULL: implied */
	struct rs_implied implied;

	/* A plain comparison with bytes of one header: may be joined. */
	bool payload;
	bool negated;
	bool protocol; /* says which header follows: keeps its place when joined */
	bool gone;     /* joined into another */
	uint8_t header, offset, len;
	uint8_t bytes[16];
};

struct fw_terms {
	struct fw_term items[FW_TERMS_MAX];
	size_t n;
	struct rs_protocol known; /* after all of them */
};

void fw_terms_of(const struct rs_rule *rule, enum rs_family family, struct fw_terms *ret);
