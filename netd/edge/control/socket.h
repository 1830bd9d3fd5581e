/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a listening AF_UNIX socket that is never open to more people than meant. Private to
 * edge/control. */
#pragma once

#include <sys/types.h>

#include "core/base/cleanup.h"
#include "core/wire/wire.h"

struct control_socket {
	int fd;
	char path[WIRE_PATH_LEN];
	dev_t dev; /* of the socket file, to remove no other one at the end */
	ino_t ino;
};

/* Mode 0660 for @group if there is such a group and the file can be given to it, else 0600.
 * Errors: those of control_new(). */
int control_socket_open(const char *path, const char *group, struct control_socket *ret) MUST_CHECK;
void control_socket_close(struct control_socket *socket); /* fd -1: nothing to do */
