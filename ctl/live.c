/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to the daemon. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/out-text.h"
#include "ctl/progress.h"
#include "edge/conf/files.h"

/* On a terminal only, and only of what takes longer than netd needs to say so: a second. */
static void show_progress(const struct client_progress *progress, void *userdata)
{
	bool *shown = userdata;

	if (!isatty(STDERR_FILENO))
		return;
	(void)fprintf(stderr, "\r\033[Knetd %s, %u s",
		      progress->begun ? "is working on it" : "is busy", progress->seconds);
	if (!progress->begun)
		(void)fprintf(stderr, ", %u requests ahead of this one", progress->before);
	(void)fputs(" (press Ctrl-C to cancel)", stderr);
	*shown = true;
}

static void ask(struct client_options *options, cJSON *request, struct client_answer *ret)
{
	bool shown = false, working = progress_end();

	options->progress = show_progress;
	options->userdata = &shown;
	if (wire_add_bool(request, "progress", true) == 0)
		client_call(options, request, ret);
	else
		(void)snprintf(ret->error, sizeof(ret->error), "out of memory");
	if (shown)
		(void)fputs("\r\033[K", stderr);
	if (working)
		progress_begin();
}

/* That of --socket, else the one that netd.conf(5) names. What keeps netd itself from starting is
 * for netd to say: whoever may not read the file, or finds a mistake in it, tries the default. */
const char *live_socket(const struct ctl *ctl, struct arena *arena)
{
	const struct conf_setting *setting = NULL;
	struct conf conf = { 0 };
	struct diag_list diags;
	const char *error;

	if (ctl->socket || !arena)
		return ctl->socket ? ctl->socket : CTL_DEFAULT_SOCKET;
	diag_init(&diags, arena);
	if (conf_read_files(NULL, arena, &diags, &conf, &error) == 0)
		setting = conf_find(&conf, "socket");
	return setting ? setting->value : CTL_DEFAULT_SOCKET;
}

int live_ask_about(const struct ctl *ctl, cJSON *request, const struct policydir *files,
		   bool *alone, cJSON **ret)
{
	const char *name = request ? wire_string(request, "verb") : NULL;
	const struct wire_verb *verb = name ? wire_verb_find(name) : NULL;
	CLEANUP(client_answer_done) struct client_answer answer = { .code = WIRE_INTERNAL };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct client_options options = { .path = live_socket(ctl, arena),
					  .admin = verb && verb->access == WIRE_ACCESS_ADMIN };

	*ret = NULL;
	if (!verb) {
		cJSON_Delete(request);
		return ctl_out_of_memory();
	}
	ask(&options, request, &answer);
	cJSON_Delete(request);
	if (alone)
		*alone = answer.alone;
	if (answer.error[0] && !(alone && answer.alone))
		ctl_complain("%s", answer.error);
	if (wire_array(answer.json, "diagnostics"))
		diag_print_errors(ctl, wire_array(answer.json, "diagnostics"), files);
	*ret = cJSON_DetachItemFromObjectCaseSensitive(answer.json, "report");
	return wire_exit_status(answer.code);
}

int live_ask(const struct ctl *ctl, cJSON *request, cJSON **ret)
{
	return live_ask_about(ctl, request, NULL, NULL, ret);
}

int live_ask_quietly(const struct ctl *ctl, cJSON *request, cJSON **ret, enum wire_code *ret_code)
{
	CLEANUP(client_answer_done) struct client_answer answer = { .code = WIRE_INTERNAL };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const char *name = request ? wire_string(request, "verb") : NULL;
	const struct wire_verb *verb = name ? wire_verb_find(name) : NULL;
	struct client_options options = { .path = live_socket(ctl, arena),
					  .admin = verb && verb->access == WIRE_ACCESS_ADMIN };

	*ret = NULL;
	if (!request)
		return ctl_out_of_memory();
	ask(&options, request, &answer);
	cJSON_Delete(request);
	*ret = cJSON_DetachItemFromObjectCaseSensitive(answer.json, "report");
	*ret_code = answer.code;
	return CTL_OK;
}

int live_add_files(cJSON *request, const struct policydir *dir, struct arena *arena)
{
	cJSON *files = cJSON_AddArrayToObject(request, "files");

	for (size_t i = 0; files && i < dir->sources.n; i++) {
		const struct policy_source *source = &dir->sources.items[i];
		cJSON *file = cJSON_CreateObject();
		const char *text = arena_strndup(arena, source->bytes, source->len);
		if (!text || !file || !cJSON_AddStringToObject(file, "name", source->name) ||
		    !cJSON_AddStringToObject(file, "text", text) ||
		    !cJSON_AddItemToArray(files, file)) {
			cJSON_Delete(file);
			return -ENOMEM;
		}
	}
	return files ? 0 : -ENOMEM;
}

int live_add_conditions(cJSON *request, const struct ctl_args *args)
{
	if (args->expect && wire_add_string(request, "expect", args->expect) < 0)
		return -ENOMEM;
	return args->confirm_s ? wire_add_number(request, "confirm_s", args->confirm_s) : 0;
}

int live_verb(const struct ctl *ctl, const char *verb, show_fn *show)
{
	cJSON *report = NULL;
	int status = live_ask(ctl, wire_new_request(verb), &report);

	return report ? show_report(ctl, report, show, status) : status;
}
