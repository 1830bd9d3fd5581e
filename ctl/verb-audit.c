/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audit: what containers lack of a good posture, of a compose file, an inventory or Docker. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/limits.h"
#include "ctl/audit-images.h"
#include "ctl/out-text.h"

/* What was asked about. */
struct audit {
	struct input_policy input; /* the policy, if one was given, and the findings */
	struct input_facts facts;
	struct report_input on_host; /* compiled NULL: without a policy */
};

static int read_audit_policy(const struct ctl *ctl, const struct ctl_args *args,
			     struct arena *arena, struct input_policy *ret)
{
	char *path = args->policy ? arena_strdup(arena, args->policy) : NULL;

	if (args->policy && !path)
		return ctl_out_of_memory();
	if (path)
		return input_valid_files(ctl, &path, 1, arena, ret);
	*ret = (struct input_policy){ 0 };
	diag_init(&ret->diags, arena);
	return CTL_OK;
}

static int ask_docker(const struct ctl *ctl, struct arena *arena, struct input_facts *ret)
{
	const char *error = NULL;
	int status = docker_world(ctl, arena, &ret->world, &error);

	ret->source = docker_url(ctl);
	if (status != CTL_OK)
		ctl_complain("%s", error ? error : "Docker gave no answer");
	return status;
}

/* Warnings about the policy and the compose file are validate's. */
static int read_audit_facts(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
			    struct audit *audit)
{
	struct input_policy *input = &audit->input;

	diag_init(&input->diags, arena);
	int status = args->inventory || args->n_compose
			     ? input_facts(args, arena, input, &audit->facts)
			     : ask_docker(ctl, arena, &audit->facts);
	if (status == CTL_OK && diag_failed(&input->diags))
		return input_show_errors(ctl, input);
	if (status == CTL_OK && (args->images || args->keys))
		status = audit_read_images(args, arena, &audit->facts.world);
	diag_init(&input->diags, arena);
	input->diags.most = LIMIT_AUDIT_FINDINGS;
	if (status == CTL_OK && input->policy)
		status = input_compile(&input->policy, 1, audit->facts.world, ctl->now, arena,
				       &audit->on_host);
	return status;
}

static void find_shortfalls(const struct ctl *ctl, struct audit *audit)
{
	const struct report_audited in = {
		.world = audit->facts.world,
		.source = audit->facts.source,
		.places = audit->facts.places,
		.posture_places = audit->facts.posture_places,
		.on_host = audit->on_host.compiled ? &audit->on_host : NULL,
		.now = ctl->now,
	};
	const struct report_accepting how = { .on_host = in.on_host,
					      .places = audit->facts.places,
					      .now = ctl->now,
					      .audited = true };

	report_audit(&in, &audit->input.diags);
	if (audit->input.policy)
		report_accept(audit->input.policy, &how, &audit->input.diags);
}

static void print_audit_summary(const struct ctl *ctl, const struct audit *audit)
{
	const struct diag_list *diags = &audit->input.diags;
	size_t n = audit->facts.world->n_containers;

	printf("%s%zu finding%s%s in %zu container%s",
	       diags->n_warnings ? paint_for(ctl, PAINT_WARN) : paint_for(ctl, PAINT_GOOD),
	       diags->n_warnings, diags->n_warnings == 1 ? "" : "s", paint_for(ctl, PAINT_PLAIN), n,
	       n == 1 ? "" : "s");
	if (diags->n_accepted)
		printf("; %zu accepted by the policy", diags->n_accepted);
	(void)putchar('\n');
}

static int print_audit_json(const struct ctl *ctl, const struct audit *audit, cJSON *diagnostics)
{
	const struct diag_list *diags = &audit->input.diags;
	cJSON *root = cJSON_CreateObject();

	(void)cJSON_AddNumberToObject(root, "v", REPORT_VERSION);
	(void)cJSON_AddNumberToObject(root, "containers", (double)audit->facts.world->n_containers);
	(void)cJSON_AddNumberToObject(root, "warnings", (double)diags->n_warnings);
	(void)cJSON_AddNumberToObject(root, "accepted", (double)diags->n_accepted);
	(void)cJSON_AddItemToObject(root, "diagnostics", diagnostics);
	audit_add_images(audit->facts.world, ctl->now, root);
	CLEANUP(free_ptr) char *text = cJSON_Print(root);
	cJSON_Delete(root);
	if (!text)
		return ctl_out_of_memory();
	(void)puts(text);
	return CTL_OK;
}

static int print_audit(const struct ctl *ctl, const struct audit *audit)
{
	cJSON *diagnostics = NULL;
	int status = CTL_OK;

	if (report_diagnostics(&audit->input.diags, &diagnostics) < 0)
		return ctl_out_of_memory();
	if (ctl_is_format(ctl, "json")) {
		status = print_audit_json(ctl, audit, diagnostics); /* takes them */
		diagnostics = NULL;
	} else if (ctl_is_format(ctl, "sarif")) {
		diag_print_sarif(diagnostics);
	} else if (ctl_is_format(ctl, "junit")) {
		diag_print_junit("audit", diagnostics, &audit->input.dir, true);
	} else {
		diag_print_text(ctl, diagnostics, &audit->input.dir);
		audit_show_images(ctl, audit->facts.world);
		print_audit_summary(ctl, audit);
	}
	cJSON_Delete(diagnostics);
	return status;
}

int verb_audit(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct audit audit = { 0 };
	int status =
		arena ? read_audit_policy(ctl, args, arena, &audit.input) : ctl_out_of_memory();

	if (status == CTL_OK)
		status = read_audit_facts(ctl, args, arena, &audit);
	if (status != CTL_OK)
		return status;
	find_shortfalls(ctl, &audit);
	status = print_audit(ctl, &audit);
	if (status != CTL_OK)
		return status;
	return audit.input.diags.n_warnings || diag_failed(&audit.input.diags) ? CTL_FINDING
									       : CTL_OK;
}
