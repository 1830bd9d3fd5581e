/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/flows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/limits.h"
#include "core/world/world-store.h"
#include "daemon/daemon.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

#define SAID_AGAIN_AFTER_US UINT64_C(60000000)
/* Addresses of the host are asked for with one netlink dump; they seldom change. Before Linux 6.9
 * it waits for rtnetlink's lock (edge/rtnl/asker.h). */
#define HOST_AGAIN_AFTER_US UINT64_C(10000000)
/* Where no policy is in force, the facts are copied for the index: not more often than that. */
#define FACTS_AGAIN_AFTER_US UINT64_C(1000000)

/* ---- whose an address is ---- */

void flows_forget_whom(struct flows *flows)
{
	flows->whom_arena = arena_free(flows->whom_arena);
	flows->whom = NULL;
}

static bool is_current(const struct daemon *d)
{
	const struct flows *flows = &d->flows;

	if (!flows->whom || d->committed)
		return flows->whom;
	return !flows->facts_changed ||
	       clock_monotonic_us() - flows->whom_us < FACTS_AGAIN_AFTER_US;
}

static bool same_addresses(const struct host_addresses *a, const struct host_addresses *b)
{
	bool same = a->addrs.n == b->addrs.n;

	for (size_t i = 0; same && i < a->addrs.n; i++)
		same = ip_compare(&a->addrs.items[i], &b->addrs.items[i]) == 0;
	return same;
}

/* Addresses come and go without a commit. Those that cannot be read are as they were. */
static bool has_host_changed(struct flows *flows)
{
	uint64_t now = clock_monotonic_us();
	struct host_addresses host = { 0 };

	if (flows->host_us && now - flows->host_us < HOST_AGAIN_AFTER_US)
		return false;
	flows->host_us = now;
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	if (!arena || host_addresses(arena, &host) < 0 || same_addresses(&host, &flows->host))
		return false;
	(void)arena_free(flows->host_arena);
	flows->host_arena = TAKE_PTR(arena);
	flows->host = host;
	return true;
}

static int make_whom(struct daemon *d)
{
	struct flows *flows = &d->flows;
	const struct generation *generation = d->committed;
	struct flow_facts facts = { 0 };
	int r = 0;

	flows_forget_whom(flows);
	flows->whom_us = clock_monotonic_us();
	flows->whom_arena = arena_new();
	if (!flows->whom_arena)
		return -ENOMEM;
	if (generation) {
		facts.world = generation->world;
		facts.policy = generation->policy->policy;
		facts.compiled = &generation->compiled;
	} else {
		r = world_store_snapshot(d->store, flows->whom_arena, &facts.world);
	}
	facts.host = flows->host.addrs.items;
	facts.n_host = flows->host.addrs.n;
	if (r == 0)
		r = flow_whom_new(&facts, flows->whom_arena, &flows->whom);
	if (r < 0) {
		flows_forget_whom(flows);
		return r;
	}
	flows->facts_changed = false;
	return 0;
}

/* NULL: there is no memory for it. */
static const struct flow_whom *whom_now(struct daemon *d)
{
	bool is_other_host = has_host_changed(&d->flows);

	if ((is_other_host || !is_current(d)) && make_whom(d) < 0)
		return NULL;
	return d->flows.whom;
}

/* ---- what was seen ---- */

static void say_lost(struct flows *flows)
{
	uint64_t now = clock_monotonic_us();

	if (flows->lost_said_us && now - flows->lost_said_us < SAID_AGAIN_AFTER_US)
		return;
	flows->lost_said_us = now;
	log_warning(LOG_ID_FLOWS_INCOMPLETE,
		    "new connections came faster than netd reads them: some are not in `netdctl "
		    "flows`; what is enforced does not depend on it");
}

static void on_lost(void *userdata)
{
	struct daemon *d = userdata;

	d->flows.lost_events++;
	say_lost(&d->flows);
}

static void note(struct daemon *d, const struct flow *flow)
{
	if (flow_store_note(d->flows.store, flow, clock_epoch_s()) < 0)
		on_lost(d);
}

static void count_passed(struct metrics_pairs *passed, const struct flow_whom *whom,
			 const struct flow *flow)
{
	static const struct logged connection = { .kind = LOGGED_ALLOWED, .reason = REASON_NONE };
	size_t place = pairs_find(passed, flow_whom_group(whom, &flow->from),
				  flow_whom_group(whom, &flow->to), &connection);

	pairs_count(passed, place, &connection);
}

static void on_connection(void *userdata, const struct conntrack_connection *connection)
{
	struct daemon *d = userdata;
	const struct flow_whom *whom = whom_now(d);
	const struct flow_tuple tuple = { .from = connection->original.source,
					  .sent_to = connection->original.destination,
					  .to = connection->reply.source,
					  .sent_port = connection->original.destination_port,
					  .port = connection->reply.source_port,
					  .proto = connection->original.proto };
	struct flow flow;

	if (!whom) {
		on_lost(d);
	} else if (flow_whom_tuple(whom, &tuple, &flow)) {
		note(d, &flow);
		count_passed(&d->flows.passed, whom, &flow);
	}
}

void flows_note_lost(struct daemon *d, uint32_t n)
{
	d->flows.lost_messages += n;
}

void flows_note_staged(struct flows *flows, int64_t at)
{
	flows->staged = at;
	if (flows->store)
		flow_store_stage(flows->store);
}

static struct flow_end logged_end(struct daemon *d, const struct flow_whom *whom,
				  const struct nflog_packet *packet, bool source)
{
	const struct ip_addr *addr = source ? &packet->from : &packet->to;
	struct denied_end end = denials_end(packet, source, d->committed);

	if (end.endpoint != SIZE_MAX)
		return flow_whom_endpoint(whom, (uint32_t)end.endpoint, addr);
	return end.is_host ? flow_end_at(FLOW_HOST, addr) : flow_whom_at(whom, addr);
}

/* A packet of the answering side, of a connection that was let begin and is denied now, or would
 * be: it belongs to the flow that began it. Of the first connection of a flow the packet that began
 * it was logged before. */
static void turn_answer(const struct daemon *d, const struct flow_whom *whom,
			const struct nflog_packet *packet, struct flow *flow)
{
	const struct flow_store *store = d->flows.store;
	struct flow turned = *flow;

	turned.from = flow->to;
	turned.to = flow->from;
	turned.port = packet->from_port;
	if (packet->has_port &&
	    (flow_store_has(store, &turned) || flow_whom_passed(whom, store, &turned)))
		*flow = turned;
}

void flows_note_logged(struct daemon *d, const struct nflog_packet *packet,
		       const struct logged *logged)
{
	enum { ETHER_IP4 = 0x0800, ETHER_IP6 = 0x86dd };
	char place[NFLOG_PREFIX_LEN];
	const struct flow_whom *whom = d->flows.store ? whom_now(d) : NULL;

	/* What is allowed and logged is a new connection as well. */
	if (!whom || logged->kind == LOGGED_ALLOWED)
		return;
	(void)snprintf(place, sizeof(place), "%.*s", (int)logged->place_len, logged->place);
	struct flow flow = { .from = logged_end(d, whom, packet, true),
			     .to = logged_end(d, whom, packet, false),
			     .proto = packet->proto,
			     .port = packet->has_port ? packet->to_port : 0,
			     .verdict = logged->kind == LOGGED_DENIED ? FLOW_DENIED : FLOW_AUDITED,
			     .reason = logged->reason,
			     .place = place,
			     .count = 1 };
	if (packet->bridged && packet->ether_type != ETHER_IP4 && packet->ether_type != ETHER_IP6)
		flow.ether_type = packet->ether_type;
	turn_answer(d, whom, packet, &flow);
	note(d, &flow);
}

/* ---- life ---- */

static int begin_to_listen(struct daemon *d)
{
	const struct conntrack_options options = { .priority = SD_EVENT_PRIORITY_IDLE + 1,
						   .on_connection = on_connection,
						   .on_lost = on_lost,
						   .userdata = d };
	int r = conntrack_new(d->loop, &options, &d->flows.conntrack);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		log_warning(LOG_ID_FLOWS_INCOMPLETE,
			    "this kernel does not tell of new connections (%s): `netdctl flows` "
			    "shows what is denied alone",
			    strerror(-r));
	return 0;
}

int flows_start(struct daemon *d)
{
	struct flows *flows = &d->flows;
	uint64_t seed = 0;

	if (!d->options->flows)
		return 0;
	/* Before the kernel has collected enough for a seed there is nobody who could know one. */
	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	flows->store = flow_store_new(seed);
	if (!flows->store)
		return -ENOMEM;
	flows->since = clock_epoch_s();
	int r = flows_kept_start(d);
	return r < 0 ? r : begin_to_listen(d);
}

void flows_stop(struct daemon *d)
{
	struct flows *flows = &d->flows;

	flows->conntrack = conntrack_free(flows->conntrack);
	flows_kept_stop(d);
	flows_forget_whom(flows);
	flows->host_arena = arena_free(flows->host_arena);
	flows->store = flow_store_free(flows->store);
}
