/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of the policy folder that holds what `netdctl allow` wrote. netd follows the folder, and
 * what it finds there is in force at once; so a rule that waits for `netdctl confirm` waits under a
 * name that netd does not read. */
#pragma once

#include "ctl/ctl.h"

#define ALLOWED_FILE "90-allowed.yaml"

/* Each: CTL_OK, or an exit status after saying why. */

/* The path of the file in the policy folder @folder; in @arena. */
int allowed_path(const char *folder, struct arena *arena, const char **ret) MUST_CHECK;
int allowed_write(const char *folder, const char *text, struct arena *arena) MUST_CHECK;
/* The same once the policy is confirmed that @report, the answer to its apply, tells of: by the
 * digest of its texts, since a generation that was not confirmed is given out again. */
int allowed_set_aside(const char *folder, const char *text, const cJSON *report,
		      struct arena *arena) MUST_CHECK;
/* @report: the answer to a confirm. Writes what was set aside for that policy; what was set aside
 * for another is thrown away. */
int allowed_settle(const cJSON *report) MUST_CHECK;
