/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The work is the core's, which knows nothing of terminals and never waits: so a timer's signal
 * writes the line. What its handler needs must be in variables of the program, and it may call
 * write() but none of stdio's functions (signal-safety(7)). */
#include "ctl/progress.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define ERASE "\r\033[K"

static volatile sig_atomic_t seconds; /* that it takes by now */
static bool running;

static char *add(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	return at;
}

static char *add_number(char *at, unsigned int number)
{
	char digits[12];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n)
		*at++ = digits[--n];
	return at;
}

static void on_second(int number)
{
	int saved = errno;
	char line[96], *end = add(line, ERASE "working on it, ");

	(void)number;
	seconds = seconds + 1;
	end = add_number(end, (unsigned int)seconds);
	end = add(end, " s (press Ctrl-C to cancel)");
	(void)!write(STDERR_FILENO, line, (size_t)(end - line));
	errno = saved;
}

static void set_timer(time_t every)
{
	const struct itimerval timer = { { every, 0 }, { every, 0 } };

	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

void progress_begin(void)
{
	struct sigaction action = { .sa_handler = on_second, .sa_flags = SA_RESTART };

	if (running || !isatty(STDERR_FILENO) || sigaction(SIGALRM, &action, NULL) < 0)
		return;
	running = true;
	seconds = 0;
	set_timer(1);
}

bool progress_end(void)
{
	bool was = running;

	if (!was)
		return false;
	set_timer(0);
	running = false;
	if (seconds)
		(void)!write(STDERR_FILENO, ERASE, strlen(ERASE));
	return true;
}
