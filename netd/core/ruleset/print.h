/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/ruleset, but for the messages of edge/fw: one value (an address, a port, an
 * interface name) in the words in which nft prints it and reads it back. */
#pragma once

#include "core/ruleset/ruleset.h"

/* One field's bytes: 172.18.0.2, "br-lan", 0x00000100, established|related. */
void rs_print_value(enum rs_type type, const uint8_t *bytes, struct text *out);
/* first-last, in numbers. */
void rs_print_range(enum rs_type type, const uint8_t *first, const uint8_t *last, struct text *out);
/* A whole key: fields joined by " . ". */
void rs_print_key(const enum rs_type *types, size_t n_types, const struct rs_key *key,
		  struct text *out);
/* An element without its verdict: a key, a prefix, or first-last. */
void rs_print_elem(const struct rs_set *set, const struct rs_elem *elem, struct text *out);
/* accept, drop, goto to_web; nothing for RS_CONTINUE. */
void rs_print_verdict(enum rs_verdict verdict, const char *target, struct text *out);
/* "iifname . ip saddr" */
void rs_print_fields(const enum rs_field *fields, size_t n, struct text *out);
