/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and elements of sets compared with each other. */
#include <string.h>

#include "core/base/text.h"
#include "core/ruleset/order.h"

int rs_key_compare(const struct rs_key *a, const struct rs_key *b)
{
	size_t shorter = a->len < b->len ? a->len : b->len;
	int r = memcmp(a->bytes, b->bytes, shorter);

	return r ? r : (int)a->len - (int)b->len;
}

bool rs_same_outcome(const struct rs_outcome *a, const struct rs_outcome *b)
{
	return a->verdict == b->verdict && text_equal(a->target, b->target);
}

struct rs_outcome rs_elem_outcome(const struct rs_set *set, size_t i)
{
	uint16_t place;

	if (!set->map)
		return (struct rs_outcome){ 0 };
	memcpy(&place, rs_elem_key(set, i + 1) - RS_OUTCOME_BYTES, sizeof(place));
	return set->outcomes.items[place];
}

bool rs_same_elem(const struct rs_set *a, size_t i, const struct rs_set *b, size_t j)
{
	struct rs_outcome mine = rs_elem_outcome(a, i), other = rs_elem_outcome(b, j);
	size_t values = (a->interval ? 2u : 1u) * a->key_len;

	return memcmp(rs_elem_key(a, i), rs_elem_key(b, j), values) == 0 &&
	       rs_same_outcome(&mine, &other);
}
