/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Usage: answer INVENTORY|- POLICY...   `netdctl explain` for many questions: each line of standard
 * input is FROM TO PORT, tabs between; each line of the answer is explain's JSON, without the hops,
 * or {"error":TEXT}. Reads and compiles once. SOURCE_DATE_EPOCH is the time. Exit status 1: the
 * input is not valid; 2: it cannot be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/report/report.h"
#include "edge/policydir/policydir.h"

enum { ANSWER_OK = 0, ANSWER_INVALID = 1, ANSWER_FAILED = 2 };

static int complain(int status, const char *what, const char *why)
{
	(void)fprintf(stderr, "answer: %s: %s\n", what, why);
	return status;
}

static int read_policy(char *const *files, size_t n, struct arena *arena, const struct policy **ret)
{
	struct policydir dir = { 0 };
	struct diag_list diags;

	diag_init(&diags, arena);
	for (size_t i = 0; i < n; i++)
		if (policydir_read(files[i], arena, &dir) != 0)
			return complain(ANSWER_FAILED, files[i], "cannot be read");
	int r = policy_parse(dir.sources.items, dir.sources.n, arena, &diags, ret);
	for (size_t i = 0; r != 0 && i < diags.diags.n; i++) {
		const struct diag *diag = &diags.diags.items[i];
		if (diag->severity == DIAG_ERROR)
			(void)fprintf(stderr, "%s:%u: %s: %s\n", diag->loc.file, diag->loc.line,
				      diag->id, diag->text);
	}
	return r == 0 ? ANSWER_OK : ANSWER_INVALID;
}

static int read_file(const char *path, struct text *ret)
{
	FILE *file = fopen(path, "re");
	char bytes[65536];
	size_t n;

	if (!file)
		return ANSWER_FAILED;
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		text_add_n(ret, bytes, n);
	bool failed = ferror(file) || text_failed(ret);
	return fclose(file) != 0 || failed ? ANSWER_FAILED : ANSWER_OK;
}

/* "-": none, the policy alone is asked. */
static int read_world(const char *path, struct arena *arena, const struct world **ret)
{
	CLEANUP(text_done) struct text text = { 0 };
	const struct world *world = NULL;
	const char *error = "out of memory";

	*ret = NULL;
	if (strcmp(path, "-") == 0)
		return ANSWER_OK;
	if (read_file(path, &text) != ANSWER_OK)
		return complain(ANSWER_FAILED, path, "cannot be read");
	if (world_parse_inventory(text_str(&text), text.len, arena, &world, &error) != 0 ||
	    report_complete_world(world, arena, ret) < 0)
		return complain(ANSWER_INVALID, path, error);
	return ANSWER_OK;
}

/* How a rule reads hop by hop is for people, and most of the bytes. */
static void drop_hops(cJSON *json)
{
	cJSON *way;

	cJSON_ArrayForEach(way, cJSON_GetObjectItem(json, "ways"))
		cJSON_DeleteItemFromObject(way, "hops");
}

static int print_line(cJSON *json)
{
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	cJSON_Delete(json);
	if (!text)
		return ANSWER_FAILED;
	(void)puts(text);
	cJSON_free(text);
	return ANSWER_OK;
}

static int print_error(const char *error)
{
	cJSON *json = cJSON_CreateObject();

	if (!cJSON_AddStringToObject(json, "error", error)) {
		cJSON_Delete(json);
		return ANSWER_FAILED;
	}
	return print_line(json);
}

static int answer(const struct report_input *in, char *line)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *place = NULL, *from = strtok_r(line, "\t\n", &place);
	char *to = strtok_r(NULL, "\t\n", &place), *port = strtok_r(NULL, "\t\n", &place);
	const struct report_question question = { from, to, port };
	struct report_explained explained = { 0 };

	if (!arena || !port)
		return complain(ANSWER_FAILED, "a question", "not FROM TO PORT");
	int r = report_explain(in, &question, arena, &explained);
	if (r == REPORT_E_QUESTION)
		return print_error(explained.error);
	if (r < 0)
		return complain(ANSWER_FAILED, "explain", "out of memory");
	drop_hops(explained.json);
	return print_line(explained.json);
}

static int answer_all(const struct report_input *in)
{
	CLEANUP(free_ptr) char *line = NULL;
	size_t size = 0;
	int status = ANSWER_OK;

	while (status == ANSWER_OK && getline(&line, &size, stdin) > 0)
		status = answer(in, line);
	return status == ANSWER_OK && fflush(stdout) != 0 ? ANSWER_FAILED : status;
}

int main(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *now = getenv("SOURCE_DATE_EPOCH");
	const struct policy *policy = NULL;
	const struct world *world = NULL;
	struct report_input in;

	if (argc < 3 || !now || !arena)
		return complain(ANSWER_FAILED, "usage",
				"SOURCE_DATE_EPOCH=N answer INVENTORY|- POLICY...");
	int status = read_policy(argv + 2, (size_t)argc - 2, arena, &policy);
	if (status == ANSWER_OK)
		status = read_world(argv[1], arena, &world);
	if (status != ANSWER_OK)
		return status;
	if (report_prepare(&policy, 1, world, strtoll(now, NULL, 10), arena, &in) < 0)
		return complain(ANSWER_FAILED, argv[2], "cannot be compiled");
	return answer_all(&in);
}
