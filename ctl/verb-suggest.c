/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suggest: a policy for what was seen, or what the one in force lacks, or rules for what it denies;
 * allow: the chosen ones of these, in force. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/allowed.h"
#include "ctl/input-seen.h"
#include "ctl/out-text.h"
#include "ctl/progress.h"

static void show_suggestion(const struct ctl *ctl, const cJSON *report)
{
	const char *policy = wire_string(report, "policy"), *patch = wire_string(report, "patch");

	(void)ctl;
	(void)fputs(policy ? policy : patch ? patch : "", stdout);
}

/* ---- --denied ---- */

static void show_when(const cJSON *object)
{
	const char *first = wire_string(object, "first"), *last = wire_string(object, "last");

	printf("%.0f times from %.10s to %.10s", wire_number(object, "count", 0),
	       first ? first : "", last ? last : "");
}

/* The first few pairs. */
static void show_who(const cJSON *object)
{
	const int most = 3;
	const cJSON *list = wire_array(object, "who");
	int n = cJSON_GetArraySize(list);

	for (int i = 0; i < n && i < most; i++)
		printf("%s%s", i ? ", " : "", cJSON_GetStringValue(cJSON_GetArrayItem(list, i)));
	if (n > most)
		printf(" and %d more", n - most);
}

static void show_denied(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *item, *others = wire_array(report, "others");

	cJSON_ArrayForEach(item, wire_array(report, "rules")) {
		const char *note = wire_string(item, "note"), *reason = wire_string(item, "reason");
		printf("%s%.0f%s  %s\n       ", paint_for(ctl, PAINT_BOLD),
		       wire_number(item, "number", 0), paint_for(ctl, PAINT_PLAIN),
		       wire_string(item, "rule"));
		show_when(item);
		printf(": ");
		show_who(item);
		printf(" (%s)\n", reason ? reason : "");
		if (note)
			printf("       %scareful%s: %s\n", paint_for(ctl, PAINT_BAD),
			       paint_for(ctl, PAINT_PLAIN), note);
	}
	if (cJSON_GetArraySize(others))
		printf("%sNo rule lets these pass:\n",
		       cJSON_GetArraySize(wire_array(report, "rules")) ? "\n" : "");
	cJSON_ArrayForEach(item, others) {
		printf("  ");
		show_who(item);
		printf(" %s, ", wire_string(item, "port"));
		show_when(item);
		printf(":\n    %s\n", wire_string(item, "why"));
	}
	if (cJSON_GetArraySize(wire_array(report, "rules")))
		printf("\n`netdctl allow NUMBER... --confirm 60s` puts rules of these into "
		       "force.\n");
	else if (!cJSON_GetArraySize(others))
		printf("Nothing was denied that would be denied today.\n");
}

static int needs_policy(void)
{
	ctl_complain("no policy is in force, so nothing is denied; --policy names one");
	return CTL_USAGE;
}

static int list_denied(const struct ctl *ctl, const struct input_seen *seen)
{
	cJSON *report = NULL;

	if (!seen->suggest.policy)
		return needs_policy();
	if (suggest_denied(&seen->suggest, &report) < 0)
		return ctl_out_of_memory();
	int found = cJSON_GetArraySize(wire_array(report, "rules")) +
		    cJSON_GetArraySize(wire_array(report, "others"));
	return show_report(ctl, report, show_denied, found ? CTL_FINDING : CTL_OK);
}

/* ---- suggest ---- */

static int show_output(const struct ctl *ctl, const struct suggest_input *in)
{
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };
	int r = suggest_make(in, &output);

	if (r == -EINVAL) {
		ctl_complain("the suggestion is not a valid policy: this is a bug in netd, please "
			     "report it");
		return CTL_UNREACHABLE;
	}
	if (r < 0)
		return ctl_out_of_memory();
	return show_report(ctl, TAKE_PTR(output.json), show_suggestion,
			   output.adds ? CTL_FINDING : CTL_OK);
}

int verb_suggest(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct input_seen seen;

	progress_begin();
	int status = arena ? input_read_seen(ctl, args, arena, &seen) : ctl_out_of_memory();
	if (status != CTL_OK)
		return status;
	return args->denied ? list_denied(ctl, &seen) : show_output(ctl, &seen.suggest);
}

/* ---- allow ---- */

static int read_numbers(const struct ctl_args *args, struct arena *arena,
			struct suggest_chosen *ret)
{
	uint32_t *numbers = arena_alloc(arena, args->n * sizeof(*numbers));

	if (!numbers)
		return ctl_out_of_memory();
	for (size_t i = 0; i < args->n; i++) {
		const char *text = args->files[i];
		unsigned long number = strtoul(text, NULL, 10);
		if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10 ||
		    number > UINT32_MAX) {
			ctl_complain("`%s` is not a number of the list: `netdctl suggest --denied` lists them",
				     text);
			return CTL_USAGE;
		}
		numbers[i] = (uint32_t)number;
	}
	ret->numbers = numbers;
	ret->n = args->n;
	return CTL_OK;
}

/* The files in force with the new one in its place, in name order. */
static int put_in(struct input_seen *seen, const char *path, const char *text, struct arena *arena)
{
	struct policydir *dir = &seen->files.dir;
	struct policy_source source = { path, text, strlen(text) };
	size_t at = 0;

	while (at < dir->sources.n && strcmp(dir->sources.items[at].name, path) < 0)
		at++;
	if (at < dir->sources.n && strcmp(dir->sources.items[at].name, path) == 0) {
		dir->sources.items[at] = source;
		return CTL_OK;
	}
	if (VEC_PUSH(arena, &dir->sources, source) < 0)
		return ctl_out_of_memory();
	for (size_t i = dir->sources.n - 1; i > at; i--)
		dir->sources.items[i] = dir->sources.items[i - 1];
	dir->sources.items[at] = source;
	return CTL_OK;
}

static const char *old_text(const struct input_seen *seen, const char *path)
{
	const struct policydir *dir = &seen->files.dir;

	for (size_t i = 0; i < dir->sources.n; i++)
		if (strcmp(dir->sources.items[i].name, path) == 0)
			return dir->sources.items[i].bytes;
	return "";
}

/* In force first, through the gate of every apply; then on disk. */
static int apply_files(const struct ctl *ctl, const struct ctl_args *args, struct input_seen *seen,
		       const char *text, struct arena *arena)
{
	cJSON *report = NULL;
	int status = apply_ask(ctl, &seen->files.dir, args, &report);

	if (status == CTL_OK && report && args->confirm_s)
		status = allowed_set_aside(seen->path, text, report, arena);
	else if (status == CTL_OK && report)
		status = allowed_write(seen->path, text, arena);
	return report ? show_report(ctl, report, show_change, status) : status;
}

static int choose(const struct ctl *ctl, const struct ctl_args *args, struct input_seen *seen,
		  const char *path, struct arena *arena)
{
	struct suggest_chosen chosen = { .old = old_text(seen, path), .now = ctl->now };
	CLEANUP(free_ptr) char *text = NULL;
	const char *error = NULL;
	cJSON *denied = NULL;
	int status = read_numbers(args, arena, &chosen);

	if (status != CTL_OK)
		return status;
	int r = suggest_denied(&seen->suggest, &denied);
	if (r == 0)
		r = suggest_allow(denied, &chosen, arena, &text, &error);
	cJSON_Delete(denied);
	if (r < 0)
		return ctl_out_of_memory();
	if (r > 0) {
		ctl_complain("%s", error);
		return CTL_USAGE;
	}
	status = put_in(seen, path, text, arena);
	return status == CTL_OK ? apply_files(ctl, args, seen, text, arena) : status;
}

/* All that is looked at is looked at after the policy in force was asked for: another one by the
 * time of the apply, and nothing is changed. */
int verb_allow(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct ctl_args with = *args;
	struct input_seen seen;
	const char *path = NULL;

	progress_begin();
	int status = arena ? input_digest_in_force(ctl, arena, &with.expect) : ctl_out_of_memory();
	if (status == CTL_OK)
		status = input_read_seen(ctl, args, arena, &seen);
	if (status == CTL_OK && !seen.suggest.policy)
		status = needs_policy();
	if (status == CTL_OK)
		status = allowed_path(seen.path, arena, &path);
	if (status == CTL_OK)
		status = input_check_in_force(ctl, seen.path);
	return status == CTL_OK ? choose(ctl, &with, &seen, path, arena) : status;
}
