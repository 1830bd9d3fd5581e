/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hosts`: what holds for the zone of that name. */
#include <stdio.h>
#include <string.h>

#include "core/base/duration.h"
#include "core/policy/decode.h"

/* In seconds: what a fleet can wait for a host. The schema says the same (schema.c). */
#define LEAST_GRACE 10
#define MOST_GRACE (7 * 86400)

static int decode_grace(struct decoder *d, const struct node *key, void *object)
{
	const char *text = policy_decode_text(d, key->value, key->text);
	char word[TEXT_QUOTE_LEN];

	(void)object;
	if (!text)
		return 0;
	int64_t grace = duration_parse(text, "smhd");
	if (grace < LEAST_GRACE || grace > MOST_GRACE)
		policy_report(d->diags, F_BAD_VALUE, key->value->loc,
			      "write it as `90s`, `10m`, `2h` or `1d`, from 10 seconds to 7 days",
			      "`grace` cannot be `%s`", text_quote(text, word));
	return policy_set_once(d, key, (int)grace, &d->grace);
}

int policy_decode_hosts(struct decoder *d, const struct node *key)
{
	static const struct decode_field fields[] = { { "grace", true, decode_grace } };
	static const struct decode_shape shape = { "`hosts`", fields, ARRAY_LEN(fields) };

	return policy_decode_object(d, key->value, &shape, NULL);
}
