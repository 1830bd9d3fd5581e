/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics: what netd counts, as Prometheus and node_exporter read it. */
#include <stdio.h>

#include "ctl/ctl.h"
#include "ctl/out-text.h"

static void show_metrics(const struct ctl *ctl, const cJSON *report)
{
	(void)ctl;
	(void)fputs(member_text(report, "text"), stdout);
}

int verb_metrics(struct ctl *ctl, const struct ctl_args *args)
{
	cJSON *request = wire_new_request("metrics"), *report = NULL;

	(void)args;
	if (request && ctl_is_format(ctl, "openmetrics") &&
	    wire_add_string(request, "form", "openmetrics") < 0) {
		cJSON_Delete(request);
		request = NULL;
	}
	int status = live_ask(ctl, request, &report);
	return report ? show_report(ctl, report, show_metrics, status) : status;
}
