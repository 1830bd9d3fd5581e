/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What answers are made of. */
#include "daemon/answers.h"

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
