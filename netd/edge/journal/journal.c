/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/journal/journal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

/* No CODE_FILE and CODE_LINE fields: the message id says more, and they cost two strings. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "core/base/text.h"

static const struct {
	const char *name, *message_id;
} ids[] = {
#define LOG_ID_ROW(name, message_id) [LOG_ID_##name] = { #name, message_id },
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

const char *log_message_id(enum log_id id)
{
	return ids[id].message_id;
}

const char *log_id_name(enum log_id id)
{
	return ids[id].name;
}

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
	int n;
};

static void record_add(struct record *record, const char *name, const char *value)
{
	char *text = record->text[record->n];

	(void)snprintf(text, FIELD_TEXT, "%s=%s", name, value);
	record->parts[record->n++] = (struct iovec){ text, strlen(text) };
}

static bool send_to_journal(enum log_id id, enum log_level level, const struct log_field *fields,
			    const char *text)
{
	struct record record;
	char priority[12];

	record.n = 0;
	(void)snprintf(priority, sizeof(priority), "%d", levels[level].priority);
	record_add(&record, "MESSAGE", text);
	record_add(&record, "MESSAGE_ID", ids[id].message_id);
	record_add(&record, "PRIORITY", priority);
	record_add(&record, "SYSLOG_IDENTIFIER", "netd");
	for (unsigned int i = 0; fields && fields[i].name && i < LOG_FIELDS_MAX; i++)
		record_add(&record, fields[i].name, fields[i].value ? fields[i].value : "");
	return sd_journal_sendv(record.parts, record.n) == 0;
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
	/* journald away: its stream is still the best place left. */
	if (!stderr_is_journal() || !send_to_journal(id, level, fields, text))
		(void)fprintf(stderr, "%s: %s\n", levels[level].name, text);
	errno = saved;
}
