/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/questions.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "daemon/answers.h"
#include "daemon/questions-file.h"
#include "edge/base/clock.h"
#include "edge/loop/loop.h"

/* How often who waits hears that netd is at it. */
#define TICK_US UINT64_C(1000000)
/* Of a finding that a commit may have brought about; then one more look, which is said to be that.
 */
#define TRIES 5u

struct question {
	struct question *next;
	struct daemon *d;
	const struct answer *answer;
	struct control_request request; /* what it points to lives as long as the question */
	struct beside *beside;		/* NULL: it waits for its turn */
	uint64_t since_us, n_commits;	/* when it came; when its child began */
	unsigned int tries;
	struct kernel_facts kernel; /* filled by its child, for itself */
	struct arena *facts;	    /* the child's, what the above points to; NULL in netd */
	cJSON *note;		    /* of the child, for the report of the answer; or NULL */
	cJSON *made;		    /* the answer, which waits for the state folder; or NULL */
	bool tells;		    /* whoever asked wants to hear that netd is at it */
};

static void tick_later(struct daemon *d)
{
	if (!d->questions.ticks)
		d->questions.ticks = loop_arm(d->questions.tick, TICK_US) == 0;
}

static const unsigned int places[LANE_COUNT] = {
	[LANE_SHORT] = LIMIT_SHORT_ANSWERS,
	[LANE_LONG] = LIMIT_LONG_ANSWERS,
	[LANE_CHANGE] = 1,
	[LANE_NONE] = UINT_MAX,
};

static void drop_question(struct question *question)
{
	struct question **link = &question->d->questions.first;

	while (*link && *link != question)
		link = &(*link)->next;
	if (*link)
		*link = question->next;
	if (question->beside || question->made)
		question->d->questions.under_way[question->answer->lane]--;
	cJSON_Delete(question->note);
	cJSON_Delete(question->made);
	free(question);
}

/* ---- in the child ---- */

static int ask_beside(void *userdata)
{
	struct question *question = userdata;
	struct daemon *d = question->d;

	d->questions.kernel = &question->kernel;
	question->kernel.is_last_look = question->tries > TRIES;
	if (!question->answer->ask)
		return 0;
	int r = fw_become_reader(d->fw);
	question->facts = r == 0 ? arena_new() : NULL;
	if (r == 0)
		r = question->facts ? question->answer->ask(d, question->facts, &question->kernel)
				    : -ENOMEM;
	return r;
}

static int answer_beside(void *userdata, int fd)
{
	struct question *question = userdata;
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	cJSON *answer = NULL;
	int r = arena ? 0 : -ENOMEM;

	if (r == 0)
		r = question->answer->beside(question->d, &question->request, arena, &answer);
	if (r == 0 && answer)
		r = questions_write(fd, TAKE_PTR(answer));
	cJSON_Delete(answer);
	question->facts = arena_free(question->facts);
	return r;
}

/* ---- in the loop ---- */

static void begin_what_can(struct daemon *d);

static cJSON *failure(const struct question *question, const struct beside_result *result)
{
	const char *verb = question->answer->verb;

	if (result->end == BESIDE_TOO_LATE)
		return wire_new_error(WIRE_UNAVAILABLE,
				      "%s took longer than %u s, so netd gave up; netdctl with an "
				      "inventory (netdctl inventory) takes as long as it needs",
				      verb, LIMIT_ANSWER_SECONDS);
	if (result->end == BESIDE_KILLED)
		return wire_new_error(WIRE_INTERNAL,
				      "the process that was to answer %s was killed by signal %d: "
				      "is memory short?",
				      verb, result->code);
	if (result->code == -ENOMEM)
		return wire_new_error(WIRE_INTERNAL,
				      "%s needs more memory than there is, or than %u MB", verb,
				      LIMIT_ANSWER_BYTES >> 20);
	return wire_new_error(WIRE_INTERNAL, "netd failed to answer %s: %s", verb,
			      result->end == BESIDE_DONE ? "there was no result"
							 : strerror(-result->code));
}

/* In force, but a restart would not know: it belongs to the answer. */
static void add_failure(const struct daemon *d, const cJSON *answer)
{
	cJSON *report = cJSON_GetObjectItemCaseSensitive(answer, "report");
	const char *failure = statefiles_failure(&d->state);

	if (report && *failure)
		(void)!wire_add_string(report, "state_error", failure);
}

static void add_note(const struct question *question, const cJSON *answer)
{
	cJSON *report = cJSON_GetObjectItemCaseSensitive(answer, "report"), *member;

	while (report && question->note && (member = question->note->child))
		(void)!wire_add(report, member->string,
				cJSON_DetachItemViaPointer(question->note, member));
}

/* What is in force is answered when it will be in force after a power cut too, or cannot be. What
 * is no change of a policy waits for no disk. */
static void answer_when_kept(struct question *question, cJSON *answer)
{
	struct daemon *d = question->d;

	if (answer && question->answer->lane == LANE_CHANGE && !statefiles_are_settled(&d->state)) {
		if (!question->beside)
			d->questions.under_way[question->answer->lane]++;
		question->beside = NULL;
		question->made = answer;
		return;
	}
	add_failure(d, answer);
	control_answer(d->control, question->request.token, answer);
	drop_question(question);
}

/* The question is gone after it, or waits. */
static void answer_here(struct question *question)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	cJSON *answer = NULL;
	int r = arena ? question->answer->here(question->d, &question->request, arena, &answer)
		      : -ENOMEM;

	if (r < 0)
		answer = wire_new_error(WIRE_INTERNAL, "netd failed to answer %s: %s",
					question->answer->verb, strerror(-r));
	add_note(question, answer);
	answer_when_kept(question, answer);
}

void questions_settled(void *userdata)
{
	struct daemon *d = userdata;
	struct question *question = d->questions.first;

	while (question && !question->made)
		question = question->next;
	if (!question)
		return;
	add_failure(d, question->made);
	control_answer(d->control, question->request.token, TAKE_PTR(question->made));
	d->questions.under_way[question->answer->lane]--;
	drop_question(question);
	begin_what_can(d);
}

/* There is no answer: whoever asked is told why, or netd itself. */
static void give_up(struct question *question, cJSON *error)
{
	struct daemon *d = question->d;

	if (question->answer->failed) {
		question->answer->failed(d, error ? wire_error_text(error) : "no memory");
		cJSON_Delete(error);
	} else {
		control_answer(d->control, question->request.token, error);
	}
	drop_question(question);
}

static void settle(struct question *question, struct beside_result *result)
{
	struct daemon *d = question->d;
	cJSON *aside = NULL;
	int r = questions_read_aside(result, &aside);

	if (aside)
		r = question->answer->aside(d, aside);
	cJSON_Delete(aside);
	if (r < 0)
		*result = (struct beside_result){ .end = BESIDE_FAILED, .code = r };
	bool noted = result->end == BESIDE_DONE && result->code == QUESTIONS_NOTE;
	bool silent = result->end == BESIDE_DONE && result->size == 0;

	if ((noted || silent) && question->answer->here) {
		question->note = noted ? questions_read_note(result) : NULL;
		answer_here(question);
		return;
	}
	if (result->end == BESIDE_DONE && result->size > 0) {
		control_answer_file(d->control, question->request.token, result->fd, result->size);
		drop_question(question);
	} else if (silent && question->answer->failed) {
		drop_question(question); /* it is done */
	} else {
		give_up(question, failure(question, result));
	}
}

static bool is_outdated(const struct question *question, const struct beside_result *result)
{
	return question->answer->of_now && result->end == BESIDE_DONE &&
	       result->code == QUESTIONS_FINDING && question->n_commits != question->d->n_commits &&
	       question->tries <= TRIES;
}

static void on_done(void *userdata, const struct beside_result *result)
{
	struct question *question = userdata;
	struct daemon *d = question->d;

	if (is_outdated(question, result)) {
		question->beside = NULL;
		d->questions.under_way[question->answer->lane]--;
	} else {
		struct beside_result rest = *result;
		settle(question, &rest);
	}
	begin_what_can(d);
}

static int begin(struct question *question)
{
	struct daemon *d = question->d;
	const struct beside_work work = { .ask = ask_beside,
					  .work = answer_beside,
					  .done = on_done,
					  .userdata = question,
					  .deadline_us = LIMIT_ANSWER_SECONDS * UINT64_C(1000000),
					  .memory = LIMIT_ANSWER_BYTES };

	question->tries++;
	int r = beside_begin(&d->besides, &work, &question->beside);
	if (r < 0)
		return r;
	question->n_commits = d->n_commits;
	d->questions.under_way[question->answer->lane]++;
	return 0;
}

/* Whoever asked may ask again. Of netd's own work nobody would, so it waits, which is said once. */
static void cannot_begin(struct question *question, int error)
{
	struct daemon *d = question->d;
	bool own = question->answer->failed;
	cJSON *why = wire_new_error(WIRE_UNAVAILABLE, "netd cannot start a process for %s: %s; %s",
				    question->answer->verb, strerror(-error),
				    own ? "it tries again" : "try again");

	if (!own) {
		give_up(question, why);
		return;
	}
	if (question->tries == 1)
		question->answer->failed(d, why ? wire_error_text(why) : "no memory");
	cJSON_Delete(why);
	tick_later(d);
}

static void take_turn(struct question *question)
{
	int r = question->answer->beside ? begin(question) : 0;

	if (r < 0)
		cannot_begin(question, r);
	else if (!question->answer->beside)
		answer_here(question);
}

static void begin_what_can(struct daemon *d)
{
	struct question *next;

	for (struct question *question = d->questions.first; question; question = next) {
		enum lane lane = question->answer->lane;
		next = question->next;
		if (!question->beside && !question->made &&
		    d->questions.under_way[lane] < places[lane])
			take_turn(question);
	}
}

static int put_last(struct daemon *d, const struct answer *answer,
		    const struct control_request *request)
{
	struct question *question = calloc(1, sizeof(*question)), **last = &d->questions.first;

	if (!question)
		return -ENOMEM;
	*question = (struct question){ .d = d,
				       .answer = answer,
				       .request = *request,
				       .since_us = clock_monotonic_us(),
				       .tells = request->json &&
						wire_bool(request->json, "progress", false) };
	while (*last)
		last = &(*last)->next;
	*last = question;
	if (question->tells)
		tick_later(d);
	begin_what_can(d);
	return 0;
}

int questions_ask(struct daemon *d, const struct answer *answer,
		  const struct control_request *request)
{
	int r = put_last(d, answer, request);

	return r < 0 ? r : CONTROL_LATER;
}

int questions_do(struct daemon *d, const struct answer *work)
{
	const struct control_request nobody = { 0 };

	for (const struct question *question = d->questions.first; question;
	     question = question->next)
		if (question->answer == work && !question->beside && !question->made)
			return 0;
	return put_last(d, work, &nobody);
}

void questions_gone(uint64_t token, void *userdata)
{
	struct daemon *d = userdata;
	struct question *question = d->questions.first;

	while (question && question->request.token != token)
		question = question->next;
	if (!question)
		return;
	beside_end(question->beside);
	drop_question(question);
	begin_what_can(d);
}

/* ---- progress ---- */

/* How many of its lane are before it and not done. */
static unsigned int count_questions_before(const struct question *question)
{
	unsigned int n = 0;

	for (const struct question *q = question->d->questions.first; q && q != question;
	     q = q->next)
		n += q->answer->lane == question->answer->lane;
	return n;
}

static cJSON *progress(const struct question *question, uint64_t now_us)
{
	cJSON *message = wire_new_answer(WIRE_WORKING);
	double seconds = (double)((now_us - question->since_us) / 1000000);

	if (message && (wire_add_number(message, "seconds", seconds) < 0 ||
			wire_add_bool(message, "begun", question->beside || question->made) < 0 ||
			wire_add_number(message, "before", count_questions_before(question)) < 0)) {
		cJSON_Delete(message);
		return NULL;
	}
	return message;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;
	uint64_t now = clock_monotonic_us();

	(void)source;
	(void)usec;
	d->questions.ticks = false;
	begin_what_can(d);
	for (const struct question *question = d->questions.first; question;
	     question = question->next) {
		if (!question->tells)
			continue;
		control_tell(d->control, question->request.token, progress(question, now));
		tick_later(d);
	}
	return 0;
}

/* ---- life ---- */

int questions_start(struct daemon *d)
{
	const struct loop_timer tick = { "progress", SD_EVENT_PRIORITY_NORMAL, on_tick, d };

	return loop_add_timer(d->loop, &tick, &d->questions.tick);
}

void questions_done(struct daemon *d)
{
	while (d->questions.first)
		drop_question(d->questions.first);
	d->questions.tick = sd_event_source_disable_unref(d->questions.tick);
}
