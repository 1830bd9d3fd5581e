/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/input-seen.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/limits.h"
#include "core/base/text.h"

static int take_evidence(const char *source, const struct text *text, struct arena *arena,
			 struct suggest_evidence *ret)
{
	const char *error = "";

	if (text_failed(text))
		return ctl_out_of_memory();
	int r = suggest_read(text_str(text), text->len, arena, ret, &error);
	if (r < 0)
		return ctl_out_of_memory();
	if (r > 0)
		ctl_complain("%s: %s", source, error);
	if (ret->n_passed_over)
		ctl_complain("%s: %zu lines of another version are passed over", source,
			     ret->n_passed_over);
	return r > 0 ? CTL_USAGE : CTL_OK;
}

static int read_file(const char *path, struct arena *arena, struct suggest_evidence *ret)
{
	CLEANUP(text_done) struct text text = { 0 };
	const char *failed = read_file_or_stdin(path, LIMIT_SUGGEST_BYTES, &text);

	if (!failed && text.len > LIMIT_SUGGEST_BYTES)
		failed = "it is too large";
	if (!failed)
		return take_evidence(path, &text, arena, ret);
	ctl_complain("cannot read %s: %s", path, failed);
	return CTL_USAGE;
}

static void add_line(const cJSON *json, struct text *out)
{
	CLEANUP(free_ptr) char *line = json ? cJSON_PrintUnformatted(json) : NULL;

	out->failed |= !line;
	text_add(out, line ? line : "");
	text_add(out, "\n");
}

/* netd's answer, as the lines that `netdctl flows` would print of it. */
static int ask_flows(const struct ctl *ctl, struct arena *arena, struct suggest_evidence *ret)
{
	CLEANUP(text_done) struct text text = { 0 };
	cJSON *report = NULL;
	const cJSON *flow;
	int status = live_ask(ctl, wire_new_request("flows"), &report);

	if (!report)
		return status == CTL_OK ? CTL_UNREACHABLE : status;
	cJSON_ArrayForEach(flow, wire_array(report, "flows"))
		add_line(flow, &text);
	cJSON *summary = cJSON_DetachItemFromObjectCaseSensitive(report, "summary");
	cJSON *first = wire_new_answer(WIRE_OK);
	if (first && summary && wire_add(first, "summary", summary) == 0)
		add_line(first, &text);
	cJSON_Delete(first);
	cJSON_Delete(report);
	return take_evidence("netd", &text, arena, ret);
}

/* The inventory or compose files; else Docker. */
static int read_facts(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		      const struct world **ret)
{
	const char *error = NULL;

	if (args->inventory || args->n_compose)
		return input_given(ctl, args, arena, ret);
	int status = docker_world(ctl, arena, ret, &error);
	if (status != CTL_OK && error)
		ctl_complain("%s", error);
	return status;
}

/* What was applied, or taken back, is not what the files say. */
static int complain_of_difference(const cJSON *status)
{
	const char *path = wire_string(status, "policy");
	const char *origin = wire_string(status, "policy_origin");

	if (!origin || !wire_bool(status, "policy_differs", false))
		return CTL_OK;
	ctl_complain("the policy in force (from %s) is not the one in %s: `netdctl reload "
		     "--discard-applied` takes that one, --policy names another",
		     origin, path ? path : "the files");
	return CTL_REFUSED;
}

/* Where the policy in force is, if netd says that it is there. *ret stays NULL: none is in force.
 */
static int ask_path(const struct ctl *ctl, struct arena *arena, const char **ret)
{
	cJSON *report = NULL;
	int status = live_ask(ctl, wire_new_request("status"), &report);

	if (!report)
		return status;
	const char *path = wire_string(report, "policy");
	status = complain_of_difference(report);
	if (status == CTL_OK && wire_string(report, "policy_origin") && path) {
		*ret = arena_strdup(arena, path);
		status = *ret ? CTL_OK : ctl_out_of_memory();
	}
	cJSON_Delete(report);
	return status;
}

static bool is_same_folder(const char *a, const char *b)
{
	struct stat one, other;

	return a && b && stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

int input_digest_in_force(const struct ctl *ctl, struct arena *arena, const char **ret)
{
	cJSON *report = NULL;
	int status = live_ask(ctl, wire_new_request("status"), &report);

	if (!report)
		return status == CTL_OK ? CTL_UNREACHABLE : status;
	const char *digest = wire_string(report, "policy_digest");
	*ret = digest ? arena_strdup(arena, digest) : NULL;
	status = digest && !*ret ? ctl_out_of_memory() : CTL_OK;
	cJSON_Delete(report);
	return status;
}

int input_check_in_force(const struct ctl *ctl, const char *path)
{
	cJSON *report = NULL;
	int status = live_ask(ctl, wire_new_request("status"), &report);

	if (!report)
		return status == CTL_OK ? CTL_UNREACHABLE : status;
	const char *error = wire_string(report, "policy_error");
	status = complain_of_difference(report);
	if (status == CTL_OK && error) {
		ctl_complain("what is in force is not what %s says: %s", path, error);
		status = CTL_REFUSED;
	} else if (status == CTL_OK && !is_same_folder(path, wire_string(report, "policy"))) {
		ctl_complain("netd does not follow %s: `netdctl apply` puts other files into force",
			     path);
		status = CTL_REFUSED;
	}
	cJSON_Delete(report);
	return status;
}

static int read_policy(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		       struct input_seen *ret)
{
	int status = CTL_OK;

	ret->path = args->policy;
	if (!args->policy && !args->flows)
		status = ask_path(ctl, arena, &ret->path);
	if (status != CTL_OK || !ret->path)
		return status;
	char *path = arena_strdup(arena, ret->path);
	status = path ? input_valid_files(ctl, &path, 1, arena, &ret->files) : ctl_out_of_memory();
	if (status == CTL_OK) {
		ret->suggest.policy = ret->files.policy;
		ret->suggest.sources = ret->files.dir.sources.items;
		ret->suggest.n_sources = ret->files.dir.sources.n;
	}
	return status;
}

int input_read_seen(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		    struct input_seen *ret)
{
	*ret = (struct input_seen){ .path = NULL };
	ret->suggest.evidence = &ret->evidence;
	ret->suggest.now = ctl->now;
	int status = args->flows ? read_file(args->flows, arena, &ret->evidence)
				 : ask_flows(ctl, arena, &ret->evidence);
	if (status == CTL_OK)
		status = read_facts(ctl, args, arena, &ret->suggest.world);
	return status == CTL_OK ? read_policy(ctl, args, arena, ret) : status;
}
