/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor as text: the worst first, each with its remedy. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"

static const struct {
	const char *severity;
	enum paint paint;
} severities[] = {
	{ "error", PAINT_BAD },
	{ "warning", PAINT_WARN },
	{ "note", PAINT_DIM },
};

static size_t show_severity(const struct ctl *ctl, const cJSON *findings, size_t severity)
{
	const char *name = severities[severity].severity;
	const cJSON *item;
	size_t n = 0;

	cJSON_ArrayForEach(item, findings) {
		const char *subject = member_text(item, "subject");
		if (strcmp(member_text(item, "severity"), name) != 0)
			continue;
		n++;
		printf("%s%s[%s]:%s %s%s%s\n", paint_for(ctl, severities[severity].paint), name,
		       member_text(item, "id"), paint_for(ctl, PAINT_PLAIN), subject,
		       *subject ? ": " : "", member_text(item, "text"));
		if (strcmp(member_text(item, "remedy"), "nothing to do") != 0)
			printf("    %sremedy:%s %s\n", paint_for(ctl, PAINT_DIM),
			       paint_for(ctl, PAINT_PLAIN), member_text(item, "remedy"));
	}
	return n;
}

void show_doctor(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *item, *findings = wire_array(report, "findings");
	size_t n[ARRAY_LEN(severities)];

	for (size_t i = 0; i < ARRAY_LEN(severities); i++)
		n[i] = show_severity(ctl, findings, i);
	cJSON_ArrayForEach(item, wire_array(report, "unchecked"))
		printf("not checked: %s (%s)\n", member_text(item, "what"),
		       member_text(item, "why"));
	printf("%s%zu error%s, %zu warning%s, %zu note%s%s\n",
	       paint_for(ctl, n[0]   ? PAINT_BAD
			      : n[1] ? PAINT_WARN
				     : PAINT_GOOD),
	       n[0], n[0] == 1 ? "" : "s", n[1], n[1] == 1 ? "" : "s", n[2], n[2] == 1 ? "" : "s",
	       paint_for(ctl, PAINT_PLAIN));
}
