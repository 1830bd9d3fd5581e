/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify: the kernel against the rules that were committed. */
#include <errno.h>

#include "core/report/verify.h"
#include "daemon/answers.h"

static int report(const struct daemon *d, const struct fw_verified *verified, struct arena *arena,
		  cJSON **ret)
{
	static const char *const kinds[] = {
		[FW_MISSING] = "missing", [FW_FOREIGN] = "foreign", [FW_CHANGED] = "changed"
	};
	size_t n = verified->drifts.n;
	struct report_drift *drifts = arena_alloc(arena, n * sizeof(*drifts));
	struct report_verified facts = { .drifts = drifts,
					 .n_drifts = n,
					 .n_more = verified->n_drifts - n,
					 .n_objects = verified->n_objects,
					 .n_mended = d->n_disturbed };

	if (!drifts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		drifts[i] = (struct report_drift){ kinds[verified->drifts.items[i].kind],
						   verified->drifts.items[i].what };
	return report_verify(&facts, ret);
}

int answer_verify(struct daemon *d, const struct control_request *request, struct arena *arena,
		  cJSON **ret)
{
	const struct kernel_facts *kernel = d->questions.kernel;
	cJSON *json = NULL;

	(void)request;
	if (!d->committed)
		return answer_not_in_force(d, ret);
	if (kernel->verify_error < 0)
		return answer_error(wire_new_error(WIRE_INTERNAL, "%s", kernel->error.text), ret);
	int r = report(d, &kernel->verified, arena, &json);
	return r < 0 ? r
		     : answer_report(kernel->verified.n_drifts ? WIRE_FINDING : WIRE_OK, json, ret);
}
