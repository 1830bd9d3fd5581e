/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process keeps of its memory. */
#pragma once

/* Give back what only the start has needed: the heap's free end, and the pages of programs and
 * libraries that nobody can have written to. Most of these have been read once, while libcurl
 * brought thirty libraries along; they come from the page cache again when something runs there. */
void memory_give_back(void);
