/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "edge/host/host.h"

#define LONGEST_LINE 1024 /* of passwd(5); a longer one ends the search */

void host_user_name(uid_t uid, char *ret, size_t size)
{
	struct passwd entry, *found = NULL;
	char line[LONGEST_LINE];
	FILE *file = fopen("/etc/passwd", "re");

	ret[0] = '\0';
	if (!file)
		return;
	while (fgetpwent_r(file, &entry, line, sizeof(line), &found) == 0 && found->pw_uid != uid)
		;
	if (found && strlen(found->pw_name) < size)
		(void)snprintf(ret, size, "%s", found->pw_name);
	(void)fclose(file);
}
