/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for much work at once. netdctl reads an inventory, works a tenth of a second and ends; where
 * a page fault is dear, as on a virtual machine, most of that went to faults of 4 KiB. */
#pragma once

#include <stddef.h>

/* About so many bytes will be asked for from now on, and kept until the end: they come as huge
 * pages where the kernel gives those to who asks (transparent_hugepage: madvise or always). Only a
 * hint: nothing is touched, no limit changes, and where it fails all goes on as without. */
void heap_expect(size_t bytes);
