/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What answers are made of. */
#include "daemon/answers.h"
#include "edge/base/clock.h"

#include <errno.h>

int answer_report(enum wire_code code, cJSON *report, cJSON **ret)
{
	cJSON *answer = wire_new_answer(code);

	if (!answer) {
		cJSON_Delete(report);
		return -ENOMEM;
	}
	int r = wire_add(answer, "report", report);
	if (r < 0) {
		cJSON_Delete(answer);
		return r;
	}
	*ret = answer;
	return 0;
}

int answer_error(cJSON *error, cJSON **ret)
{
	*ret = error;
	return error ? 0 : -ENOMEM;
}

int answer_not_in_force(const struct daemon *d, cJSON **ret)
{
	const char *why = first_contact_waits(d)
				  ? "no policy was ever in force on this host: nothing is "
				    "enforced until there is one; `netdctl plan FILE` shows what "
				    "it would close"
			  : d->plan.off ? "netd is off: no policy is in force; `netdctl reload` "
					  "puts it back"
					: "no policy is in force yet: netd waits for Docker";

	return answer_error(wire_new_error(WIRE_UNAVAILABLE, "%s", why), ret);
}

int answer_invalid(const struct diag_list *diags, cJSON **ret)
{
	cJSON *list = NULL, *answer = wire_new_error(WIRE_INVALID, "the policy is refused: "
								   "nothing was changed");
	int r = answer ? report_diagnostics(diags, &list) : -ENOMEM;

	if (r == 0)
		r = wire_add(answer, "diagnostics", list);
	if (r < 0) {
		cJSON_Delete(answer);
		return r;
	}
	*ret = answer;
	return 0;
}

int answer_input(const struct daemon *d, struct arena *arena, struct report_input *ret)
{
	const struct generation *generation = d->committed;
	const struct kernel_facts *kernel = d->questions.kernel;

	*ret = (struct report_input){ .now = clock_epoch_s() };
	if (!generation)
		return 0;
	ret->policy = generation->policy->policy;
	ret->compiled = &generation->compiled;
	ret->counters = kernel->counters;
	ret->n_counters = kernel->n_counters;
	return host_world(generation->world, arena, &ret->world);
}

bool answer_is_well(const struct daemon *d)
{
	return d->committed && d->committed->policy == d->wanted && !d->policy_error &&
	       d->plan.backoff_us == 0;
}
