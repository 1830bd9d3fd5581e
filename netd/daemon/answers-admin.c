/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control verbs that change what is in force. Only the admin socket hands them on. */
#include <errno.h>
#include <string.h>

#include "core/base/limits.h"
#include "daemon/answers.h"
#include "daemon/policy.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

int answer_read_files(const struct control_request *request, struct arena *arena,
		      struct policy_source **ret, size_t *ret_n)
{
	const cJSON *files = wire_array(request->json, "files"), *file;
	int n = files ? cJSON_GetArraySize(files) : 0;
	struct policy_source *sources = arena_alloc(arena, (size_t)n * sizeof(*sources));
	size_t i = 0;

	if (!sources)
		return -ENOMEM;
	if (n == 0 || (size_t)n > LIMIT_POLICY_FILES)
		return -EINVAL;
	cJSON_ArrayForEach(file, files) {
		const char *name = wire_string(file, "name"), *text = wire_string(file, "text");
		if (!name || !text)
			return -EINVAL;
		sources[i++] = (struct policy_source){ name, text, strlen(text) };
	}
	*ret = sources;
	*ret_n = i;
	return 0;
}

int answer_check_texts(struct daemon *d, const struct answer_texts *texts, struct arena *arena,
		       cJSON **ret)
{
	const struct policy *policy = NULL;
	struct diag_list diags;

	diag_init(&diags, arena);
	int r = policy_parse(texts->sources, texts->n, arena, &diags, &policy);
	if (r == 0)
		r = policy_admit(d, policy, clock_epoch_s(), &diags);
	if (r == POLICY_E_INVALID)
		return answer_invalid(&diags, ret);
	return r < 0 ? r : answer_changes(d, policy, arena, ret);
}

static bool is_in_force(const struct daemon *d)
{
	return d->committed && d->committed->policy == d->wanted;
}

/* Without the waits between the tries: somebody waits for the answer. *given_up: the kernel refuses
 * what was wanted, and that is not wanted any more. */
static int try_now(struct daemon *d, bool *given_up)
{
	uint64_t before = d->n_given_up;
	int r = 0;

	for (unsigned int i = 0; i < PLAN_TRIES && r == 0; i++) {
		uint64_t failures = d->n_failures;
		reconcile_note(d, PLAN_POLICY);
		r = reconcile_run(d);
		if (d->n_failures == failures || d->n_given_up != before)
			break;
	}
	*given_up = d->n_given_up != before;
	return r;
}

/* It is wanted all the same. */
static int answer_later(const struct daemon *d, uint64_t failures, cJSON **ret)
{
	if (d->n_failures != failures)
		return answer_error(wire_new_error(WIRE_INTERNAL,
						   "the policy is valid, but the kernel refuses "
						   "it: %s; netd tries again",
						   d->last_error.text),
				    ret);
	return answer_error(wire_new_error(WIRE_UNAVAILABLE,
					   "the policy is taken, and comes into force when netd "
					   "has read Docker; until then the rules of before hold"),
			    ret);
}

/* Takes effect before the answer: the caller may rely on it. */
static int commit_now(struct daemon *d, bool *given_up, cJSON **ret)
{
	uint64_t failures = d->n_failures;
	int r = try_now(d, given_up);

	if (r < 0)
		return r;
	if (*given_up)
		return answer_error(wire_new_error(WIRE_INTERNAL,
						   "the policy is valid, but the kernel refuses "
						   "it: %s; what was in force before stays",
						   d->last_error.text),
				    ret);
	if (!is_in_force(d))
		return answer_later(d, failures, ret);
	cJSON *report = cJSON_CreateObject();
	char digest[HASH_TEXT_LEN];
	if (!report)
		return -ENOMEM;
	(void)hash_format(d->wanted->digest, digest);
	r = wire_add_number(report, "generation", (double)d->history.in_force);
	if (r == 0)
		r = wire_add_string(report, "digest", digest);
	if (r == 0)
		r = wire_add_string(report, "policy_path", d->options->policy);
	if (r == 0)
		r = wire_add_bool(report, "confirm_pending", d->previous != NULL);
	if (r < 0) {
		cJSON_Delete(report);
		return r;
	}
	return answer_report(WIRE_OK, report, ret);
}

/* What waits for confirm is confirmed, or another change takes its place. */
static int end_wait(struct daemon *d, struct policy_set *previous)
{
	policy_forget(d, previous);
	return loop_disarm(d->confirm);
}

static int begin_wait(struct daemon *d, double seconds)
{
	d->confirm_until = clock_epoch_s() + (int64_t)seconds;
	return loop_arm(d->confirm, (uint64_t)(seconds * 1000000));
}

/* A day: a confirm that comes later than that was not waited for. */
bool answer_is_confirm_time(const struct control_request *request)
{
	const double longest_s = 86400;
	double confirm_s = wire_number(request->json, "confirm_s", 0);

	return confirm_s >= 0 && confirm_s <= longest_s;
}

int answer_put_into_force(struct daemon *d, const struct control_request *request,
			  const struct answer_texts *texts, struct arena *arena, cJSON **ret)
{
	double confirm_s = wire_number(request->json, "confirm_s", 0);
	struct policy_origin origin = {
		.author = { .by = texts->by, .uid = request->peer.uid, .of = texts->of },
		.admitted = true
	};
	struct policy_set *kept = d->previous;
	char text[HISTORY_AUTHOR_LEN];
	struct diag_list diags;
	bool given_up = false;

	host_user_name(request->peer.uid, origin.author.user, sizeof(origin.author.user));
	origin.text = history_author_text(&origin.author, text);
	diag_init(&diags, arena);
	int r = policy_take(d, texts->sources, texts->n, &origin, &diags);
	if (r != 0)
		return r < 0 ? r : answer_invalid(&diags, ret);
	/* An apply that waits for confirm already keeps the policy to go back to. */
	struct policy_set *in_force = d->committed ? d->committed->policy : d->fallback;
	d->previous = confirm_s <= 0 ? NULL : kept ? kept : in_force;
	/* Before the first commit it is the fallback too, which that commit forgets. */
	d->held = kept;
	reconcile_note(d, PLAN_ON);
	r = commit_now(d, &given_up, ret);
	d->held = NULL;
	if (r < 0 || given_up) {
		d->previous = kept;
		return r;
	}
	d->staged.applied = false; /* another one is in force now */
	return confirm_s > 0 ? begin_wait(d, confirm_s) : end_wait(d, kept);
}

/* What it is to be, from what is expected to be in force. */
static int read_apply(const struct daemon *d, const struct control_request *request,
		      struct arena *arena, struct answer_texts *texts, cJSON **ret)
{
	struct policy_source *sources = NULL;
	int r = answer_expect_policy(d, request, ret);

	if (r < 0 || *ret)
		return r;
	r = answer_read_files(request, arena, &sources, &texts->n);
	if (r == -EINVAL || !answer_is_confirm_time(request))
		return answer_error(wire_new_error(WIRE_USAGE, "apply needs files with name and "
							       "text; confirm_s is 1 to 86400"),
				    ret);
	texts->by = HISTORY_BY_APPLY;
	texts->sources = sources;
	return r;
}

static int read_rollback(struct daemon *d, const struct control_request *request,
			 struct arena *arena, struct answer_texts *texts, cJSON **ret)
{
	struct kept_policy kept = { 0 };

	if (!answer_is_confirm_time(request))
		return answer_error(wire_new_error(WIRE_USAGE, "confirm_s is 1 to 86400"), ret);
	int r = answer_expect_policy(d, request, ret);
	if (r == 0 && !*ret)
		r = answer_find_kept(d, request, arena, &kept, ret);
	if (r < 0 || *ret)
		return r;
	cJSON_Delete(kept.root);
	*texts = (struct answer_texts){ kept.record.sources, kept.record.n_sources,
					HISTORY_BY_ROLLBACK, kept.record.entry.generation };
	return 0;
}

int answer_apply_check(struct daemon *d, const struct control_request *request, struct arena *arena,
		       cJSON **ret)
{
	struct answer_texts texts = { 0 };
	int r = read_apply(d, request, arena, &texts, ret);

	return r < 0 || *ret ? r : answer_check_texts(d, &texts, arena, ret);
}

int answer_apply(struct daemon *d, const struct control_request *request, struct arena *arena,
		 cJSON **ret)
{
	struct answer_texts texts = { 0 };
	int r = read_apply(d, request, arena, &texts, ret);

	return r < 0 || *ret ? r : answer_put_into_force(d, request, &texts, arena, ret);
}

int answer_rollback_check(struct daemon *d, const struct control_request *request,
			  struct arena *arena, cJSON **ret)
{
	struct answer_texts texts = { 0 };
	int r = read_rollback(d, request, arena, &texts, ret);

	return r < 0 || *ret ? r : answer_check_texts(d, &texts, arena, ret);
}

int answer_rollback(struct daemon *d, const struct control_request *request, struct arena *arena,
		    cJSON **ret)
{
	struct answer_texts texts = { 0 };
	int r = read_rollback(d, request, arena, &texts, ret);

	return r < 0 || *ret ? r : answer_put_into_force(d, request, &texts, arena, ret);
}

static int answer_nothing_waits(cJSON **ret)
{
	return answer_error(wire_new_error(WIRE_FINDING, "nothing waits for confirmation"), ret);
}

int answer_confirm_check(struct daemon *d, const struct control_request *request,
			 struct arena *arena, cJSON **ret)
{
	struct diag_list diags;

	if (!d->previous)
		return answer_nothing_waits(ret);
	diag_init(&diags, arena);
	int r = answer_expect_policy(d, request, ret);
	if (r < 0 || *ret)
		return r;
	r = policy_admit(d, d->wanted->policy, clock_epoch_s(), &diags);
	return r == POLICY_E_INVALID ? answer_invalid(&diags, ret) : r;
}

int answer_confirm(struct daemon *d, const struct control_request *request, struct arena *arena,
		   cJSON **ret)
{
	(void)arena;
	if (!d->previous) /* the time may have passed meanwhile */
		return answer_nothing_waits(ret);
	if (d->plan.off)
		return answer_not_in_force(d, ret);
	int r = answer_expect_policy(d, request, ret);
	if (r < 0 || *ret)
		return r;
	struct policy_set *previous = TAKE_PTR(d->previous);
	bool unused;
	r = end_wait(d, previous);
	staged_confirmed(d);
	history_keep(&d->history);
	if (is_in_force(d)) {
		policy_save(d);
		reconcile_keep_networks(d);
	}
	return r < 0 ? r : commit_now(d, &unused, ret);
}

/* The files were checked, and are wanted, unless they would have undone what was applied: then netd
 * is off, and what was in force before comes back. */
int answer_reload(struct daemon *d, const struct control_request *request, struct arena *arena,
		  cJSON **ret)
{
	bool unused;

	(void)request;
	(void)arena;
	reconcile_note(d, PLAN_ON);
	int r = commit_now(d, &unused, ret);
	cJSON *report = r == 0 ? cJSON_GetObjectItemCaseSensitive(*ret, "report") : NULL;
	if (report && policy_is_applied(d->wanted))
		(void)!wire_add_string(report, "applied", d->wanted->origin);
	return r;
}

/* ---- off ---- */

static int off_report(cJSON **ret)
{
	cJSON *report = cJSON_CreateObject();
	int r = report ? wire_add_bool(report, "off", true) : -ENOMEM;

	if (r < 0) {
		cJSON_Delete(report);
		return r;
	}
	return answer_report(WIRE_OK, report, ret);
}

/* The wanted policy stays wanted. */
int answer_off(struct daemon *d, const struct control_request *request, struct arena *arena,
	       cJSON **ret)
{
	(void)arena;
	int r = reconcile_off(d);
	if (r < 0)
		return answer_error(wire_new_error(WIRE_INTERNAL,
						   "the tables cannot be removed: %s; they stay in "
						   "force",
						   d->last_error.text),
				    ret);
	d->off_since = clock_epoch_s();
	ready_tell_status(d);
	log_warning(LOG_ID_OFF,
		    "netd's tables are removed, asked for by uid %u: nothing is enforced until "
		    "`netdctl reload`, `netdctl apply` or a restart",
		    request->peer.uid);
	return off_report(ret);
}
