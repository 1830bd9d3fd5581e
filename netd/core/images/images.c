/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the reports and signatures say of one image. */
#include "core/images/images.h"

#include <string.h>

#include "core/base/limits.h"

const char *images_severity_name(enum images_severity severity)
{
	static const char *const names[] = {
		"none", "unrated", "low", "medium", "high", "critical"
	};

	return names[severity];
}

const char *images_scanner_name(enum images_scanner scanner)
{
	static const char *const names[] = { "Trivy", "Grype" };

	return names[scanner];
}

struct images *images_free(struct images *images)
{
	if (images)
		(void)arena_free(images->arena);
	return NULL;
}

/* ---- digests and times ---- */

bool images_digest_parse(const char *text, struct images_digest *ret)
{
	const char *at = strrchr(text, '@');
	const char *hex = text_after(at ? at + 1 : text, "sha256:");

	if (!hex || strlen(hex) != IMAGES_DIGEST_LEN - 1 ||
	    strspn(hex, "0123456789abcdef") != IMAGES_DIGEST_LEN - 1)
		return false;
	memcpy(ret->hex, hex, IMAGES_DIGEST_LEN);
	return true;
}

/* @n digits at *at, which moves behind them and the sign that ends them; -1: others. */
static int number(const char **at, size_t n, char end)
{
	int value = 0;

	for (size_t i = 0; i < n; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		value = 10 * value + (**at - '0');
	}
	if (end && *(*at)++ != end)
		return -1;
	return value;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since the epoch of a date of the Gregorian calendar (years from 1970 on). */
static int64_t days_of(int year, int month, int day)
{
	int64_t past = year - 1;
	int64_t leaps = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
	int64_t days = (int64_t)(year - 1970) * 365 + leaps + day - 1;

	for (int before = 1; before < month; before++)
		days += days_in(year, before);
	return days;
}

/* "Z", "+01:00", "-05:30", as seconds. */
static bool zone_parse(const char *at, int64_t *ret)
{
	int sign = *at == '-' ? -1 : 1;

	*ret = 0;
	if (strcmp(at, "Z") == 0)
		return true;
	if (*at != '+' && *at != '-')
		return false;
	at++;
	int hours = number(&at, 2, ':');
	int minutes = hours < 0 ? -1 : number(&at, 2, '\0');
	*ret = sign * (hours * 3600 + minutes * 60);
	return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60 && !*at;
}

bool images_time_parse(const char *text, int64_t *ret)
{
	static const struct {
		size_t digits;
		char end;
		int lo, hi;
	} parts[] = { { 4, '-', 1970, 9999 }, { 2, '-', 1, 12 }, { 2, 'T', 1, 31 },
		      { 2, ':', 0, 23 },      { 2, ':', 0, 59 }, { 2, '\0', 0, 60 } };
	int value[ARRAY_LEN(parts)];
	int64_t zone;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		value[i] = number(&text, parts[i].digits, parts[i].end);
		if (value[i] < parts[i].lo || value[i] > parts[i].hi)
			return false;
	}
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (value[2] > days_in(value[0], value[1]) || !zone_parse(text, &zone))
		return false;
	*ret = days_of(value[0], value[1], value[2]) * 86400 + value[3] * 3600 + value[4] * 60 +
	       value[5] - zone;
	return *ret >= 0;
}

/* ---- about one image ---- */

enum images_severity images_worst(const struct images_report *report)
{
	unsigned int worst = IMAGES_SEVERITIES - 1;

	while (worst > IMAGES_NONE && report->found[worst] == 0)
		worst--;
	return (enum images_severity)worst;
}

static bool is_of_future(const struct images_report *report, int64_t now)
{
	return report->made > now + LIMIT_IMAGE_CLOCK_S;
}

/* Of two that were made at one time, or do not say when, the worse. */
static bool is_newer(const struct images_report *a, const struct images_report *b, int64_t now)
{
	bool future = is_of_future(a, now);

	if (future != is_of_future(b, now))
		return !future;
	return a->made != b->made ? a->made > b->made : images_worst(a) > images_worst(b);
}

const struct images_report *images_newest(const struct images_about *about,
					  enum images_scanner scanner)
{
	struct images_walk walk = { .about = about };
	const struct images_report *report, *newest = NULL;

	while ((report = images_next_report(&walk)))
		if (report->scanner == scanner && (!newest || is_newer(report, newest, about->now)))
			newest = report;
	return newest;
}

#define NOT_KNOWN(text)                     \
	(struct images_answer)              \
	{                                   \
		.known = false, .why = text \
	}
#define IS_FINE                             \
	(struct images_answer)              \
	{                                   \
		.known = true, .fine = true \
	}
#define IS_WRONG(text)                     \
	(struct images_answer)             \
	{                                  \
		.known = true, .why = text \
	}
#define NOT_TOLD "runs an image whose digests the engine has not told yet"

/* What stands before all other questions. */
static const char *nothing_known(const struct images_about *about)
{
	if (!about->all)
		return "runs an image of which nothing is known: no folder of reports was read";
	if (!*about->id)
		return "runs an image that the engine does not name by its digest";
	return NULL;
}

/* NULL: it counts, whatever else that scanner has said. */
static const char *does_not_count(const struct images_report *report, int64_t max_age, int64_t now)
{
	if (is_of_future(report, now))
		return "runs an image whose report is of the future: a clock is wrong";
	if (max_age == 0)
		return NULL;
	if (report->made == 0)
		return "runs an image whose report does not say how old it is";
	return report->made + max_age < now ? "runs an image whose report is older than is admitted"
					    : NULL;
}

/* NULL: no report about it is of the future. One that is may say anything when its time comes. */
static const struct images_report *find_of_future(const struct images_about *about)
{
	struct images_walk walk = { .about = about };
	const struct images_report *report;

	while ((report = images_next_report(&walk)) && !is_of_future(report, about->now))
		;
	return report;
}

/* Before the engine has told of its digests nobody knows which reports are about it. */
struct images_answer images_ask_severity(const struct images_about *about,
					 enum images_severity most, int64_t max_age)
{
	const char *why = nothing_known(about);
	bool has_report = false;

	if (!why && !about->is_known)
		why = NOT_TOLD;
	if (why)
		return NOT_KNOWN(why);
	const struct images_report *future = find_of_future(about);
	if (future)
		why = does_not_count(future, max_age, about->now);
	for (unsigned int i = 0; i < IMAGES_SCANNERS; i++) {
		const struct images_report *report = images_newest(about, (enum images_scanner)i);
		if (!report)
			continue;
		const char *not = does_not_count(report, max_age, about->now);
		if (!not &&images_worst(report) > most)
			return IS_WRONG("runs an image with a vulnerability that is worse than is "
					"admitted");
		has_report = true;
		why = why ? why : not ;
	}
	if (why)
		return NOT_KNOWN(why);
	return has_report ? IS_FINE : NOT_KNOWN("runs an image of which there is no report");
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static uint32_t find_keys(const struct images *all, const char *const *names, size_t n)
{
	uint32_t keys = 0;

	for (size_t i = 0; i < all->n_keys; i++)
		keys |= (uint32_t)is_among(all->keys[i], names, n) << i;
	return keys;
}

/* A signature is one by whichever digest it names the image; that there is none is known when all
 * of its digests are. */
struct images_answer images_ask_signer(const struct images_about *about, const char *const *keys,
				       size_t n_keys)
{
	const char *why = nothing_known(about);
	struct images_walk walk = { .about = about };
	const struct images_signature *signature;
	bool has_any = false;
	uint32_t signers = 0;

	if (why)
		return NOT_KNOWN(why);
	while ((signature = images_next_signature(&walk))) {
		has_any = true;
		signers |= signature->keys;
	}
	if (signers & find_keys(about->all, keys, n_keys))
		return IS_FINE;
	if (!about->is_known)
		return NOT_KNOWN(NOT_TOLD);
	if (signers)
		return IS_WRONG("runs an image signed by others than are admitted");
	if (has_any)
		return IS_WRONG("runs an image with a signature that no key verifies");
	return NOT_KNOWN("runs an image of which there is no signature");
}

int64_t images_next_change(const struct images *images, int64_t max_age, int64_t now)
{
	int64_t next = 0;

	for (size_t i = 0; images && i < images->n_reports; i++) {
		int64_t made = images->reports[i].made;
		const int64_t moments[] = { made && max_age ? made + max_age + 1 : 0,
					    made - LIMIT_IMAGE_CLOCK_S };
		for (size_t k = 0; k < ARRAY_LEN(moments); k++)
			if (moments[k] > now && (next == 0 || moments[k] < next))
				next = moments[k];
	}
	return next;
}
