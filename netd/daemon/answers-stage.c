/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stage: a candidate is taken, shown against the flows that were seen, put into force, or dropped.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/report/flows.h"
#include "daemon/answers.h"
#include "edge/base/clock.h"
#include "edge/policydir/policydir.h"

static bool wants(const struct control_request *request, const char *what)
{
	return wire_bool(request->json, what, false);
}

static int read_files(const struct control_request *request, struct arena *arena,
		      struct answer_texts *texts, cJSON **ret)
{
	struct policy_source *sources = NULL;
	int r = answer_read_files(request, arena, &sources, &texts->n);

	texts->sources = sources;
	texts->by = HISTORY_BY_APPLY;
	if (r == -EINVAL)
		return answer_error(
			wire_new_error(WIRE_USAGE, "stage needs files with name and text"), ret);
	return r;
}

static struct answer_texts staged_texts(const struct daemon *d)
{
	return (struct answer_texts){ d->staged.sources, d->staged.n, HISTORY_BY_APPLY, 0 };
}

/* ---- what it would change ---- */

static int prepare(struct daemon *d, const struct policy *candidate, const struct world *world,
		   struct arena *arena, struct report_input ret[2])
{
	const struct policy *policies[2] = { d->wanted->policy, candidate };
	int r = report_prepare(policies, 2, world, clock_epoch_s(), arena, ret);

	ret[0].plain = d->wanted->none;
	return r;
}

static int show(struct daemon *d, const struct policy *candidate, struct arena *arena, cJSON **ret)
{
	const struct history_author *author = &d->staged.author;
	char by[HISTORY_AUTHOR_LEN], digest[HASH_TEXT_LEN];
	const struct report_staged staged = { .sources = d->staged.sources,
					      .n_sources = d->staged.n,
					      .at = d->staged.at,
					      .by = by,
					      .digest = digest };
	struct report_input in[2], facts;
	struct report_flows flows;
	cJSON *report = NULL;
	int r = answer_flow_input(d, arena, &facts);

	answer_staged_digest(d, digest);
	(void)snprintf(by, sizeof(by), "%s%suid %u%s", author->user, author->user[0] ? " (" : "",
		       author->uid, author->user[0] ? ")" : "");
	if (r == 0)
		r = prepare(d, candidate, facts.world, arena, in);
	if (r == 0)
		r = answer_take_flows(d, &in[0], arena, &flows);
	if (r == 0)
		r = report_stage(&in[0], &in[1], &flows, &staged, &report);
	if (r < 0)
		return r;
	bool differs = cJSON_GetArraySize(wire_array(report, "would_deny")) > 0;
	return answer_report(differs ? WIRE_FINDING : WIRE_OK, report, ret);
}

static int answer_show(struct daemon *d, struct arena *arena, cJSON **ret)
{
	const struct policy *candidate = NULL;
	struct diag_list diags;

	diag_init(&diags, arena);
	int r = policy_parse(d->staged.sources, d->staged.n, arena, &diags, &candidate);
	if (r == POLICY_E_INVALID)
		return answer_invalid(&diags, ret);
	return r < 0 ? r : show(d, candidate, arena, ret);
}

/* It is there to be looked at first; so what was looked at can be said. */
static int answer_needs_digest(cJSON **ret)
{
	return answer_error(wire_new_error(WIRE_USAGE,
					   "what is staged is put into force by the digest that "
					   "`netdctl stage` shows: `netdctl stage --apply "
					   "--expect DIGEST`"),
			    ret);
}

int answer_stage_check(struct daemon *d, const struct control_request *request, struct arena *arena,
		       cJSON **ret)
{
	struct answer_texts texts = { 0 };
	int r = 0;

	if (wire_array(request->json, "files")) {
		r = read_files(request, arena, &texts, ret);
		return r < 0 || *ret ? r : answer_check_texts(d, &texts, arena, ret);
	}
	if (wants(request, "apply") && wants(request, "discard"))
		return answer_error(wire_new_error(WIRE_USAGE, "stage takes apply or discard"),
				    ret);
	r = answer_expect_staged(d, request, ret);
	if (r < 0 || *ret || wants(request, "discard"))
		return r;
	if (!wants(request, "apply"))
		return answer_show(d, arena, ret);
	if (!answer_is_confirm_time(request))
		return answer_error(wire_new_error(WIRE_USAGE, "confirm_s is 1 to 86400"), ret);
	if (!wire_string(request->json, "expect"))
		return answer_needs_digest(ret);
	texts = staged_texts(d);
	return answer_check_texts(d, &texts, arena, ret);
}

/* ---- in the loop ---- */

static int answer_staged(const struct daemon *d, cJSON **ret)
{
	cJSON *report = cJSON_CreateObject();
	int r = report ? wire_add_bool(report, "staged", staged_is(d)) : -ENOMEM;

	if (r < 0) {
		cJSON_Delete(report);
		return r;
	}
	return answer_report(WIRE_OK, report, ret);
}

static int take(struct daemon *d, const struct control_request *request, struct arena *arena,
		cJSON **ret)
{
	struct history_author author = { .by = HISTORY_BY_APPLY, .uid = request->peer.uid };
	struct answer_texts texts = { 0 };
	int r = read_files(request, arena, &texts, ret);

	if (r < 0 || *ret)
		return r;
	host_user_name(request->peer.uid, author.user, sizeof(author.user));
	r = staged_take(d, texts.sources, texts.n, &author);
	return r < 0 ? r : answer_staged(d, ret);
}

int answer_stage(struct daemon *d, const struct control_request *request, struct arena *arena,
		 cJSON **ret)
{
	if (wire_array(request->json, "files"))
		return take(d, request, arena, ret);
	int r = answer_expect_staged(d, request, ret);
	if (r < 0 || *ret)
		return r;
	if (wants(request, "apply")) {
		struct answer_texts texts = staged_texts(d);
		r = answer_put_into_force(d, request, &texts, arena, ret);
		const char *code = r == 0 ? wire_string(*ret, "code") : NULL;
		if (!code || strcmp(code, wire_code_name(WIRE_OK)) != 0)
			return r;
		d->staged.applied = true;
		if (!d->previous)
			staged_confirmed(d);
		return 0;
	}
	staged_drop(d);
	return answer_staged(d, ret);
}
