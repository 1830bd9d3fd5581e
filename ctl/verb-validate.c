/* SPDX-License-Identifier: GPL-2.0-or-later */
/* validate: everything that is wrong with a policy, alone or on a host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/out-text.h"

/* What was asked about. Without facts about a host, or with an invalid policy, the last two are
 * empty. */
struct validation {
	struct input_policy input;
	struct input_facts facts;
	struct report_input on_host;
	cJSON *ports; /* report_ports() */
};

static int check_on_host(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
			 struct validation *v)
{
	struct input_policy *input = &v->input;
	int status = input_facts(args, arena, input, &v->facts);

	if (status != CTL_OK)
		return status;
	diag_sort(&input->diags);
	if (v->facts.world && input->policy)
		status = input_compile(&input->policy, 1, v->facts.world, ctl->now, arena,
				       &v->on_host);
	if (status != CTL_OK || !v->on_host.compiled)
		return status;
	report_check_world(&v->on_host, v->facts.source, v->facts.places, &input->diags);
	return report_ports(&v->on_host, &v->ports) < 0 ? ctl_out_of_memory() : CTL_OK;
}

static void accept_findings(const struct ctl *ctl, struct validation *v)
{
	const struct report_accepting how = { .on_host = v->on_host.compiled ? &v->on_host : NULL,
					      .places = v->facts.places,
					      .now = ctl->now };

	if (v->input.policy)
		report_accept(v->input.policy, &how, &v->input.diags);
}

static void print_summary(const struct ctl *ctl, const struct input_policy *input)
{
	const struct policy *policy = input->policy;
	const struct diag_list *diags = &input->diags;

	size_t n = diags->n_errors + diags->n_warnings + diags->n_accepted;

	if (n > diags->diags.n)
		printf("... and %zu more\n", n - diags->diags.n);
	if (diag_failed(diags)) {
		printf("%sinvalid%s: %zu error%s, %zu warning%s\n", paint_for(ctl, PAINT_BAD),
		       paint_for(ctl, PAINT_PLAIN), diags->n_errors,
		       diags->n_errors == 1 ? "" : "s", diags->n_warnings,
		       diags->n_warnings == 1 ? "" : "s");
		return;
	}
	printf("%svalid%s: %zu tier%s, %zu rule%s, %zu test%s in %zu file%s",
	       paint_for(ctl, PAINT_GOOD), paint_for(ctl, PAINT_PLAIN), policy->n_tiers,
	       policy->n_tiers == 1 ? "" : "s", policy->n_rules, policy->n_rules == 1 ? "" : "s",
	       policy->n_tests, policy->n_tests == 1 ? "" : "s", input->n_files,
	       input->n_files == 1 ? "" : "s");
	if (diags->n_warnings)
		printf("; %s%zu warning%s%s", paint_for(ctl, PAINT_WARN), diags->n_warnings,
		       diags->n_warnings == 1 ? "" : "s", paint_for(ctl, PAINT_PLAIN));
	if (diags->n_accepted)
		printf("; %zu accepted by the policy", diags->n_accepted);
	(void)putchar('\n');
}

static int print_json(const struct validation *v, cJSON *diagnostics)
{
	const struct input_policy *input = &v->input;
	cJSON *root = cJSON_CreateObject();

	(void)cJSON_AddNumberToObject(root, "v", REPORT_VERSION);
	(void)cJSON_AddBoolToObject(root, "valid", !diag_failed(&input->diags));
	(void)cJSON_AddNumberToObject(root, "errors", (double)input->diags.n_errors);
	(void)cJSON_AddNumberToObject(root, "warnings", (double)input->diags.n_warnings);
	(void)cJSON_AddNumberToObject(root, "accepted", (double)input->diags.n_accepted);
	(void)cJSON_AddItemToObject(root, "diagnostics", diagnostics);
	if (v->on_host.compiled)
		(void)cJSON_AddItemToObject(root, "endpoints", list_placement(&v->on_host));
	if (v->ports)
		(void)cJSON_AddItemReferenceToObject(
			root, "ports", cJSON_GetObjectItemCaseSensitive(v->ports, "ports"));
	CLEANUP(free_ptr) char *text = cJSON_Print(root);
	cJSON_Delete(root);
	if (!text)
		return ctl_out_of_memory();
	(void)puts(text);
	return CTL_OK;
}

static int print_findings(const struct ctl *ctl, const struct validation *v, bool strict)
{
	const struct input_policy *input = &v->input;
	cJSON *diagnostics = NULL;
	int status = CTL_OK;

	if (report_diagnostics(&input->diags, &diagnostics) < 0)
		return ctl_out_of_memory();
	if (ctl_is_format(ctl, "json")) {
		status = print_json(v, diagnostics); /* takes them */
		diagnostics = NULL;
	} else if (ctl_is_format(ctl, "sarif")) {
		diag_print_sarif(diagnostics);
	} else if (ctl_is_format(ctl, "junit")) {
		diag_print_junit("validate", diagnostics, &input->dir, strict);
	} else {
		diag_print_text(ctl, diagnostics, &input->dir);
		if (v->on_host.compiled && v->facts.services)
			show_placement(ctl, &v->on_host, &v->facts);
		if (v->ports && v->facts.services)
			show_placement_ports(ctl, v->ports, &v->facts);
		print_summary(ctl, input);
	}
	cJSON_Delete(diagnostics);
	return status;
}

int verb_validate(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct validation v = { 0 };
	int status = arena ? input_read_policy(ctl, args->files, args->n, arena, &v.input)
			   : ctl_out_of_memory();

	if (status == CTL_OK)
		status = check_on_host(ctl, args, arena, &v);
	if (status == CTL_OK) {
		accept_findings(ctl, &v);
		status = print_findings(ctl, &v, args->strict);
	}
	cJSON_Delete(v.ports);
	if (status != CTL_OK)
		return status;
	bool found = diag_failed(&v.input.diags) || (args->strict && v.input.diags.n_warnings);
	return found ? CTL_FINDING : CTL_OK;
}
