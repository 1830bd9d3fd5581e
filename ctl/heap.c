/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define LEAST (2 * HUGE_PAGE) /* below it is not worth a huge page */
#define MOST ((size_t)256 << 20)

void heap_expect(size_t bytes)
{
	size_t size = bytes < MOST ? bytes : MOST;

	if (size < LEAST)
		return;
	/* Everything comes from the heap, which keeps what is freed in it. */
	(void)mallopt(M_MMAP_MAX, 0);
	(void)mallopt(M_TRIM_THRESHOLD, (int)(2 * MOST));
	char *room = malloc(size + HUGE_PAGE);
	if (!room)
		return;
	uintptr_t misaligned = (uintptr_t)room % HUGE_PAGE;
	(void)madvise(misaligned ? room + HUGE_PAGE - misaligned : room, size, MADV_HUGEPAGE);
	free(room);
}
