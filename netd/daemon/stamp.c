/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stamp of accepted connections: where it begins, and whether there is room for one. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/daemon.h"
#include "edge/journal/journal.h"

bool stamp_has_room(const struct daemon *d)
{
	return fw_can_stamp(d->fw) && !d->secmark_user[0];
}

void stamp_look(struct daemon *d)
{
	char user[FW_PLACE_LEN];
	struct fw_error error = { 0 };
	int r = fw_secmark_user(d->fw, user, &error);

	if (r < 0) {
		log_warning(LOG_ID_STAMP_UNAVAILABLE,
			    "%s: whether others use the security mark of "
			    "connections is not known",
			    error.text);
		return;
	}
	if (strcmp(user, d->secmark_user) == 0)
		return;
	if (user[0])
		log_warning(LOG_ID_STAMP_UNAVAILABLE,
			    "%s keeps security marks in connections: netd leaves them alone, and "
			    "judges every packet instead",
			    user);
	else
		log_info(
			LOG_ID_STAMP_UNAVAILABLE,
			"nobody else keeps security marks in connections any more: a connection is "
			"judged once again");
	memcpy(d->secmark_user, user, sizeof(user));
	reconcile_note(d, PLAN_CHANGED);
}

int stamp_start(struct daemon *d, const struct fw_state *found)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -errno;
	/* Those of an earlier run are still on connections. */
	bool known = found->stamped && found->stamp_mask == COMPILE_STAMP_MASK;
	d->stamp = known ? found->stamp : plan_first_stamp(random);
	if (!fw_can_stamp(d->fw))
		log_warning(LOG_ID_STAMP_UNAVAILABLE,
			    "this kernel has no security mark for connections "
			    "(CONFIG_NF_CONNTRACK_SECMARK): every packet is judged");
	stamp_look(d);
	return 0;
}
