/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting that differs: a thousand hosts that begin to wait at once do not all come back at once.
 */
#pragma once

#include <stdint.h>

/* From the half of @us on, up to it. @us: at least 2. */
uint64_t chance_half(uint64_t us);
