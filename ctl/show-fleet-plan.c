/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet plan as text: what is the same on many hosts is told once. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"

/* Names of hosts in one line; the rest is a number. */
#define NAMES 8

static void print_names(const struct ctl *ctl, const cJSON *list)
{
	const cJSON *item;
	int n = cJSON_GetArraySize(list), told = 0;

	(void)fputs(paint_for(ctl, PAINT_BOLD), stdout);
	cJSON_ArrayForEach(item, list) {
		if (told == NAMES && n > NAMES + 1)
			break;
		const char *name = cJSON_GetStringValue(item);
		printf("%s%s", told++ ? ", " : "", name ? name : "");
	}
	if (n > told)
		printf(" and %d more", n - told);
	printf("%s:\n", paint_for(ctl, PAINT_PLAIN));
}

static void print_kind(const struct ctl *ctl, const cJSON *kind)
{
	const cJSON *raw = cJSON_GetObjectItemCaseSensitive(kind, "plan");
	cJSON *plan = cJSON_IsRaw(raw) ? cJSON_Parse(raw->valuestring) : NULL;

	print_names(ctl, wire_array(kind, "hosts"));
	if (plan)
		show_plan(ctl, plan);
	else
		(void)ctl_out_of_memory();
	cJSON_Delete(plan);
	(void)putchar('\n');
}

/* Hosts of which something else is to be told than their plan. */
static void print_hosts(const struct ctl *ctl, const cJSON *report, const char *member,
			const char *title)
{
	bool any = false;
	const cJSON *host;

	cJSON_ArrayForEach(host, wire_array(report, "hosts")) {
		const char *text = member_text(host, member);
		if (!*text)
			continue;
		if (!any)
			printf("%s%s%s\n", paint_for(ctl, PAINT_BAD), title,
			       paint_for(ctl, PAINT_PLAIN));
		any = true;
		bool is_judged = wire_bool(host, "judged", false);
		printf("  %s: %s%s\n", member_text(host, "host"), text,
		       is_judged ? " (judged by what it has told last)" : "");
	}
	if (any)
		(void)putchar('\n');
}

/* Hosts whose plans would be more than anybody reads. */
static void print_rest(const cJSON *report)
{
	const cJSON *host;
	size_t n = 0;

	cJSON_ArrayForEach(host, wire_array(report, "hosts"))
		n += wire_bool(host, "judged", false) && !wire_bool(host, "shown", false);
	if (n > 0)
		printf("And the plans of %zu more: --format json has their numbers.\n\n", n);
}

static void print_sum(const cJSON *sum)
{
	double n = wire_number(sum, "hosts", 0);

	if (n < 1) {
		printf("No host has told what it runs.\n");
		return;
	}
	printf("In sum: %.0f host%s, %.0f changed, %.0f not known, %.0f that would refuse it.\n"
	       "Flows: %.0f gained, %.0f lost. Exposures: %.0f opened, %.0f closed.\n",
	       n, n > 1 ? "s" : "", wire_number(sum, "changed", 0), wire_number(sum, "unknown", 0),
	       wire_number(sum, "refused", 0), wire_number(sum, "n_gained", 0),
	       wire_number(sum, "n_lost", 0), wire_number(sum, "n_opened", 0),
	       wire_number(sum, "n_closed", 0));
}

/* Whom a rule about the fleet was taken to be about. */
static void print_zone(const cJSON *zone)
{
	double n = wire_number(zone, "hosts", 0), away = wire_number(zone, "away", 0);

	if (!wire_bool(zone, "named", false))
		return;
	printf("Zone hosts: %.0f with an address in the store.", n);
	if (away > 0)
		printf(" %.0f that %s away %s none of them here; the others keep those that they "
		       "know for the time of `grace`.",
		       away, away > 1 ? "are" : "is", away > 1 ? "are" : "is");
	(void)putchar('\n');
}

void show_fleet_plan(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *kind;

	cJSON_ArrayForEach(kind, wire_array(report, "plans"))
		print_kind(ctl, kind);
	print_rest(report);
	print_hosts(ctl, report, "refused", "Hosts that would refuse it");
	print_hosts(ctl, report, "unknown", "Hosts that are not known as they are now");
	print_sum(cJSON_GetObjectItemCaseSensitive(report, "sum"));
	print_zone(cJSON_GetObjectItemCaseSensitive(report, "zone"));
	printf("Planned at revision %.0f of the store; its policy is %s: `netdctl fleet apply "
	       "--expect` with it changes that one alone\n",
	       wire_number(report, "revision", 0), member_text(report, "policy_digest"));
	if (wire_bool(report, "signed", false))
		printf("It is signed: `netdctl fleet apply` needs --sign-key\n");
}
