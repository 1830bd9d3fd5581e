/* SPDX-License-Identifier: GPL-2.0-or-later */
/* off: netd's tables are taken away. Asked twice: it opens every container. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/out-text.h"

static const char warning[] =
	"This removes netd's tables: every container is then as open as Docker makes it, until\n"
	"`netdctl reload`, `netdctl apply` or a restart of netd.\n";

static bool is_confirmed(void)
{
	char answer[16] = "";

	(void)fprintf(stderr, "%sType `off` to go on: ", warning);
	return fgets(answer, sizeof(answer), stdin) && strcmp(answer, "off\n") == 0;
}

static void show_off(const struct ctl *ctl, const cJSON *report)
{
	(void)report;
	printf("%soff%s: netd's tables are gone, nothing is enforced; `netdctl reload` puts the "
	       "policy back\n",
	       paint_for(ctl, PAINT_BAD), paint_for(ctl, PAINT_PLAIN));
}

int verb_off(struct ctl *ctl, const struct ctl_args *args)
{
	if (!args->yes && !isatty(STDIN_FILENO)) {
		(void)fputs(warning, stderr);
		ctl_complain("nothing was done: give --yes, or confirm it on a terminal");
		return CTL_REFUSED;
	}
	if (!args->yes && !is_confirmed()) {
		ctl_complain("not done");
		return CTL_REFUSED;
	}
	return live_verb(ctl, "off", show_off);
}
