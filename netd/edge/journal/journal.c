/* SPDX-License-Identifier: GPL-2.0-or-later */
/* journald's native protocol is spoken here rather than by sd_journal_sendv(), which waits for as
 * long as journald does not read: netd's rules must not wait for somebody who reads a log. */
#include "edge/journal/journal.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "core/base/text.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static const char *const message_ids[] = {
#define LOG_ID_ROW(name, message_id) [LOG_ID_##name] = message_id,
	LOG_IDS(LOG_ID_ROW)
#undef LOG_ID_ROW
};

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
};

/* systemd sets JOURNAL_STREAM to device:inode of the stream it gave us. Compared each time, since
 * stderr may have been redirected since, and a cached answer would be mutable global state. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char *end = NULL;
	struct stat st;

	if (!stream)
		return false;
	unsigned long long dev = strtoull(stream, &end, 10);
	if (end == stream || *end != ':')
		return false;
	unsigned long long ino = strtoull(end + 1, &end, 10);
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* MESSAGE, MESSAGE_ID, PRIORITY, SYSLOG_IDENTIFIER */
#define OWN_FIELDS 4u
#define FIELD_TEXT (LOG_TEXT_MAX + 32u)

struct record {
	char text[OWN_FIELDS + LOG_FIELDS_MAX][FIELD_TEXT];
	struct iovec parts[OWN_FIELDS + LOG_FIELDS_MAX];
	size_t n;
};

/* NAME=VALUE and a newline: the simple form of the protocol, for values of one line. */
static void record_add(struct record *record, const char *name, const char *value)
{
	char *text = record->text[record->n];

	(void)snprintf(text, FIELD_TEXT - 1, "%s=%s", name, value);
	text_clean(text);
	(void)strcat(text, "\n");
	record->parts[record->n++] = (struct iovec){ text, strlen(text) };
}

/* A socket of its own for each message: a message in the log costs more than that. */
static bool send_record(struct record *record)
{
	struct sockaddr_un journal = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	const struct msghdr msg = { .msg_name = &journal,
				    .msg_namelen = sizeof(journal),
				    .msg_iov = record->parts,
				    .msg_iovlen = record->n };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	bool sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	(void)close(fd);
	return sent;
}

static bool send_to_journal(enum log_id id, enum log_level level, const struct log_field *fields,
			    const char *text)
{
	struct record record;
	char priority[12];

	record.n = 0;
	(void)snprintf(priority, sizeof(priority), "%d", levels[level].priority);
	record_add(&record, "MESSAGE", text);
	record_add(&record, "MESSAGE_ID", message_ids[id]);
	record_add(&record, "PRIORITY", priority);
	record_add(&record, "SYSLOG_IDENTIFIER", program_invocation_short_name);
	for (unsigned int i = 0; fields && fields[i].name && i < LOG_FIELDS_MAX; i++)
		record_add(&record, fields[i].name, fields[i].value ? fields[i].value : "");
	return send_record(&record);
}

/* A line is shorter than PIPE_BUF: a pipe that poll() calls writable takes it whole, and so does a
 * terminal that nobody has stopped. O_NONBLOCK would be everybody's who shares stderr. */
static bool write_to_stderr(enum log_level level, const char *text)
{
	char line[LOG_TEXT_MAX + 16];
	int len = snprintf(line, sizeof(line), "%s: %s\n", levels[level].name, text);
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n = send(STDERR_FILENO, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK && poll(&room, 1, 0) == 1 && (room.revents & POLLOUT))
		n = write(STDERR_FILENO, line, (size_t)len);
	return n > 0;
}

/* Journald away, or not reading: its stream is still the best place left. */
static bool deliver(enum log_id id, enum log_level level, const struct log_field *fields,
		    const char *text)
{
	return (stderr_is_journal() && send_to_journal(id, level, fields, text)) ||
	       write_to_stderr(level, text);
}

/* Messages that nobody took, ever, and those of them that were told of. Of the process, as stderr
 * is: callers have nothing to keep it in. */
static uint64_t lost, lost_said;

uint64_t log_lost(void)
{
	return lost;
}

static void say_lost_lines(void)
{
	char text[LOG_TEXT_MAX];

	(void)snprintf(
		text, sizeof(text),
		"%llu messages are missing from this log, because nobody read it when they came",
		(unsigned long long)(lost - lost_said));
	if (deliver(LOG_ID_LOG_LOST, LOG_LEVEL_WARNING, NULL, text))
		lost_said = lost;
}

void log_message(enum log_id id, enum log_level level, const struct log_field *fields,
		 const char *format, ...)
{
	char text[LOG_TEXT_MAX];
	int saved = errno;
	va_list args;

	va_start(args, format);
	errno = saved; /* for %m */
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_clean(text);
	if (lost > lost_said)
		say_lost_lines();
	lost += !deliver(id, level, fields, text);
	errno = saved;
}
