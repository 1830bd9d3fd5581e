/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics for CI systems: SARIF 2.1.0 and JUnit XML. */
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "ctl/out-text.h"

/* ---- SARIF ---- */

static cJSON *sarif_message(const char *text)
{
	cJSON *message = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(message, "text", text);
	return message;
}

static void add_text(cJSON *object, const char *name, const char *text)
{
	(void)cJSON_AddItemToObject(object, name, sarif_message(text));
}

static void add_sarif_rule(cJSON *rules, const char *id, const char *severity, const char *meaning)
{
	cJSON *rule = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(rule, "id", id);
	add_text(rule, "shortDescription", meaning);
	add_text(rule, "fullDescription", meaning);
	add_text(rule, "help", "The findings are explained in netd-policy(5) and netdctl(8).");
	(void)cJSON_AddStringToObject(cJSON_AddObjectToObject(rule, "defaultConfiguration"),
				      "level", severity);
	(void)cJSON_AddItemToArray(rules, rule);
}

static const char *meaning_of(const char *id)
{
	enum report_finder finder;
	const struct diag_info *info = report_find_diag(id, &finder);

	return info ? info->meaning : id;
}

/* The rules of the results, each once. */
static void add_sarif_rules(cJSON *driver, const cJSON *diagnostics)
{
	cJSON *rules = cJSON_AddArrayToObject(driver, "rules");
	const cJSON *diag, *rule;

	cJSON_ArrayForEach(diag, diagnostics) {
		const char *id = member_text(diag, "id");
		bool known = false;
		cJSON_ArrayForEach(rule, rules)
			known |= strcmp(member_text(rule, "id"), id) == 0;
		if (!known)
			add_sarif_rule(rules, id, member_text(diag, "severity"), meaning_of(id));
	}
}

/* A path as a reference: relative ones are the repository's. */
static void add_uri(cJSON *artifact, const char *path)
{
	CLEANUP(text_done) struct text uri = { 0 };

	while (text_begins(path, "./"))
		path += 2;
	if (*path == '/')
		text_add(&uri, "file://");
	for (; *path; path++) {
		bool plain = (*path >= 'a' && *path <= 'z') || (*path >= 'A' && *path <= 'Z') ||
			     (*path >= '0' && *path <= '9') || strchr("-._~/", *path);
		text_printf(&uri, plain ? "%c" : "%%%02X", (unsigned char)*path);
	}
	(void)cJSON_AddStringToObject(artifact, "uri", text_str(&uri));
}

static void add_sarif_place(cJSON *result, const cJSON *diag)
{
	double line = wire_number(diag, "line", 0), col = wire_number(diag, "col", 0);
	cJSON *location = cJSON_CreateObject();
	cJSON *physical = cJSON_AddObjectToObject(location, "physicalLocation");
	cJSON *region;

	add_uri(cJSON_AddObjectToObject(physical, "artifactLocation"), member_text(diag, "file"));
	region = cJSON_AddObjectToObject(physical, "region");
	(void)cJSON_AddNumberToObject(region, "startLine", line > 0 ? line : 1);
	(void)cJSON_AddNumberToObject(region, "startColumn", col > 0 ? col : 1);
	(void)cJSON_AddItemToArray(cJSON_AddArrayToObject(result, "locations"), location);
}

/* What is shown at the line is the message alone. */
static void add_sarif_message(cJSON *result, const cJSON *diag)
{
	CLEANUP(text_done) struct text text = { 0 };
	const char *hint = member_text(diag, "hint");

	text_printf(&text, "%s%s%s", member_text(diag, "text"), *hint ? "; " : "", hint);
	add_text(result, "message", text_str(&text));
}

static bool has_accepted(const cJSON *diagnostics)
{
	const cJSON *diag;

	cJSON_ArrayForEach(diag, diagnostics)
		if (wire_string(diag, "accepted"))
			return true;
	return false;
}

/* What the policy accepts, with its reason. Where one result has suppressions all must have them
 * (SARIF 2.1.0, 3.27.23): none is an empty list. */
static void add_suppressions(cJSON *result, const cJSON *diag)
{
	const char *reason = wire_string(diag, "accepted");
	cJSON *list = cJSON_AddArrayToObject(result, "suppressions"), *one;

	if (!reason)
		return;
	one = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(one, "kind", "external");
	(void)cJSON_AddStringToObject(one, "status", "accepted");
	(void)cJSON_AddStringToObject(one, "justification", reason);
	(void)cJSON_AddItemToArray(list, one);
}

void diag_print_sarif(const cJSON *diagnostics)
{
	cJSON *root = cJSON_CreateObject(), *run = cJSON_CreateObject();
	cJSON *driver = cJSON_AddObjectToObject(cJSON_AddObjectToObject(run, "tool"), "driver");
	cJSON *results = cJSON_AddArrayToObject(run, "results");
	bool accepted = has_accepted(diagnostics);
	const cJSON *diag;

	(void)cJSON_AddStringToObject(root, "$schema",
				      "https://json.schemastore.org/sarif-2.1.0.json");
	(void)cJSON_AddStringToObject(root, "version", "2.1.0");
	(void)cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "runs"), run);
	(void)cJSON_AddStringToObject(run, "columnKind", "unicodeCodePoints");
	(void)cJSON_AddStringToObject(driver, "name", "netdctl");
	(void)cJSON_AddStringToObject(driver, "version", NETD_VERSION);
	add_sarif_rules(driver, diagnostics);
	cJSON_ArrayForEach(diag, diagnostics) {
		cJSON *result = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(result, "ruleId", member_text(diag, "id"));
		(void)cJSON_AddStringToObject(result, "level", member_text(diag, "severity"));
		add_sarif_message(result, diag);
		add_sarif_place(result, diag);
		if (accepted)
			add_suppressions(result, diag);
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

static void print_attribute(const char *before, const char *text)
{
	(void)fputs(before, stdout);
	xml_print(text);
	(void)putchar('"');
}

/* Readers show the first failure of a test case, so each finding is one. */
static void print_finding(const cJSON *diag, bool failed)
{
	const char *element = failed ? "failure" : "system-out", *hint = member_text(diag, "hint");
	const char *accepted = wire_string(diag, "accepted");
	double line = wire_number(diag, "line", 0);

	print_attribute("  <testcase classname=\"", member_text(diag, "file"));
	printf(" name=\"");
	if (line > 0)
		printf("%.0f:%.0f ", line, wire_number(diag, "col", 0));
	xml_print(member_text(diag, "id"));
	printf("\">\n    ");
	if (accepted) {
		print_attribute("<skipped message=\"accepted: ", accepted);
		printf("/>\n    ");
	}
	printf("<%s", element);
	if (failed) {
		print_attribute(" type=\"", member_text(diag, "id"));
		print_attribute(" message=\"", member_text(diag, "text"));
	}
	printf(">");
	xml_print(member_text(diag, "file"));
	if (line > 0)
		printf(":%.0f:%.0f", line, wire_number(diag, "col", 0));
	printf(": ");
	xml_print(member_text(diag, "text"));
	printf("%s", *hint ? "; " : "");
	xml_print(hint);
	printf("</%s>\n  </testcase>\n", element);
}

static bool is_failure(const cJSON *diag, bool strict)
{
	if (wire_string(diag, "accepted"))
		return false;
	return strict || strcmp(member_text(diag, "severity"), "error") == 0;
}

static bool has_finding(const cJSON *diagnostics, const char *file)
{
	const cJSON *diag;

	cJSON_ArrayForEach(diag, diagnostics)
		if (strcmp(member_text(diag, "file"), file) == 0)
			return true;
	return false;
}

/* A test case per finding, and one per file without any. */
void diag_print_junit(const char *verb, const cJSON *diagnostics, const struct policydir *sources,
		      bool strict)
{
	size_t n = (size_t)cJSON_GetArraySize(diagnostics), failed = 0, skipped = 0;
	const cJSON *diag;

	cJSON_ArrayForEach(diag, diagnostics) {
		failed += is_failure(diag, strict);
		skipped += wire_string(diag, "accepted") != NULL;
	}
	for (size_t i = 0; i < sources->sources.n; i++)
		n += !has_finding(diagnostics, sources->sources.items[i].name);
	printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	       "<testsuite name=\"netdctl %s\" tests=\"%zu\" failures=\"%zu\" "
	       "skipped=\"%zu\">\n",
	       verb, n, failed, skipped);
	for (size_t i = 0; i < sources->sources.n; i++) {
		const char *file = sources->sources.items[i].name;
		if (has_finding(diagnostics, file))
			continue;
		print_attribute("  <testcase classname=\"", file);
		printf(" name=\"valid\"/>\n");
	}
	cJSON_ArrayForEach(diag, diagnostics)
		print_finding(diag, is_failure(diag, strict));
	printf("</testsuite>\n");
}
