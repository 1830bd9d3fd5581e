/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of an exposition: families and their samples. Every value is an integer, or a time in
 * microseconds that is written in seconds, so that no locale has a say. Label values may be any
 * bytes: they are escaped, and what is no UTF-8 becomes '?'. Private to core/metrics. */
#pragma once

#include "core/base/text.h"
#include "core/metrics/metrics.h"

enum exposition_type { EXPOSITION_GAUGE, EXPOSITION_COUNTER, EXPOSITION_HISTOGRAM };

struct exposition {
	struct text *text;
	enum metrics_form form;
	const char *family; /* that which the samples are of */
	enum exposition_type type;
};

#define EXPOSITION_LABELS 5u
/* Those without a value are left out: to a reader they are the same as empty ones. */
struct exposition_labels {
	struct {
		const char *name, *value;
	} of[EXPOSITION_LABELS];
};

/* @name without the suffix of a counter. */
void exposition_family(struct exposition *x, enum exposition_type type, const char *name,
		       const char *help);
/* @labels NULL: none. */
void exposition_number(struct exposition *x, const struct exposition_labels *labels,
		       uint64_t value);
void exposition_seconds(struct exposition *x, const struct exposition_labels *labels, uint64_t us);
void exposition_histogram(struct exposition *x, const struct metrics_histogram *histogram);
/* After the last family. */
void exposition_end(struct exposition *x);
