/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/fleet-store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "edge/etcd/etcd-client.h"
#include "edge/loop/loop.h"

/* Each of three members is asked for five seconds at most. */
#define TIMEOUT_US UINT64_C(20000000)

enum outcome {
	CONNECTS,
	COMMITS,
	ASKS,
	WAITS,
	DONE,
	CHANGED_MEANWHILE,
	UNKNOWN,
	LATE,
	STOPPED,
	NO_MEMORY
};

struct fleet_store {
	sd_event *loop;
	struct etcd_client *client;
	sd_event_source *timer;
	sd_event_source *interrupted, *terminated; /* while somebody waits; else NULL */
	bool is_stopped; /* somebody has asked for that since the first wait */
	enum outcome outcome;
	char error[256];     /* the last one; said where none of the endpoints will do */
	struct arena *arena; /* of what is asked for */
	const struct etcd_key *got;
	size_t n_got;
};

static void on_change(void *userdata, const struct etcd_answer *news)
{
	struct fleet_store *store = userdata;

	(void)news;
	if (store->outcome == WAITS ||
	    (store->outcome == CONNECTS && etcd_client_is_up(store->client)))
		store->outcome = DONE;
}

static void on_down(void *userdata, const char *reason)
{
	struct fleet_store *store = userdata;

	(void)snprintf(store->error, sizeof(store->error), "%s", reason);
	if (store->outcome == COMMITS)
		store->outcome = UNKNOWN;
}

static void on_committed(void *userdata, bool succeeded)
{
	struct fleet_store *store = userdata;

	store->outcome = succeeded ? DONE : CHANGED_MEANWHILE;
}

static void on_got(void *userdata, const struct etcd_answer *answer)
{
	struct fleet_store *store = userdata;

	store->got = etcd_copy_keys(answer->keys, answer->n_keys, store->arena);
	store->n_got = store->got ? answer->n_keys : 0;
	store->outcome = store->got ? DONE : NO_MEMORY;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fleet_store *store = userdata;

	(void)source;
	(void)usec;
	store->outcome = LATE;
	return 0;
}

struct fleet_store *fleet_store_close(struct fleet_store *store)
{
	if (!store)
		return NULL;
	(void)etcd_client_free(store->client);
	(void)sd_event_source_disable_unref(store->timer);
	(void)sd_event_source_disable_unref(store->interrupted);
	(void)sd_event_source_disable_unref(store->terminated);
	(void)sd_event_unref(store->loop);
	free(store);
	return NULL;
}

void fleet_store_closep(struct fleet_store **store)
{
	*store = fleet_store_close(*store);
}

const struct etcd_mirror *fleet_store_keys(const struct fleet_store *store)
{
	return etcd_client_mirror(store->client);
}

/* Until it is not @waiting any more. */
static int run(struct fleet_store *store, enum outcome waiting)
{
	store->outcome = waiting;
	int r = loop_arm(store->timer, TIMEOUT_US);
	while (r >= 0 && store->outcome == waiting)
		r = sd_event_run(store->loop, UINT64_MAX);
	if (r < 0 || store->outcome == NO_MEMORY)
		return ctl_out_of_memory();
	if (store->outcome == LATE) {
		ctl_complain("the store cannot be asked: %s",
			     *store->error ? store->error : "no answer in time");
		return CTL_UNREACHABLE;
	}
	if (store->outcome == UNKNOWN) {
		ctl_complain("the store has not answered, so nobody knows whether it has written: "
			     "look at `netdctl fleet history` (%s)",
			     store->error);
		return CTL_UNREACHABLE;
	}
	return store->outcome == DONE ? CTL_OK : CTL_FINDING;
}

static int set_up(struct fleet_store *store, const struct fleet_conf *conf, struct arena *arena)
{
	const struct loop_timer timer = { "late", 0, on_late, store };
	struct etcd_client_options options = fleet_conf_client(conf);
	const struct etcd_client_handler handler = { .on_change = on_change,
						     .on_down = on_down,
						     .userdata = store };
	int r = sd_event_new(&store->loop);

	/* All but inventories, which are large. '0' follows '/'. */
	options.first = arena_printf(arena, "%s/", conf->prefix);
	options.end = arena_printf(arena, "%s/revisions0", conf->prefix);
	if (!options.first || !options.end)
		return -ENOMEM;
	if (r >= 0)
		r = loop_add_timer(store->loop, &timer, &store->timer);
	if (r == 0)
		r = etcd_client_new(store->loop, &options, &handler, &store->client);
	return r;
}

int fleet_store_open(const struct fleet_conf *conf, struct arena *arena, struct fleet_store **ret)
{
	CLEANUP(fleet_store_closep) struct fleet_store *store = calloc(1, sizeof(*store));
	int r = store ? set_up(store, conf, arena) : -ENOMEM;

	if (r != 0) {
		ctl_complain("the store cannot be asked: %s",
			     r < 0 ? strerror(-r)
				   : "an endpoint is not of the form https://HOST:PORT");
		return r < 0 ? CTL_UNREACHABLE : CTL_USAGE;
	}
	int status = run(store, CONNECTS);
	if (status == CTL_OK)
		*ret = TAKE_PTR(store);
	return status;
}

int fleet_store_commit(struct fleet_store *store, const struct etcd_txn *txn)
{
	int r = etcd_client_commit(store->client, txn, on_committed);

	if (r < 0) {
		ctl_complain("the store cannot be asked: %s", strerror(-r));
		return CTL_UNREACHABLE;
	}
	return run(store, COMMITS);
}

int fleet_store_get(struct fleet_store *store, const struct fleet_range *range, struct arena *arena,
		    const struct etcd_key **ret, size_t *ret_n)
{
	store->arena = arena;
	int r = etcd_client_get(store->client, range->first, range->end, on_got);

	if (r < 0)
		return ctl_out_of_memory();
	int status = run(store, ASKS);
	*ret = store->got;
	*ret_n = store->n_got;
	return status;
}

/* ---- waiting ---- */

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct fleet_store *store = userdata;

	(void)source;
	(void)info;
	store->is_stopped = true;
	if (store->outcome == WAITS)
		store->outcome = STOPPED;
	return 0;
}

int fleet_store_take_signals(struct fleet_store *store)
{
	sigset_t set;
	int r = 0;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	r = sd_event_add_signal(store->loop, &store->interrupted, SIGINT, on_signal, store);
	if (r >= 0)
		r = sd_event_add_signal(store->loop, &store->terminated, SIGTERM, on_signal, store);
	return r < 0 ? r : 0;
}

enum fleet_store_waited fleet_store_wait(struct fleet_store *store, uint64_t us)
{
	int r = loop_arm(store->timer, us);

	store->outcome = store->is_stopped ? STOPPED : WAITS;
	while (r >= 0 && store->outcome == WAITS)
		r = sd_event_run(store->loop, UINT64_MAX);
	if (store->outcome == STOPPED)
		return FLEET_STORE_STOPPED;
	return store->outcome == DONE ? FLEET_STORE_CHANGED : FLEET_STORE_SILENT;
}
