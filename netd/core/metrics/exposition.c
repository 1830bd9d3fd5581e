/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/metrics/exposition.h"

#include <string.h>


static const char *const types[] = { [EXPOSITION_GAUGE] = "gauge",
				     [EXPOSITION_COUNTER] = "counter",
				     [EXPOSITION_HISTOGRAM] = "histogram" };

/* In the text format a counter's family bears the name of its samples, in OpenMetrics it does not.
 */
static const char *family_suffix(const struct exposition *x)
{
	return x->type == EXPOSITION_COUNTER && x->form == METRICS_TEXT ? "_total" : "";
}

void exposition_family(struct exposition *x, enum exposition_type type, const char *name,
		       const char *help)
{
	x->family = name;
	x->type = type;
	text_printf(x->text, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, family_suffix(x), help, name,
		    family_suffix(x), types[type]);
}

static void add_value(struct text *text, const char *value)
{
	const char *at = value;
	size_t left = strlen(value), step;

	for (; left > 0; at += step, left -= step) {
		step = text_utf8_len(at, left);
		if (*at == '\n')
			text_add(text, "\\n");
		else if (*at == '"' || *at == '\\')
			text_printf(text, "\\%c", *at);
		else if (step == 0)
			text_add(text, "?");
		else
			text_add_n(text, at, step);
		step = step ? step : 1;
	}
}

/* The name of a sample and its labels. */
static void begin(const struct exposition *x, const char *suffix,
		  const struct exposition_labels *labels)
{
	const char *before = "{";

	text_printf(x->text, "%s%s", x->family, suffix);
	for (size_t i = 0; labels && i < EXPOSITION_LABELS; i++) {
		if (!labels->of[i].value || !*labels->of[i].value)
			continue;
		text_printf(x->text, "%s%s=\"", before, labels->of[i].name);
		add_value(x->text, labels->of[i].value);
		text_add(x->text, "\"");
		before = ",";
	}
	text_add(x->text, *before == ',' ? "} " : " ");
}

static const char *sample_suffix(const struct exposition *x)
{
	return x->type == EXPOSITION_COUNTER ? "_total" : "";
}

void exposition_number(struct exposition *x, const struct exposition_labels *labels, uint64_t value)
{
	begin(x, sample_suffix(x), labels);
	text_printf(x->text, "%llu\n", (unsigned long long)value);
}

static void add_seconds(struct text *text, uint64_t us)
{
	text_printf(text, "%llu.%06llu\n", (unsigned long long)(us / 1000000),
		    (unsigned long long)(us % 1000000));
}

void exposition_seconds(struct exposition *x, const struct exposition_labels *labels, uint64_t us)
{
	begin(x, sample_suffix(x), labels);
	add_seconds(x->text, us);
}

void exposition_histogram(struct exposition *x, const struct metrics_histogram *histogram)
{
#define BOUND(us, text) text,
	static const char *const bounds[] = { METRICS_BOUNDS(BOUND) "+Inf" };
#undef BOUND
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
		n += histogram->of[i];
		begin(x, "_bucket", &(struct exposition_labels){ { { "le", bounds[i] } } });
		text_printf(x->text, "%llu\n", (unsigned long long)n);
	}
	begin(x, "_sum", NULL);
	add_seconds(x->text, histogram->sum_us);
	begin(x, "_count", NULL);
	text_printf(x->text, "%llu\n", (unsigned long long)n);
}

void exposition_end(struct exposition *x)
{
	if (x->form == METRICS_OPENMETRICS)
		text_add(x->text, "# EOF\n");
}
