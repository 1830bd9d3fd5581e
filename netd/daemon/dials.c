/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dials.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/sort.h"
#include "core/world/places.h"
#include "edge/host/sockets.h"
#include "edge/journal/journal.h"

/* Of the first two docker-proxy hands on what was sent: whoever called may have closed its side by
 * now. Its listening socket tells whether somebody waits there. Who has not finished the handshake
 * does not get past the rules any more. */
#define TAKEN_STATES \
	(SOCKETS_IN(TCP_ESTABLISHED) | SOCKETS_IN(TCP_CLOSE_WAIT) | SOCKETS_IN(TCP_LISTEN))
#define DIALS SOCKETS_IN(TCP_SYN_SENT)

/* A container that waits. */
struct dials_watch {
	struct arena *arena; /* its own */
	struct dials_watch *next;
	char container[WORLD_ID_LEN];
	const uint64_t *cookies; /* of what was taken, sorted */
	size_t n_cookies, n_seen;
	bool is_blind;	  /* nobody knows what was taken: it waits for as long as anybody */
	uint64_t gone_us; /* since when all of it is gone; 0: not yet */
};

static void complain(struct dials *dials, int r, const char *what)
{
	if (dials->has_complained)
		return;
	dials->has_complained = true;
	log_warning(LOG_ID_INTERNAL,
		    "the kernel does not %s: %s; this host reaches new containers with published "
		    "TCP ports up to %u s later",
		    what, strerror(-r), WORLD_HOLD_MOST_US / 1000000u);
}

/* ---- what the kernel shows ---- */

/* Of containers that are held back: what docker-proxy has taken at the host, and its dials. */
struct view {
	struct world_places at_host, inside;
	struct arena *arena;
	sockets_fn *on_taken;
	void *data;
	VEC(struct sockets_id) dials;
	bool *dialled; /* of each container: there was one */
	bool has_more; /* dials */
};

static bool is_from_elsewhere(const struct sockets_socket *one)
{
	return !ip_is_loopback(&one->peer) && ip_compare(&one->peer, &one->local) != 0;
}

/* A caller that has sent something and reset its connection leaves nothing but its place in the
 * queue of the socket that listens, and what it sent. */
static bool may_be_handed_on(const struct sockets_socket *one)
{
	return one->state == TCP_LISTEN ? one->unread > 0 : is_from_elsewhere(one);
}

static int on_dial(const struct sockets_socket *one, struct view *view)
{
	const struct world_place *place = NULL;
	bool is_one = false;

	while ((place = world_places_next(&view->inside, &one->peer, one->peer_port, place)))
		is_one = view->dialled[place->container] = true;
	if (!is_one)
		return 0;
	view->has_more |= view->dials.n == LIMIT_DIALS;
	return view->has_more ? 0 : VEC_PUSH(view->arena, &view->dials, one->id);
}

static int on_socket(const struct sockets_socket *one, void *data)
{
	struct view *view = data;

	if (one->state == TCP_SYN_SENT)
		return on_dial(one, view);
	return may_be_handed_on(one) ? view->on_taken(one, view->data) : 0;
}

static int find_places(struct view *view, const struct world *world, const bool *wanted)
{
	view->dialled = arena_alloc(view->arena, world->n_containers);
	if (!view->dialled || world_places_at_host(world, wanted, view->arena, &view->at_host) < 0)
		return -ENOMEM;
	return world_places_inside(world, wanted, view->arena, &view->inside);
}

/* In @states. Both in one question: the kernel walks through all its connections for each. 0; 1:
 * the kernel has not said all, or on_taken has enough; -ENOMEM. */
static int list(struct dials *dials, struct view *view, uint32_t states)
{
	struct world_ports ports[SOCKETS_PORTS];
	struct ip_prefix peers[WORLD_PLACES_PREFIXES];
	const struct sockets_question question = {
		.states = states,
		.ports = ports,
		.n_ports = world_places_ranges(&view->at_host, ports, SOCKETS_PORTS),
		.peers = peers,
		.n_peers = world_places_prefixes(&view->inside, peers),
	};
	int r = question.n_ports ? sockets_list(&question, on_socket, view) : 0;

	if (r < 0 && r != -ENOMEM)
		complain(dials, r, "say what docker-proxy has taken");
	return r == 0 || r == -ENOMEM ? r : 1;
}

/* 0; 1: there may be more. */
static int end_dials(struct dials *dials, const struct view *view)
{
	int r = view->dials.n ? sockets_destroy(view->dials.items, view->dials.n) : 0;

	if (r < 0)
		complain(dials, r, "end connections that docker-proxy has begun");
	return r < 0 || view->has_more ? 1 : 0;
}

/* ---- ids ---- */

struct ids {
	VEC(const char *) of;
};

static int by_text(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static void write_ids(struct ids *ids, struct world_waiting *waiting)
{
	if (ids->of.n)
		qsort(ids->of.items, ids->of.n, sizeof(*ids->of.items), by_text);
	waiting->ids = ids->of.items;
	waiting->n_ids = ids->of.n;
}

int dials_find(struct dials *dials, const struct world *world, struct arena *arena,
	       struct world_waiting *waiting)
{
	struct view view = { .arena = arena };
	struct ids ids = { 0 };
	bool *all = arena_alloc(arena, world->n_containers);

	if (!all)
		return -ENOMEM;
	memset(all, true, world->n_containers);
	if (find_places(&view, world, all) < 0 || list(dials, &view, DIALS) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_containers; i++)
		if (view.dialled[i] && VEC_PUSH(arena, &ids.of, world->containers[i].id) < 0)
			return -ENOMEM;
	/* It may not be the first time that nothing was known. */
	for (const struct dials_watch *watch = dials->first; watch; watch = watch->next)
		if (VEC_PUSH(arena, &ids.of, arena_strdup(arena, watch->container)) < 0 ||
		    !ids.of.items[ids.of.n - 1])
			return -ENOMEM;
	write_ids(&ids, waiting);
	return 0;
}

/* ---- watches ---- */

static void drop(struct dials *dials, struct dials_watch **at)
{
	struct dials_watch *watch = *at;

	*at = watch->next;
	dials->n_taken -= watch->n_cookies;
	(void)arena_free(watch->arena); /* it is in there */
}

void dials_done(struct dials *dials)
{
	while (dials->first)
		drop(dials, &dials->first);
}

static void forget(struct dials *dials, const char *container)
{
	for (struct dials_watch **at = &dials->first; *at;)
		if (strcmp((*at)->container, container) == 0)
			drop(dials, at);
		else
			at = &(*at)->next;
}

/* What is known of the containers that are closed now. */
struct taken {
	uint32_t container;
	uint64_t cookie;
};

struct taking {
	struct view view;
	const struct world_held *held;
	uint64_t now_us;
	bool *wanted;
	VEC(struct taken) of;
	size_t room;
	bool is_blind;
};

static int on_taken(const struct sockets_socket *one, void *data)
{
	struct taking *taking = data;
	const struct world_place *place = NULL;

	while ((place = world_places_next(&taking->view.at_host, &one->local, one->local_port,
					  place))) {
		const struct taken taken = { place->container, one->cookie };
		if (taking->of.n >= taking->room)
			return 1;
		if (VEC_PUSH(taking->view.arena, &taking->of, taken) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int by_container(const void *left, const void *right)
{
	const struct taken *a = left, *b = right;

	if (a->container != b->container)
		return a->container < b->container ? -1 : 1;
	return (a->cookie > b->cookie) - (a->cookie < b->cookie);
}

/* @taken: its own, sorted. */
static int add_watch(struct dials *dials, const struct taking *taking, uint32_t container,
		     const struct taken *taken, size_t n)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct dials_watch *watch = arena ? arena_alloc(arena, sizeof(*watch)) : NULL;
	uint64_t *cookies = watch ? arena_alloc(arena, n * sizeof(*cookies)) : NULL;

	if (!cookies)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		cookies[i] = taken[i].cookie;
	*watch = (struct dials_watch){
		.next = dials->first,
		.cookies = cookies,
		.n_cookies = n,
		.is_blind = taking->is_blind,
		.gone_us = n ? 0 : taking->now_us,
	};
	memcpy(watch->container, taking->held->world->containers[container].id, WORLD_ID_LEN);
	watch->arena = TAKE_PTR(arena);
	dials->first = watch;
	dials->n_taken += n;
	return 0;
}

static int add_watches(struct dials *dials, struct taking *taking)
{
	const struct world *world = taking->held->world;
	size_t n =
		sort_once(taking->of.items, taking->of.n, sizeof(*taking->of.items), by_container);

	for (size_t i = 0, next = 0; i < world->n_containers; i++) {
		const size_t first = next;
		while (next < n && taking->of.items[next].container == i)
			next++;
		if (!taking->wanted[i])
			continue;
		forget(dials, world->containers[i].id);
		if ((next > first || taking->view.dialled[i] || taking->is_blind) &&
		    add_watch(dials, taking, (uint32_t)i, taking->of.items + first, next - first) <
			    0)
			return -ENOMEM;
	}
	return 0;
}

/* Those that are published over TCP alone. How many places, or -ENOMEM. */
static int find_wanted(struct taking *taking)
{
	const struct world *world = taking->held->world;
	bool *closed = arena_alloc(taking->view.arena, world->n_containers);

	taking->wanted = arena_alloc(taking->view.arena, world->n_containers);
	if (!closed || !taking->wanted)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_containers; i++)
		closed[i] = world->containers[i].starting &&
			    taking->held->closed_since_us[i] == taking->now_us;
	if (find_places(&taking->view, world, closed) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < taking->view.at_host.of.n; i++)
		taking->wanted[taking->view.at_host.of.items[i].container] = true;
	return taking->view.at_host.of.n > 0;
}

int dials_begin(struct dials *dials, const struct world_held *held, uint64_t now_us)
{
	if (held->until_us == UINT64_MAX) /* nobody is held back: most events */
		return 0;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct taking taking = { .view = { .arena = arena, .on_taken = on_taken },
				 .held = held,
				 .now_us = now_us,
				 .room = LIMIT_TAKEN - dials->n_taken };
	int r = arena ? find_wanted(&taking) : -ENOMEM;

	if (r <= 0)
		return r;
	taking.view.data = &taking;
	r = list(dials, &taking.view, TAKEN_STATES | DIALS);
	if (r < 0)
		return r;
	taking.is_blind = r > 0;
	(void)end_dials(dials, &taking.view); /* what is left is ended with a look */
	return add_watches(dials, &taking);
}

/* ---- a look ---- */

struct looking {
	struct view view;
	struct dials_watch **watches; /* of each container, or NULL */
};

static int by_cookie(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static int on_seen(const struct sockets_socket *one, void *data)
{
	const struct looking *looking = data;
	const struct world_place *place = NULL;

	while ((place = world_places_next(&looking->view.at_host, &one->local, one->local_port,
					  place))) {
		struct dials_watch *watch = looking->watches[place->container];
		if (watch->n_cookies && bsearch(&one->cookie, watch->cookies, watch->n_cookies,
						sizeof(one->cookie), by_cookie))
			watch->n_seen++;
	}
	return 0;
}

/* Who is not held back any more, or is gone, is not watched. 0 or -ENOMEM. */
static int find_watched(struct dials *dials, const struct world *world, struct looking *looking)
{
	struct arena *arena = looking->view.arena;
	bool *wanted = arena_alloc(arena, world->n_containers);

	looking->watches = arena_alloc(arena, world->n_containers * sizeof(*looking->watches));
	if (!wanted || !looking->watches)
		return -ENOMEM;
	for (struct dials_watch **at = &dials->first; *at;) {
		size_t i = 0;
		while (i < world->n_containers &&
		       (!world->containers[i].starting ||
			strcmp(world->containers[i].id, (*at)->container) != 0))
			i++;
		if (i == world->n_containers) {
			drop(dials, at);
			continue;
		}
		(*at)->n_seen = 0;
		looking->watches[i] = *at;
		wanted[i] = true;
		at = &(*at)->next;
	}
	return find_places(&looking->view, world, wanted);
}

/* What is gone was the last that was seen: docker-proxy may have taken something from its queue,
 * and not begun its dial. So it counts for as long as it is given to run, and what it has begun
 * meanwhile has been ended with this look. */
static bool is_waiting(struct dials_watch *watch, uint64_t now_us, bool all_ended)
{
	bool is_gone = all_ended && !watch->is_blind && watch->n_seen == 0;

	if (is_gone && watch->gone_us)
		return false;
	watch->gone_us = is_gone ? now_us : 0;
	return true;
}

static int tell(struct dials *dials, uint64_t now_us, bool all_ended, struct arena *arena,
		struct world_waiting *waiting)
{
	struct ids ids = { 0 };

	for (struct dials_watch **at = &dials->first; *at;) {
		bool waits = is_waiting(*at, now_us, all_ended);
		const char *id = waits ? arena_strdup(arena, (*at)->container) : NULL;
		if (waits && (!id || VEC_PUSH(arena, &ids.of, id) < 0))
			return -ENOMEM;
		if (!waits && now_us - (*at)->gone_us >= WORLD_HOLD_US)
			drop(dials, at);
		else
			at = &(*at)->next;
	}
	write_ids(&ids, waiting);
	return 0;
}

int dials_look(struct dials *dials, const struct world_held *held, uint64_t now_us,
	       struct arena *arena, struct world_waiting *waiting)
{
	struct looking looking = { .view = { .arena = arena, .on_taken = on_seen } };

	if (!dials->first)
		return 0;
	if (find_watched(dials, held->world, &looking) < 0)
		return -ENOMEM;
	looking.view.data = &looking;
	int r = list(dials, &looking.view, TAKEN_STATES | DIALS);
	if (r < 0)
		return r;
	bool all_ended = end_dials(dials, &looking.view) == 0;
	return tell(dials, now_us, r == 0 && all_ended, arena, waiting);
}
