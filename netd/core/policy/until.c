/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calendar arithmetic of the Gregorian calendar by eras of 400 years, which repeat exactly. */
#include "core/policy/until.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAYS_PER_ERA 146097
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */
#define SECONDS_PER_DAY 86400

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Years that begin in March put the leap day last, so that month lengths do not depend on it. */
static int64_t days_since_epoch(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = y / 400, of_era = y % 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
	       DAYS_TO_EPOCH;
}

/* Two digits at @text, -1 when they are none. */
static int two_digits(const char *text)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	return (text[0] - '0') * 10 + text[1] - '0';
}

int policy_until_parse(const char *text, int64_t *ret)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";

	if (strlen(text) != sizeof(form) - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';
		if (form[i] == 'd' ? !digit : text[i] != form[i])
			return -EINVAL;
	}
	int year = two_digits(text) * 100 + two_digits(text + 2);
	int month = two_digits(text + 5), day = two_digits(text + 8);
	int hour = two_digits(text + 11), minute = two_digits(text + 14);
	int second = two_digits(text + 17);
	if (year < 2000 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return -EINVAL;
	if (hour > 23 || minute > 59 || second > 59)
		return -EINVAL;
	*ret = days_since_epoch(year, month, day) * SECONDS_PER_DAY + (int64_t)hour * 3600 +
	       (int64_t)minute * 60 + second;
	return 0;
}

const char *policy_until_format(int64_t seconds, char ret[UNTIL_TEXT_LEN])
{
	int64_t days = seconds / SECONDS_PER_DAY;
	int rest = (int)(seconds % SECONDS_PER_DAY);
	int year = 1970 + (int)(days / 366), month = 1;

	while (days_since_epoch(year + 1, 1, 1) <= days)
		year++;
	while (month < 12 && days_since_epoch(year, month + 1, 1) <= days)
		month++;
	int day = (int)(days - days_since_epoch(year, month, 1)) + 1;
	char text[64];
	(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day,
		       rest / 3600, rest / 60 % 60, rest % 60);
	memcpy(ret, text, UNTIL_TEXT_LEN - 1);
	ret[UNTIL_TEXT_LEN - 1] = '\0';
	return ret;
}
