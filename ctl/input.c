/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files to policies and worlds. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "ctl/heap.h"
#include "ctl/input-compose.h"
#include "edge/base/fd.h"

int input_read_policy(const struct ctl *ctl, char *const *files, size_t n, struct arena *arena,
		      struct input_policy *ret)
{
	*ret = (struct input_policy){ 0 };
	diag_init(&ret->diags, arena);
	for (size_t i = 0; i < n; i++) {
		int r = policydir_read(files[i], arena, &ret->dir);
		if (r < 0)
			return ctl_out_of_memory();
		if (r > 0) {
			ctl_complain("%s", ret->dir.error);
			return CTL_USAGE;
		}
	}
	for (size_t i = 0; i < ret->dir.passed_over.n; i++)
		ctl_complain("%s is skipped: policy files must end in .yaml",
			     ret->dir.passed_over.items[i]);
	if (ret->dir.sources.n == 0) {
		ctl_complain("%s contains no *.yaml file", n ? files[0] : "no policy");
		return CTL_USAGE;
	}
	ret->n_files = ret->dir.sources.n;
	int r = policy_parse(ret->dir.sources.items, ret->dir.sources.n, arena, &ret->diags,
			     &ret->policy);
	if (r == 0)
		r = report_check_accepts(ret->policy, &ret->diags);
	if (r < 0)
		return ctl_out_of_memory();
	if (r > 0)
		ret->policy = NULL;
	else
		policy_check_time(ret->policy, ctl->now, &ret->diags);
	diag_sort(&ret->diags);
	return CTL_OK;
}

/* Warnings are validate's: here they would only be in the way. */
int input_show_errors(const struct ctl *ctl, const struct input_policy *input)
{
	cJSON *diagnostics = NULL;

	if (report_diagnostics(&input->diags, &diagnostics) < 0)
		return ctl_out_of_memory();
	diag_print_errors(ctl, diagnostics, &input->dir);
	cJSON_Delete(diagnostics);
	return CTL_FINDING;
}

int input_valid_files(const struct ctl *ctl, char *const *files, size_t n, struct arena *arena,
		      struct input_policy *ret)
{
	int status = input_read_policy(ctl, files, n, arena, ret);

	return status == CTL_OK && !ret->policy ? input_show_errors(ctl, ret) : status;
}

int input_valid_policy(const struct ctl *ctl, char *const *files, size_t n, struct arena *arena,
		       const struct policy **ret)
{
	struct input_policy input;
	int status = input_valid_files(ctl, files, n, arena, &input);

	if (status == CTL_OK)
		*ret = input.policy;
	return status;
}

/* ---- the host's facts ---- */

/* What an inventory and a policy compiled for it take of memory, for each byte of the inventory. */
#define HEAP_PER_BYTE 20u

/* 0: nobody knows before it is read. */
static size_t size_of(const char *path)
{
	struct stat file;

	return strcmp(path, "-") != 0 && stat(path, &file) == 0 && S_ISREG(file.st_mode) &&
			       file.st_size > 0
		       ? (size_t)file.st_size
		       : 0;
}

static int read_inventory(const struct ctl_args *args, struct arena *arena,
			  const struct world **ret)
{
	CLEANUP(text_done) struct text text = { 0 };
	const struct world *world = NULL;
	const char *error = "";

	size_t size = size_of(args->inventory);
	heap_expect(size * HEAP_PER_BYTE);
	const char *failed = read_file_or_stdin(args->inventory, LIMIT_DOCKER_BYTES, &text);
	if (failed) {
		ctl_complain("cannot read %s: %s", args->inventory, failed);
		return CTL_USAGE;
	}
	if (text_failed(&text))
		return ctl_out_of_memory();
	if (size == 0)
		heap_expect(text.len * HEAP_PER_BYTE);
	int r = world_parse_inventory(text_str(&text), text.len, arena, &world, &error);
	if (r > 0) {
		ctl_complain("%s: %s", args->inventory, error);
		return CTL_USAGE;
	}
	*ret = world;
	return r < 0 ? ctl_out_of_memory() : CTL_OK;
}

int input_facts(const struct ctl_args *args, struct arena *arena, struct input_policy *into,
		struct input_facts *ret)
{
	struct compose_project project = { 0 };
	int status = CTL_OK;

	*ret = (struct input_facts){ 0 };
	if (args->inventory) {
		status = read_inventory(args, arena, &project.world);
		ret->source = args->inventory;
	} else if (args->n_compose) {
		status = input_compose(args, arena, into, &project);
		ret->source = args->compose[0];
		ret->places = project.places;
		ret->services = project.services;
		ret->posture_places = project.posture_places;
	}
	ret->given = project.world;
	if (status != CTL_OK || !project.world)
		return status;
	return report_complete_world(project.world, arena, &ret->world) < 0 ? ctl_out_of_memory()
									    : CTL_OK;
}

static int facts_alone(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		       struct input_facts *ret)
{
	struct input_policy texts = { 0 };

	diag_init(&texts.diags, arena);
	int status = input_facts(args, arena, &texts, ret);
	return status == CTL_OK && diag_failed(&texts.diags) ? input_show_errors(ctl, &texts)
							     : status;
}

int input_world(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		const struct world **ret)
{
	struct input_facts facts;
	int status = facts_alone(ctl, args, arena, &facts);

	*ret = facts.world;
	return status;
}

int input_given(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		const struct world **ret)
{
	struct input_facts facts;
	int status = facts_alone(ctl, args, arena, &facts);

	*ret = facts.given;
	return status;
}

int input_compile(const struct policy *const *policies, size_t n, const struct world *world,
		  int64_t now, struct arena *arena, struct report_input *ret)
{
	int r = report_prepare(policies, n, world, now, arena, ret);

	if (r == -EINVAL) {
		ctl_complain(
			"this policy cannot be compiled: this is a bug in netd, please report it");
		return CTL_UNREACHABLE;
	}
	return r < 0 ? ctl_out_of_memory() : CTL_OK;
}

int input_prepare(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		  struct report_input *ret)
{
	char *path = args->policy ? arena_strdup(arena, args->policy) : NULL;
	const struct policy *policy = NULL;
	const struct world *world = NULL;
	int status = path ? input_valid_policy(ctl, &path, 1, arena, &policy)
			  : input_valid_policy(ctl, args->files, args->n, arena, &policy);

	if (status == CTL_OK)
		status = input_world(ctl, args, arena, &world);
	return status == CTL_OK ? input_compile(&policy, 1, world, ctl->now, arena, ret) : status;
}
