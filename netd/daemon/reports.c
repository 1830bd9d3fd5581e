/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of images: the folder of reports and signatures, and the one of keys, read and
 * verified beside the loop whenever a file in them changes. The loop takes what was found as one
 * text, and never has the library that verifies.
 *
 * A reading that fails is tried again, and for half a minute what was known counts on, its age too.
 * From then on nothing is known of any image: what was fine then may not be now, and what has been
 * withdrawn since is not to count for as long as a folder stays unreadable. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/world/world-store.h"
#include "daemon/daemon.h"
#include "edge/base/fd.h"
#include "edge/images/folder.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

/* The largest folder takes some ten seconds of a processor. */
#define DEADLINE_US UINT64_C(60000000)
#define BELIEVED_US UINT64_C(30000000)
#define RETRY_FIRST_US UINT64_C(1000000)
#define RETRY_LONGEST_US UINT64_C(60000000)

static int read_beside(void *userdata, int fd)
{
	const struct daemon *d = userdata;
	CLEANUP(text_done) struct text text = { 0 };
	struct images *images = NULL;
	int r = images_folder_read(d->options->images, d->options->image_keys, &images);

	if (r < 0)
		return r;
	images_print(images, &text);
	return text_failed(&text) ? -ENOMEM : fd_write(fd, text_str(&text), text.len);
}

/* ---- what was found ---- */

/* Each is looked for among as many: the loop waits meanwhile. */
#define LOOKED_AT 200u

static bool was_said(const struct images *before, const struct images_refused *one)
{
	for (size_t i = 0; before && i < before->n_refused && i < LOOKED_AT; i++)
		if (strcmp(before->refused[i].file, one->file) == 0 &&
		    strcmp(before->refused[i].why, one->why) == 0)
			return true;
	return false;
}

/* What is new of that, the first ones by name; netdctl audit has them all. */
static void say_refused(const struct images *before, const struct images *now)
{
	enum { MOST = 10 };
	size_t n = 0;

	for (size_t i = 0; i < now->n_refused && i < LOOKED_AT; i++) {
		const struct images_refused *one = &now->refused[i];
		if (was_said(before, one) || n++ >= MOST)
			continue;
		log_warning(LOG_ID_REPORT_REFUSED,
			    "%s counts for nothing: %s; an image that nothing else is told of is "
			    "not known",
			    one->file, one->why);
	}
	if (n > MOST)
		log_warning(LOG_ID_REPORT_REFUSED, "%zu files count for nothing, all in all",
			    now->n_refused);
}

/* NULL: from now on nothing is known of any image. */
static void take_images(struct daemon *d, struct images *images)
{
	d->reports.taken = images;
	world_store_set_reports(d->store, images);
	d->labels_of[0] = d->labels_of[1] = NULL; /* the engine is asked for the images anew */
}

static int take_found(struct daemon *d, const struct beside_result *result)
{
	CLEANUP(free_ptr) char *bytes = NULL;
	struct images *images = NULL;

	if (result->size > LIMIT_IMAGE_HANDED)
		return -E2BIG;
	bytes = malloc(result->size + 1);
	if (!bytes)
		return -ENOMEM;
	if (lseek(result->fd, 0, SEEK_SET) < 0)
		return -errno;
	ssize_t n = fd_read(result->fd, bytes, result->size);
	if (n < 0)
		return (int)n;
	int r = images_parse(bytes, (size_t)n, &images);
	if (r < 0)
		return r;
	say_refused(d->reports.taken, images);
	if (images->n_reports || images->n_signatures)
		log_info(LOG_ID_REPORTS_READ,
			 "%zu reports and %zu signatures of images read, %zu keys",
			 images->n_reports, images->n_signatures, images->n_keys);
	take_images(d, images);
	return 0;
}

/* ---- reading ---- */

static void on_found(void *userdata, const struct beside_result *result);

/* One has ended, or is not waited for any more. */
static void settle(struct daemon *d)
{
	d->reports.is_settled = true;
	if (d->is_started)
		facts_changed(d);
	facts_note_synced(d);
}

/* What does not work now is tried again, each time later. */
static void try_again(struct daemon *d, const char *why)
{
	struct reports *reports = &d->reports;
	int r = loop_arm(reports->retry, reports->backoff_us);

	if (!reports->has_failed) {
		log_error(LOG_ID_REPORTS_UNREAD,
			  "the reports of images in %s, or the keys in %s, cannot be read: %s; %s",
			  d->options->images, d->options->image_keys, why,
			  reports->taken ? "what was known of images counts for 30 s"
					 : "nothing is known of any image");
		r = r < 0 ? r : loop_arm(reports->late, BELIEVED_US);
	}
	reports->has_failed = true;
	reports->backoff_us *= 2;
	if (reports->backoff_us > RETRY_LONGEST_US)
		reports->backoff_us = RETRY_LONGEST_US;
	if (r < 0) /* without a timer it would stay as it is for ever */
		(void)sd_event_exit(d->loop, r);
}

/* One that never ends, since a disk does not answer, has failed as well. */
static void read_now(struct daemon *d)
{
	struct reports *reports = &d->reports;
	const struct beside_work work = { .work = read_beside,
					  .done = on_found,
					  .userdata = d,
					  .deadline_us = DEADLINE_US,
					  .memory = LIMIT_ANSWER_BYTES };
	int r = 0;

	reports->is_due = reports->reading != NULL;
	if (reports->reading)
		return;
	if (!reports->is_awaited)
		r = loop_arm(reports->late, DEADLINE_US + BELIEVED_US);
	reports->is_awaited = true;
	if (r == 0)
		r = beside_begin(&d->besides, &work, &reports->reading);
	if (r < 0)
		try_again(d, strerror(-r));
}

static void take_success(struct daemon *d)
{
	struct reports *reports = &d->reports;

	reports->backoff_us = RETRY_FIRST_US;
	reports->is_awaited = reports->has_failed = false;
	(void)!loop_disarm(reports->late);
	(void)!loop_disarm(reports->retry);
	settle(d);
	if (reports->is_due)
		read_now(d);
}

static void on_found(void *userdata, const struct beside_result *result)
{
	struct daemon *d = userdata;
	int r = result->end == BESIDE_DONE     ? take_found(d, result)
		: result->end == BESIDE_FAILED ? result->code
					       : -ECANCELED;

	d->reports.reading = NULL;
	if (r == 0)
		take_success(d);
	else
		try_again(d, result->end == BESIDE_TOO_LATE ? "it takes too long" : strerror(-r));
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	read_now(userdata);
	return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	(void)usec;
	if (d->reports.taken)
		log_error(
			LOG_ID_REPORTS_UNREAD,
			"the reports of images in %s could not be read again: nothing is known of "
			"any image until they are",
			d->options->images);
	take_images(d, NULL);
	settle(d);
	return 0;
}

static void on_files_changed(void *userdata)
{
	read_now(userdata);
}

/* ---- life ---- */

int reports_start(struct daemon *d)
{
	struct reports *reports = &d->reports;
	const struct loop_timer retry = { "reports-retry", SD_EVENT_PRIORITY_NORMAL, on_retry, d };
	const struct loop_timer late = { "reports-late", SD_EVENT_PRIORITY_NORMAL, on_late, d };
	int r = loop_add_timer(d->loop, &retry, &reports->retry);

	if (r == 0)
		r = loop_add_timer(d->loop, &late, &reports->late);
	if (r == 0)
		r = policydir_watch_new(d->loop, d->options->images, on_files_changed, d,
					&reports->files);
	if (r == 0)
		r = policydir_watch_new(d->loop, d->options->image_keys, on_files_changed, d,
					&reports->keys);
	if (r < 0)
		return r;
	reports->backoff_us = RETRY_FIRST_US;
	read_now(d);
	return 0;
}

void reports_stop(struct daemon *d)
{
	d->reports.files = policydir_watch_free(d->reports.files);
	d->reports.keys = policydir_watch_free(d->reports.keys);
	(void)sd_event_source_disable_unref(d->reports.retry);
	(void)sd_event_source_disable_unref(d->reports.late);
}
