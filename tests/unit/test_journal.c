/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/journal: what reaches stderr, and that every message has its entry in the catalog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "edge/journal/journal.h"

#define CATALOG "systemd/netd.catalog"

static void close_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static const struct {
	const char *name, *message_id;
} ids[] = {
#define ID_ROW(name, message_id) [LOG_ID_##name] = { #name, message_id },
	LOG_IDS(ID_ROW)
#undef ID_ROW
};

static bool is_id(const char *text)
{
	for (size_t i = 0; i < 32; i++) {
		if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
			return false;
	}
	return text[32] == '\0';
}

static void ids_are_unique(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < LOG_ID_COUNT; i++) {
		if (!is_id(ids[i].message_id))
			fail_msg("%s: no message id", ids[i].name);
		for (unsigned int k = 0; k < i; k++) {
			if (strcmp(ids[i].message_id, ids[k].message_id) == 0)
				fail_msg("%s and %s share an id", ids[i].name, ids[k].name);
		}
	}
}

/* Which message a line "-- <id>" is about, or -1. */
static int id_of(const char *line)
{
	for (unsigned int i = 0; i < LOG_ID_COUNT; i++) {
		if (strcmp(line + 3, ids[i].message_id) == 0)
			return (int)i;
	}
	return -1;
}

static void the_catalog_agrees(void **state)
{
	unsigned int entries[LOG_ID_COUNT] = { 0 }, subjects = 0, n = 0;
	char line[256];
	CLEANUP(close_file) FILE *file = fopen(CATALOG, "re");

	(void)state;
	if (!file) {
		print_message("SKIP: " CATALOG " is not there: run from the top of the sources\n");
		skip();
	}
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		subjects += strncmp(line, "Subject: ", 9) == 0;
		if (strncmp(line, "-- ", 3) != 0)
			continue;
		int id = id_of(line);
		if (id < 0)
			fail_msg("%s is no message of netd", line);
		entries[id]++;
		n++;
	}
	for (unsigned int i = 0; i < LOG_ID_COUNT; i++) {
		if (entries[i] != 1)
			fail_msg("%s has %u entries in " CATALOG, ids[i].name, entries[i]);
	}
	assert_int_equal(subjects, n);
}

/* stderr into a file while @emit runs; what was written goes to @ret. */
static void capture(void (*emit)(void), char *ret, size_t size)
{
	char path[] = "/tmp/netd-journal-XXXXXX";
	int fd = mkstemp(path), saved = dup(STDERR_FILENO);

	assert_true(fd >= 0 && saved >= 0);
	assert_int_equal(unlink(path), 0);
	(void)fflush(stderr);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	emit();
	(void)fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	ssize_t n = pread(fd, ret, size - 1, 0);
	assert_true(n >= 0);
	ret[n] = '\0';
	(void)close(fd);
	(void)close(saved);
}

static void emit_some(void)
{
	errno = ENOENT;
	log_error(LOG_ID_INTERNAL, "%s: %s", "file", strerror(ENOENT));
	assert_int_equal(errno, ENOENT);
	log_warning(LOG_ID_DRIFT, "by %d", 17);
	log_info_with(LOG_ID_COMMITTED, LOG_FIELDS({ "NETD_GENERATION", "5" }, { "X", NULL }),
		      "done");
	/* A container's name cannot make a line of its own, or colour the terminal. */
	log_info(LOG_ID_DENIED, "from %s", "web\nerror: all is lost\x1b[31m\x7f\xc3\xa9");
}

static void stderr_gets_lines(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	capture(emit_some, text, sizeof(text));
	assert_string_equal(text, "error: file: No such file or directory\n"
				  "warning: by 17\n"
				  "info: done\n"
				  "info: from web?error: all is lost?[31m?\xc3\xa9\n");
	/* Not our stream: somebody redirected stderr. */
	assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
	capture(emit_some, text, sizeof(text));
	assert_non_null(strstr(text, "warning: by 17\n"));
	assert_int_equal(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
	capture(emit_some, text, sizeof(text));
	assert_non_null(strstr(text, "warning: by 17\n"));
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void emit_long(void)
{
	char *text = calloc(1, 5000);

	assert_non_null(text);
	memset(text, 'x', 4999);
	log_warning(LOG_ID_INTERNAL, "%s", text);
	free(text);
}

static void long_messages_are_cut(void **state)
{
	char text[8192];

	(void)state;
	capture(emit_long, text, sizeof(text));
	assert_int_equal(strlen(text), strlen("warning: ") + LOG_TEXT_MAX - 1 + 1);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void redirect(int fd)
{
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
}

static size_t read_all(int fd, char *ret, size_t size)
{
	size_t len = 0;

	for (ssize_t n; (n = read(fd, ret + len, size - 1 - len)) > 0;)
		len += (size_t)n;
	ret[len] = '\0';
	return len;
}

/* Nobody reads: the log does not wait, and says afterwards how much of it is missing. A log that
 * waits hangs the test. */
static void check_reader_that_sleeps(int writer, int reader, size_t size)
{
	int saved = dup(STDERR_FILENO);
	uint64_t before = log_lost();
	char *text = calloc(1, size), count[64];

	assert_non_null(text);
	redirect(writer);
	for (int i = 0; i < 20000 && log_lost() == before; i++)
		log_info(LOG_ID_DENIED, "flow %d", i);
	for (int i = 0; i < 9; i++)
		log_info(LOG_ID_DENIED, "another");
	uint64_t lost = log_lost() - before;
	assert_true(lost > 0);
	(void)read_all(reader, text, size);
	log_warning(LOG_ID_DRIFT, "one that is read");
	log_warning(LOG_ID_DRIFT, "the next one");
	redirect(saved);
	(void)read_all(reader, text, size);
	(void)snprintf(count, sizeof(count), "warning: %llu messages are missing from this log",
		       (unsigned long long)lost);
	assert_memory_equal(text, count, strlen(count));
	assert_non_null(strstr(text, "\nwarning: one that is read\nwarning: the next one\n"));
	assert_null(strstr(
		text + 1,
		"missing from this log, because nobody read it when they came\nwarning: the"));
	assert_int_equal(log_lost() - before, lost);
	free(text);
	(void)close(saved);
}

static void a_pipe_that_nobody_reads(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	check_reader_that_sleeps(fds[1], fds[0], 1 << 20);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void a_stream_that_nobody_reads(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	check_reader_that_sleeps(fds[1], fds[0], 1 << 20);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void a_terminal_that_is_stopped(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios raw;

	(void)state;
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) {
		print_message("SKIP: no pseudoterminal: %s\n", strerror(errno));
		skip();
	}
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	check_reader_that_sleeps(slave, master, 1 << 20);
	(void)close(slave);
	(void)close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_unique),
		cmocka_unit_test(the_catalog_agrees),
		cmocka_unit_test(stderr_gets_lines),
		cmocka_unit_test(long_messages_are_cut),
		cmocka_unit_test(a_pipe_that_nobody_reads),
		cmocka_unit_test(a_stream_that_nobody_reads),
		cmocka_unit_test(a_terminal_that_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
