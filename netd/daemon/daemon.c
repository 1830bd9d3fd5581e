/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start and stop order, and what each source of facts leads to. Handlers only note facts; the post
 * source, when nothing else is pending, reconciles (wakes.c). */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "core/world/world-store.h"
#include "edge/base/clock.h"
#include "edge/host/resolv-watch.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

/* ---- facts ---- */

static void on_docker_synced(void *userdata)
{
	struct daemon *d = userdata;
	struct docker_status status = docker_status(d->docker);
	struct fw_error error = { 0 };
	bool filtered = false;

	/* Only what explain says of Docker depends on it. */
	if (fw_docker_ip6(d->fw, &filtered, &error) == 0)
		world_store_set_unfiltered(d->store, IP_V6, !filtered);
	log_info(LOG_ID_DOCKER_CONNECTED, "%s%s, API %s: all networks and containers read",
		 d->options->engine == DOCKER_ENGINE_DOCKER ? "Docker " : "", status.engine_version,
		 status.api_version);
	bool is_first = !d->read_facts;
	d->read_facts = true;
	facts_note_synced(d);
	facts_changed(d);
	if (resolvers_look_again(d) == -ENOMEM)
		(void)sd_event_exit(d->loop, -ENOMEM);
	if (is_first)
		first_contact_say(d);
}

static void on_docker_change(void *userdata, const char *why)
{
	(void)why;
	facts_changed(userdata);
}

static void on_docker_event(void *userdata, const struct world_event *event)
{
	struct daemon *d = userdata;

	if (event->kind == WORLD_EVENT_NETWORK_CONNECT)
		latency_begin(&d->latency, d->committed, event, clock_monotonic_us());
}

static void on_docker_down(void *userdata, const char *reason)
{
	const struct daemon *d = userdata;

	if (docker_status(d->docker).is_foreign)
		log_error(LOG_ID_DOCKER_INVALID,
			  "%s; nothing that it says is believed, its containers stay closed: give "
			  "netd the socket of the engine that is meant (--docker), and its name "
			  "(--engine)",
			  reason);
	else
		log_warning(LOG_ID_DOCKER_LOST,
			    "Docker at %s; the rules stay as they are, new containers stay closed",
			    reason);
}

static void on_links_changed(void *userdata)
{
	struct daemon *d = userdata;

	if (facts_take_links(d) < 0)
		(void)sd_event_exit(d->loop, -ENOMEM);
	if (d->docker && docker_status(d->docker).link >= DOCKER_LINK_SYNCING &&
	    world_store_must_ask(d->store))
		docker_resync(d->docker, "a bridge with a container is on no network");
	facts_changed(d);
}

static void on_asker_lost(void *userdata, bool late, int status)
{
	char why[64];

	(void)userdata;
	if (late)
		(void)snprintf(why, sizeof(why), "has answered nothing for too long, and is ended");
	else if (WIFSIGNALED(status))
		(void)snprintf(why, sizeof(why), "was ended by signal %d", WTERMSIG(status));
	else
		(void)snprintf(why, sizeof(why), "has ended with code %d", WEXITSTATUS(status));
	log_warning(LOG_ID_ASKER_LOST,
		    "the process that asks the kernel who is behind new ports %s: another one is "
		    "begun, and new containers stay closed until it has answered",
		    why);
}

static void on_policy_files_changed(void *userdata)
{
	struct daemon *d = userdata;

	if (policy_follow(d) < 0)
		(void)sd_event_exit(d->loop, -ENOMEM);
}

static void tables_disturbed(struct daemon *d)
{
	d->n_disturbed++;
	reconcile_note(d, PLAN_DISTURBED);
	reconcile_soon(d);
}

static void on_tables_changed(void *userdata, const struct fw_change *change)
{
	log_warning(LOG_ID_DRIFT,
		    "process %s (%u) changed netd's tables (%s, %u objects): rewriting them",
		    change->process, change->pid, change->first, change->n);
	tables_disturbed(userdata);
}

static void on_notifications_lost(void *userdata)
{
	log_warning(LOG_ID_RESYNC, "notifications of nftables were lost: rewriting netd's tables");
	stamp_look(userdata);
	tables_disturbed(userdata);
}

static void on_secmark_rules(void *userdata)
{
	stamp_look(userdata);
	reconcile_soon(userdata);
}

/* ---- start, in order ---- */

static int check_rights(struct daemon *d)
{
	const char *missing = NULL;
	int r = host_check_capabilities(&missing);

	(void)d;
	if (r == HOST_E_MISSING) {
		log_error(LOG_ID_CAPABILITY_MISSING,
			  "%s is missing: run netd as a service (systemctl start netd), or as root",
			  missing);
		return -EPERM;
	}
	return r;
}

static int start_state(struct daemon *d)
{
	d->besides.loop = d->loop;
	d->state = (struct statefiles){ .besides = &d->besides,
					.dir = d->options->state_dir,
					.unlike = DAEMON_POLICY_FILE,
					.settled = questions_settled,
					.userdata = d };
	return statefiles_start(&d->state);
}

static int start_loop(struct daemon *d)
{
	int r = sd_event_default(&d->loop);

	if (r >= 0)
		r = sd_event_set_watchdog(d->loop, true);
	if (r >= 0)
		r = wakes_start(d);
	if (r == 0)
		r = start_state(d);
	if (r == 0)
		r = questions_start(d);
	return r < 0 ? r : stalls_start(d);
}

static int start_facts(struct daemon *d)
{
	d->store = world_store_new();
	if (!d->store)
		return -ENOMEM;
	world_store_await_reports(d->store); /* reports_start() has them read */
	int r = resolvers_refresh(d);
	return r == -ENOMEM ? r : 0; /* no resolver: nothing is `dns` */
}

/* Whom an earlier run admitted is admitted with the MAC of then: a container that may change its
 * own MAC has had the time of a restart to do so. IPv6-only endpoints are in the second set alone.
 */
static int start_ports(struct daemon *d)
{
	static const char *const guards[] = { COMPILE_GUARD4, COMPILE_GUARD6 };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct rtnl_options options = { .on_change = on_links_changed,
					.on_set = ground_on_set,
					.on_lost = on_asker_lost,
					.userdata = d };
	VEC(struct world_port) known = { 0 };
	int r = arena ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_LEN(guards) && r == 0; i++) {
		struct fw_admitted admitted;
		r = fw_read_admitted(d->fw, guards[i], arena, &admitted, &d->last_error);
		for (size_t p = 0; r == 0 && p < admitted.ports.n; p++)
			r = VEC_PUSH(arena, &known, admitted.ports.items[p]);
	}
	if (r < 0)
		return r;
	options.known = known.items;
	options.n_known = known.n;
	r = rtnl_new(d->loop, &options, &d->rtnl);
	if (r < 0)
		return r;
	return facts_take_links(d);
}

static int start_tables(struct daemon *d)
{
	struct fw_state found;
	int r = fw_open(&d->fw, &d->last_error);

	if (r == 0)
		r = fw_probe(d->fw, &found, &d->last_error);
	if (r < 0) {
		log_error(LOG_ID_COMMIT_FAILED, "%s", d->last_error.text);
		return r;
	}
	d->found_tables = found.exists[RS_INET] || found.exists[RS_BRIDGE];
	bool complete = found.exists[RS_INET] && found.exists[RS_BRIDGE];
	reconcile_note(d, complete ? PLAN_FOUND_TABLES : PLAN_FOUND_NOTHING);
	r = stamp_start(d, &found);
	if (r < 0)
		return r;
	struct fw_watch_handler handler = { .fw = d->fw,
					    .changed = on_tables_changed,
					    .lost = on_notifications_lost,
					    .secmark = on_secmark_rules,
					    .userdata = d };
	return fw_watch_new(d->loop, &handler, &d->fw_watch);
}

static int start_control(struct daemon *d)
{
	struct control_options options = { .path = d->options->socket,
					   .handler = answers_handle,
					   .gone = questions_gone,
					   .userdata = d };
	int r = control_new(d->loop, &options, &d->control);

	if (r < 0)
		log_error(LOG_ID_CONTROL_FAILED, "%s: %s%s", d->options->socket, strerror(-r),
			  r == -EADDRINUSE ? ": another netd is running" : "");
	return r;
}

static int start_docker(struct daemon *d)
{
	struct docker_options options = { .engine = d->options->engine,
					  .url = d->options->docker_url,
					  .cert_dir = d->options->docker_cert_dir,
					  .tls_verify = d->options->docker_tls_verify,
					  .inspects_all = true };
	struct docker_handler handler = { .on_synced = on_docker_synced,
					  .on_change = on_docker_change,
					  .on_event = on_docker_event,
					  .on_down = on_docker_down,
					  .userdata = d };

	if (d->options->inventory)
		return facts_load_inventory(d);
	int r = docker_new(d->loop, &options, &handler, d->store, &d->docker);
	if (r == DOCKER_E_URL) {
		log_error(LOG_ID_DOCKER_INVALID,
			  "%s is not a URL of Docker: write unix:///PATH or tcp://HOST:PORT",
			  d->options->docker_url);
		return -EINVAL;
	}
	return r;
}

static int start_watches(struct daemon *d)
{
	int r = policydir_watch_new(d->loop, d->options->policy, on_policy_files_changed, d,
				    &d->policy_watch);

	return r < 0 ? r : resolvers_watch(d);
}

/* What the state folder remembers. */
static int start_kept(struct daemon *d)
{
	facts_load_networks(d);
	history_start(&d->history, &d->state);
	int r = members_start(d);
	return r < 0 ? r : staged_start(d);
}

/* The rules come first: whatever fails after them leaves the managed networks closed. */
static int start(struct daemon *d)
{
	static int (*const steps[])(struct daemon *) = {
		check_rights, logged_hold_host, start_loop, start_facts,
		start_tables, start_ports,	start_kept, policy_start,
	};
	static int (*const later[])(struct daemon *) = {
		reconcile_run, start_control, flows_start,  logged_start,
		start_watches, reports_start, start_docker,
	};

	d->started_us = clock_monotonic_us();
	plan_init(&d->plan);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int r = steps[i](d);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		int r = later[i](d);
		if (r < 0)
			return r;
	}
	log_info(LOG_ID_STARTED, "netd %s started", NETD_VERSION);
	d->is_started = true;
	ready_tell(d);
	return 0;
}

/* Some may be one and the same. */
static void free_policies(struct daemon *d)
{
	struct policy_set *sets[] = { TAKE_PTR(d->wanted), TAKE_PTR(d->previous),
				      TAKE_PTR(d->fallback),
				      d->committed ? d->committed->policy : NULL };

	d->committed = generation_free(d->committed);
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		bool again = false;
		for (size_t k = 0; k < i; k++)
			again |= sets[k] == sets[i];
		if (!again)
			(void)policy_set_free(sets[i]);
	}
}

static void stop(struct daemon *d)
{
	sd_event_source *sources[] = { d->post,	   d->bound, d->wake,	      d->until,
				       d->confirm, d->hold,  d->stalls.timer, d->doubt };

	(void)sd_notify(0, "STOPPING=1");
	questions_done(d);
	d->control = control_free(d->control);
	flows_stop(d);
	dials_done(&d->dials);
	history_done(&d->history);
	statefiles_done(&d->state);
	reports_stop(d);
	beside_group_done(&d->besides);
	d->docker = docker_free(d->docker);
	d->policy_watch = policydir_watch_free(d->policy_watch);
	d->resolv_watch = resolv_watch_free(d->resolv_watch);
	d->nflog = nflog_free(d->nflog);
	d->fw_watch = fw_watch_free(d->fw_watch);
	d->fw = fw_free(d->fw);
	d->rtnl = rtnl_free(d->rtnl);
	d->alone = nflog_free(d->alone);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		(void)sd_event_source_disable_unref(sources[i]);
	free_policies(d);
	floor_leave(d);
	staged_done(&d->staged);
	members_done(&d->members);
	doubts_done(&d->doubts);
	d->store = world_store_free(d->store);
	d->loop = sd_event_unref(d->loop);
}

int daemon_run(const struct options *options)
{
	struct daemon d = { .options = options };
	int r = start(&d);

	if (r == 0)
		r = loop_run(d.loop, &d.stalls.watch);
	if (r < 0 && r != -EPERM)
		log_error(LOG_ID_INTERNAL, "netd is stopping: %s; the rules stay in the kernel",
			  strerror(-r));
	stop(&d);
	return r;
}
