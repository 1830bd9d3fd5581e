/* SPDX-License-Identifier: GPL-2.0-or-later */
/* history: the policies that are kept. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/text.h"
#include "daemon/answers.h"

static int by_number(const void *left, const void *right)
{
	uint64_t a = ((const struct history_entry *)left)->generation;
	uint64_t b = ((const struct history_entry *)right)->generation;

	return a < b ? -1 : a > b;
}

static int answer_unknown(const struct daemon *d, uint64_t generation, cJSON **ret)
{
	struct history_entry entries[LIMIT_HISTORY];
	size_t n = history_entries(&d->history, entries);
	struct text known CLEANUP(text_done) = { 0 };

	if (n)
		qsort(entries, n, sizeof(*entries), by_number);
	for (size_t i = 0; i < n; i++)
		text_printf(&known, "%s%" PRIu64, i ? ", " : "", entries[i].generation);
	if (text_failed(&known))
		return -ENOMEM;
	const char *list = n ? text_str(&known) : "none";
	if (!generation)
		return answer_error(
			wire_new_error(WIRE_USAGE,
				       "no policy from before the one in force is kept; kept: %s",
				       list),
			ret);
	return answer_error(wire_new_error(WIRE_USAGE,
					   "generation %" PRIu64 " is not kept; kept: %s",
					   generation, list),
			    ret);
}

int answer_find_kept(struct daemon *d, const struct control_request *request, struct arena *arena,
		     struct kept_policy *ret, cJSON **answer)
{
	const cJSON *asked = cJSON_GetObjectItemCaseSensitive(request->json, "generation");
	double number = wire_number(request->json, "generation", 0);
	/* A double holds every integer up to here. */
	const double largest = 9007199254740992;

	if (asked && !(number >= 1 && number <= largest))
		return answer_error(wire_new_error(WIRE_USAGE, "generation is a number from 1"),
				    answer);
	uint64_t generation = asked ? (uint64_t)number : history_previous(&d->history);
	int r = history_read(&d->history, generation, arena, &ret->record, &ret->root);
	if (r == -ENOENT)
		return answer_unknown(d, generation, answer);
	if (r < 0 && r != -ENOMEM)
		return answer_error(wire_new_error(WIRE_INTERNAL,
						   "the record of generation %" PRIu64
						   " cannot be read (%s): nothing was changed",
						   generation,
						   r == -EINVAL ? "it is damaged" : strerror(-r)),
				    answer);
	return r;
}

int answer_history(struct daemon *d, const struct control_request *request, struct arena *arena,
		   cJSON **ret)
{
	struct history_entry entries[LIMIT_HISTORY];
	struct history_list list = { .entries = entries,
				     .n = history_entries(&d->history, entries),
				     .in_force = d->committed ? d->history.in_force : 0,
				     .error = history_error(&d->history) };
	struct kept_policy kept = { 0 };
	cJSON *report = NULL;
	int r;

	if (!cJSON_HasObjectItem(request->json, "generation")) {
		r = report_history(&list, &report);
		return r < 0 ? r : answer_report(WIRE_OK, report, ret);
	}
	r = answer_find_kept(d, request, arena, &kept, ret);
	if (r < 0 || *ret)
		return r;
	r = report_history_record(&kept.record, &report);
	cJSON_Delete(kept.root);
	return r < 0 ? r : answer_report(WIRE_OK, report, ret);
}
