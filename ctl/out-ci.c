/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics for CI systems: SARIF 2.1.0 and JUnit XML. */
#include <stdio.h>
#include <string.h>

#include "core/compose/compose.h"
#include "ctl/out-text.h"

/* ---- SARIF ---- */

static cJSON *sarif_message(const char *text)
{
	cJSON *message = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(message, "text", text);
	return message;
}

static void add_sarif_rule(cJSON *rules, const char *id, const char *meaning)
{
	cJSON *rule = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(rule, "id", id);
	(void)cJSON_AddItemToObject(rule, "shortDescription", sarif_message(meaning));
	(void)cJSON_AddItemToArray(rules, rule);
}

static bool is_policy_id(const char *id)
{
	size_t n;
	const struct policy_diag_info *table = policy_diag_table(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].id, id) == 0)
			return true;
	return false;
}

/* An id stands once, also where policies and compose files share it. */
static void add_sarif_rules(cJSON *driver)
{
	cJSON *rules = cJSON_AddArrayToObject(driver, "rules");
	size_t n_policy, n_compose, n_world;
	const struct policy_diag_info *policy = policy_diag_table(&n_policy);
	const struct compose_diag_info *compose = compose_diag_table(&n_compose);
	const struct report_diag_info *world = report_diag_table(&n_world);

	for (size_t i = 0; i < n_policy; i++)
		add_sarif_rule(rules, policy[i].id, policy[i].meaning);
	for (size_t i = 0; i < n_compose; i++)
		if (!is_policy_id(compose[i].id))
			add_sarif_rule(rules, compose[i].id, compose[i].meaning);
	for (size_t i = 0; i < n_world; i++)
		add_sarif_rule(rules, world[i].id, world[i].meaning);
}

static void add_sarif_place(cJSON *result, const cJSON *diag)
{
	double line = wire_number(diag, "line", 0), col = wire_number(diag, "col", 0);
	cJSON *location = cJSON_CreateObject();
	cJSON *physical = cJSON_AddObjectToObject(location, "physicalLocation");
	cJSON *artifact = cJSON_AddObjectToObject(physical, "artifactLocation");

	(void)cJSON_AddStringToObject(artifact, "uri", member_text(diag, "file"));
	if (line > 0) {
		cJSON *region = cJSON_AddObjectToObject(physical, "region");
		(void)cJSON_AddNumberToObject(region, "startLine", line);
		(void)cJSON_AddNumberToObject(region, "startColumn", col > 0 ? col : 1);
	}
	(void)cJSON_AddItemToArray(cJSON_AddArrayToObject(result, "locations"), location);
}

void diag_print_sarif(const cJSON *diagnostics)
{
	cJSON *root = cJSON_CreateObject(), *run = cJSON_CreateObject();
	cJSON *driver = cJSON_AddObjectToObject(cJSON_AddObjectToObject(run, "tool"), "driver");
	cJSON *results = cJSON_AddArrayToObject(run, "results");
	const cJSON *diag;

	(void)cJSON_AddStringToObject(root, "$schema",
				      "https://json.schemastore.org/sarif-2.1.0.json");
	(void)cJSON_AddStringToObject(root, "version", "2.1.0");
	(void)cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "runs"), run);
	(void)cJSON_AddStringToObject(driver, "name", "netdctl");
	(void)cJSON_AddStringToObject(driver, "version", NETD_VERSION);
	add_sarif_rules(driver);
	cJSON_ArrayForEach(diag, diagnostics) {
		cJSON *result = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(result, "ruleId", member_text(diag, "id"));
		(void)cJSON_AddStringToObject(result, "level", member_text(diag, "severity"));
		(void)cJSON_AddItemToObject(result, "message",
					    sarif_message(member_text(diag, "text")));
		add_sarif_place(result, diag);
		(void)cJSON_AddItemToArray(results, result);
	}
	CLEANUP(free_ptr) char *text = cJSON_Print(root);
	if (text)
		(void)puts(text);
	else
		(void)ctl_out_of_memory();
	cJSON_Delete(root);
}

/* ---- JUnit ---- */

void xml_print(const char *text)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = {
		{ '&', "&amp;" },  { '<', "&lt;" },   { '>', "&gt;" },
		{ '"', "&quot;" }, { '\n', "&#10;" },
	};

	for (; *text; text++) {
		const char *entity = NULL;
		for (size_t i = 0; i < ARRAY_LEN(entities); i++)
			if (entities[i].c == *text)
				entity = entities[i].entity;
		if (entity)
			(void)fputs(entity, stdout);
		else
			(void)putchar((unsigned char)*text < 0x20 ? '?' : *text);
	}
}

static size_t count_of(const cJSON *diagnostics, const char *file, const char *severity)
{
	const cJSON *diag;
	size_t n = 0;

	cJSON_ArrayForEach(diag, diagnostics)
		n += (!file || strcmp(member_text(diag, "file"), file) == 0) &&
		     strcmp(member_text(diag, "severity"), severity) == 0;
	return n;
}

static void print_failure(const cJSON *diag)
{
	printf("    <failure type=\"");
	xml_print(member_text(diag, "id"));
	printf("\" message=\"");
	xml_print(member_text(diag, "text"));
	printf("\">");
	xml_print(member_text(diag, "file"));
	printf(":%.0f:%.0f ", wire_number(diag, "line", 0), wire_number(diag, "col", 0));
	xml_print(member_text(diag, "hint"));
	printf("</failure>\n");
}

/* A test case per file; warnings are output, not failures. */
void diag_print_junit(const cJSON *diagnostics, const struct policydir *sources)
{
	size_t n = sources->sources.n, failed = 0;

	for (size_t i = 0; i < n; i++)
		failed += count_of(diagnostics, sources->sources.items[i].name, "error") > 0;
	printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	       "<testsuite name=\"netdctl validate\" tests=\"%zu\" failures=\"%zu\">\n",
	       n, failed);
	for (size_t i = 0; i < n; i++) {
		const char *file = sources->sources.items[i].name;
		const cJSON *diag;
		printf("  <testcase classname=\"policy\" name=\"");
		xml_print(file);
		printf("\">\n");
		cJSON_ArrayForEach(diag, diagnostics)
			if (strcmp(member_text(diag, "file"), file) == 0 &&
			    strcmp(member_text(diag, "severity"), "error") == 0)
				print_failure(diag);
		printf("  </testcase>\n");
	}
	printf("</testsuite>\n");
}
