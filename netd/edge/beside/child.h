/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child's side. Private to edge/beside. */
#pragma once

#include <sys/types.h>

#include "edge/beside/beside.h"
#include "edge/beside/worker.h"

/* Does the work and ends the process. @parent: whose child it is. */
_Noreturn void beside_child(const struct beside_work *work, int fd, pid_t parent);

/* The same for a worker, at whose end of the pair @fd is. */
_Noreturn void beside_child_stay(const struct worker_options *options, int fd, pid_t parent);
