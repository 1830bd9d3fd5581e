/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For LD_PRELOAD: a process that ends by _exit() adds a line to the file $LAST_WORDS first: its
 * blocked signals and its effective and permitted capabilities, as the kernel shows them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void add_line(void)
{
	char bytes[8192], line[128], *value;
	static const char *const names[] = { "\nSigBlk:\t", "\nCapEff:\t", "\nCapPrm:\t" };
	int from = open("/proc/self/status", O_RDONLY);
	int to = open(getenv("LAST_WORDS"), O_WRONLY | O_APPEND | O_CREAT, 0600);
	ssize_t n = from < 0 ? -1 : read(from, bytes, sizeof(bytes) - 1);
	size_t len = 0;

	if (n < 0 || to < 0)
		return;
	bytes[n] = '\0';
	for (size_t i = 0; i < 3; i++) {
		value = strstr(bytes, names[i]);
		if (value)
			len += (size_t)snprintf(line + len, sizeof(line) - len, "%.16s%c",
						value + strlen(names[i]), i == 2 ? '\n' : ' ');
	}
	(void)!write(to, line, len);
}

void _exit(int code)
{
	if (getenv("LAST_WORDS"))
		add_line();
	syscall(SYS_exit_group, code);
	__builtin_unreachable();
}
