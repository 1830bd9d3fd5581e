/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan in short: what an apply, a rollback or a reload answers with. */
#include "core/report/json.h"
#include "core/report/report.h"

/* Entries of a list that are told: who wants all of them asks for the plan, or the history. */
#define TOLD 20

static const struct {
	const char *list, *count;
	bool of_exposures;
} lists[] = {
	{ "gained", "n_gained", false },
	{ "lost", "n_lost", false },
	{ "opened", "n_opened", true },
	{ "closed", "n_closed", true },
};

static void take_list(struct rj *j, const cJSON *from, cJSON *to, const char *name)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(from, name), *item;
	cJSON *told = rj_add_array(j, to, name);
	size_t n = 0;

	cJSON_ArrayForEach(item, list)
		if (n++ < TOLD)
			(void)rj_push(j, told, cJSON_Duplicate(item, true));
}

int report_changes(const cJSON *plan, bool counts_alone, cJSON **ret)
{
	struct rj j = { 0 };
	cJSON *root = rj_object(&j);
	cJSON *exposures = counts_alone ? NULL : rj_add_object(&j, root, "exposures");
	const cJSON *planned = cJSON_GetObjectItemCaseSensitive(plan, "exposures");

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const cJSON *from = lists[i].of_exposures ? planned : plan;
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(from, lists[i].list);
		rj_number(&j, root, lists[i].count, cJSON_GetArraySize(list));
		if (!counts_alone)
			take_list(&j, from, lists[i].of_exposures ? exposures : root,
				  lists[i].list);
	}
	return rj_finish(&j, root, ret);
}
