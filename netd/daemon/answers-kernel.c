/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a verb asks of the kernel, in its child and before that gives up its rights: whatever it
 * reads of others after that, it can change nothing. What cannot be read is said in the answer. */
#include <errno.h>
#include <string.h>

#include "daemon/answers.h"

static int by_name(const void *left, const void *right)
{
	const struct report_counter *a = left, *b = right;
	int names = strcmp(a->name, b->name);

	return names ? names : strcmp(a->table, b->table);
}

int kernel_ask_counters(struct daemon *d, struct arena *arena, struct kernel_facts *ret)
{
	struct fw_counters read = { 0 };
	struct fw_error error = { 0 };

	if (!d->committed || fw_counters(d->fw, arena, &read, &error) < 0)
		return 0;
	size_t n = read.counters.n;
	struct report_counter *counters = arena_alloc(arena, n * sizeof(*counters));
	if (!counters)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct fw_counter *counter = &read.counters.items[i];
		counters[i] =
			(struct report_counter){ rs_family_name(counter->family), counter->name,
						 counter->packets, counter->bytes };
	}
	if (n)
		qsort(counters, n, sizeof(*counters), by_name);
	ret->counters = counters;
	ret->n_counters = n;
	return 0;
}

/* What a change may cut, as far as the kernel tells: without it the plan is still one. */
int kernel_ask_connections(struct daemon *d, struct arena *arena, struct kernel_facts *ret)
{
	struct host_addresses host = { 0 };
	int r = host_addresses(arena, &host);

	ret->cut = (struct cut_facts){ .error = "" };
	if (r < 0)
		ret->cut.error = strerror(-r);
	else if (fw_connections(d->fw, arena, &ret->cut, &ret->error) < 0)
		ret->cut.error = ret->error.text;
	ret->cut.host = host.addrs.items;
	ret->cut.n_host = host.addrs.n;
	return 0;
}

int kernel_ask_objects(struct daemon *d, struct arena *arena, struct kernel_facts *ret)
{
	const struct ruleset *wanted = d->committed ? d->committed->compiled.ruleset : d->floor;

	if (wanted)
		ret->verify_error = fw_verify(d->fw, wanted, arena, &ret->verified, &ret->error);
	return ret->verify_error == -ENOMEM ? -ENOMEM : 0;
}

int kernel_ask_all(struct daemon *d, struct arena *arena, struct kernel_facts *ret)
{
	int r = kernel_ask_counters(d, arena, ret);

	if (r == 0)
		ret->verify_error = fw_probe(d->fw, &ret->state, &ret->error);
	return r < 0 || ret->verify_error < 0 ? r : kernel_ask_objects(d, arena, ret);
}
