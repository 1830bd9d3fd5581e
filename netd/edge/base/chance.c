/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/base/chance.h"

#include <sys/random.h>

uint64_t chance_half(uint64_t us)
{
	uint64_t chance = 0;

	/* It does not block: early after boot there is no chance, and half of it. */
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
		chance = 0;
	return us / 2 + chance % (us / 2);
}
