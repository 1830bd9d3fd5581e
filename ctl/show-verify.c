/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify as text. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"

static void print_drifts(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *drifts = wire_array(report, "drifts"), *drift;
	double more = wire_number(report, "more", 0), mended = wire_number(report, "mended", 0);

	if (!drifts || !drifts->child)
		printf("%skernel%s: all %.0f objects are as they were committed\n",
		       paint_for(ctl, PAINT_GOOD), paint_for(ctl, PAINT_PLAIN),
		       wire_number(report, "objects", 0));
	else
		printf("%skernel%s: its rules differ from what was committed\n",
		       paint_for(ctl, PAINT_BAD), paint_for(ctl, PAINT_PLAIN));
	cJSON_ArrayForEach(drift, drifts)
		printf("  %-7s  %s\n", member_text(drift, "kind"), member_text(drift, "object"));
	if (more > 0)
		printf("  and %.0f more\n", more);
	if (mended > 0)
		printf("  changes made by others since netd started, all undone: %.0f\n", mended);
}

static void print_probe(const struct ctl *ctl, const cJSON *probe, struct arena *arena)
{
	static const struct {
		const char *result, *meaning;
		enum paint paint;
	} rows[] = {
		{ "answers", "", PAINT_GOOD },
		{ "refused", "nobody listens", PAINT_WARN },
		{ "silent", "something on this host drops it", PAINT_BAD },
		{ "unreachable", "it cannot be reached", PAINT_WARN },
	};
	const char *result = member_text(probe, "result"), *address = member_text(probe, "address");
	bool v6 = strchr(address, ':') != NULL;
	const char *at = arena_printf(arena, "%s%s%s:%.0f", v6 ? "[" : "", address, v6 ? "]" : "",
				      wire_number(probe, "host_port", 0));

	bool closed = strcmp(result, "silent") == 0 && !wire_bool(probe, "host", true);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(result, rows[i].result) == 0)
			printf("  %s%-11s%s  %s -> %s %s%s%s\n", paint_for(ctl, rows[i].paint),
			       result, paint_for(ctl, PAINT_PLAIN), at ? at : "",
			       member_text(probe, "container"), member_text(probe, "port"),
			       *rows[i].meaning ? "  " : "",
			       closed ? "it is in no tier: nobody reaches it, this host included"
				      : rows[i].meaning);
}

void show_verify(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *probes = wire_array(report, "probes"), *probe;
	double others = wire_number(report, "not_probed", 0);

	print_drifts(ctl, report);
	printf("\npublished ports, tried from this host:%s\n",
	       probes && probes->child ? "" : " none");
	cJSON_ArrayForEach(probe, (arena ? probes : NULL))
		print_probe(ctl, probe, arena);
	if (others > 0)
		printf("  not tried: %.0f (UDP, SCTP, and more than 256 ports)\n", others);
	printf("\nThis host may reach every tier, and nothing that is in none. So this shows that\n"
	       "ports answer, not that others are kept out; and where docker-proxy listens, that\n"
	       "it does. Nothing was tried from inside a container or from another machine.\n");
}
