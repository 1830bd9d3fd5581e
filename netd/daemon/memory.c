/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of one object: its segments that are mapped from the file and never writable. (Those with
 * relocations are writable at first, and their pages are the process's own.) */
static int give_back_segments(struct dl_phdr_info *object, size_t size, void *userdata)
{
	const uintptr_t page = *(const uintptr_t *)userdata;

	(void)size;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t from = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		uintptr_t to = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			(void)madvise((void *)from, to - from, MADV_DONTNEED); /* else they stay */
	}
	return 0;
}

void memory_give_back(void)
{
	uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)malloc_trim(0);
	(void)dl_iterate_phdr(give_back_segments, &page_bytes);
}
