/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows: records in one array, found by what makes them distinct, and in a list by when they
 * were seen last, which no clock decides. */
#include <errno.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/flow/ends.h"
#include "core/flow/flow.h"
#include "core/flow/fold.h"
#include "core/flow/key.h"

#define BUCKETS 65536u
#define NONE 0u /* record 0 is nobody's */

struct flow_record {
	uint64_t count, staged;
	struct flow_key key;
	uint32_t hash : 31, stands_for_port : 1; /* the latter: is_first_of_port() */
	uint32_t next, newer, older;
	uint32_t first, last; /* seconds since the epoch, until the year 2106 */
};

struct flow_store {
	uint64_t seed;
	struct flow_record *records;
	uint32_t n, limit, free; /* free: linked by next */
	uint32_t newest, oldest;
	size_t kept;
	uint64_t noted, pushed_out;
	struct flow_ends ends;
	struct flow_fold fold;
	uint32_t buckets[BUCKETS];
};

/* From the seed on; then every bit of it counts for every other one. */
static uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	uint64_t h = hash_add(seed, bytes, len);

	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 33;
}

static uint32_t hash_key(const struct flow_store *store, const struct flow_key *key)
{
	return (uint32_t)hash_bytes(store->seed, key, sizeof(*key)) & UINT32_MAX >> 1;
}

static uint32_t find(const struct flow_store *store, const struct flow_key *key)
{
	uint32_t hash = hash_key(store, key), i = store->buckets[hash % BUCKETS];

	while (i && (store->records[i].hash != hash ||
		     memcmp(&store->records[i].key, key, sizeof(*key)) != 0))
		i = store->records[i].next;
	return i;
}

/* ---- the list ---- */

static void take_from_list(struct flow_store *store, uint32_t i)
{
	const struct flow_record *record = &store->records[i];

	*(record->newer ? &store->records[record->newer].older : &store->newest) = record->older;
	*(record->older ? &store->records[record->older].newer : &store->oldest) = record->newer;
}

static void put_newest(struct flow_store *store, uint32_t i)
{
	struct flow_record *record = &store->records[i];

	record->newer = NONE;
	record->older = store->newest;
	*(store->newest ? &store->records[store->newest].newer : &store->oldest) = i;
	store->newest = i;
}

static void put_oldest(struct flow_store *store, uint32_t i)
{
	struct flow_record *record = &store->records[i];

	record->older = NONE;
	record->newer = store->oldest;
	*(store->oldest ? &store->records[store->oldest].older : &store->newest) = i;
	store->oldest = i;
}

/* ---- what is folded ---- */

enum level { EXACT = 1, PREFIX };

/* All that differ in the address at that end alone. */
static uint64_t peers_kind(const struct flow_store *store, const struct flow_key *key, size_t end,
			   enum level level)
{
	struct flow_key kind = *key;
	uint8_t mark[2] = { (uint8_t)level, (uint8_t)end };

	flow_key_widen_to_zone(&kind, end);
	return hash_bytes(hash_bytes(store->seed, &kind, sizeof(kind)), mark, sizeof(mark));
}

/* All with that port, of whoever is in one zone; @every_port: with any port. */
static uint64_t port_kind(const struct flow_store *store, const struct flow_key *key,
			  bool every_port)
{
	struct flow_key kind = *key;

	for (size_t end = 0; end < 2; end++)
		if (flow_key_has_address(&kind, end))
			flow_key_widen_to_zone(&kind, end);
	kind.folded = FLOW_FOLDED_PORT;
	if (every_port)
		kind.port = kind.host_port = 0;
	return hash_bytes(store->seed, &kind, sizeof(kind));
}

/* What a record counts in; what is folded already, in nothing. */
static void count_kinds(struct flow_store *store, const struct flow_record *record,
			void (*count)(struct flow_fold *, uint64_t))
{
	const struct flow_key *key = &record->key;

	if (key->port)
		count(&store->fold, port_kind(store, key, false));
	if (record->stands_for_port)
		count(&store->fold, port_kind(store, key, true));
	for (size_t end = 0; end < 2; end++)
		if (flow_key_has_address(key, end) && key->lens[end])
			count(&store->fold,
			      peers_kind(store, key, end, flow_key_is_exact(key, end) ? EXACT : PREFIX));
}

/* Ports are counted, not those who try them: the record that comes first with a port stands for it,
 * for as long as it is kept. The counters are not asked again when it goes: they may hold another
 * kind by then, and what is taken off must be what was put on. */
static bool is_first_of_port(const struct flow_store *store, const struct flow_key *key)
{
	return key->port && flow_fold_count(&store->fold, port_kind(store, key, false)) == 0;
}

static bool has_room(const struct flow_store *store, const struct flow_key *key, size_t end,
		     enum level level)
{
	return flow_fold_count(&store->fold, peers_kind(store, key, end, level)) < LIMIT_FLOW_PEERS;
}

/* @key is new: as it is kept, which may be another one that is kept already. */
static uint32_t fold(const struct flow_store *store, struct flow_key *key)
{
	if (is_first_of_port(store, key) &&
	    flow_fold_count(&store->fold, port_kind(store, key, true)) >= LIMIT_FLOW_PORTS) {
		key->port = key->host_port = 0;
		key->folded |= FLOW_FOLDED_PORT;
	}
	for (size_t end = 0; end < 2 && !find(store, key); end++) {
		if (!flow_key_has_address(key, end) || has_room(store, key, end, EXACT))
			continue;
		flow_key_widen_to_prefix(key, end);
		if (!find(store, key) && !has_room(store, key, end, PREFIX))
			flow_key_widen_to_zone(key, end);
	}
	return find(store, key);
}

/* ---- records ---- */

static void unlink_bucket(struct flow_store *store, uint32_t i)
{
	uint32_t *link = &store->buckets[store->records[i].hash % BUCKETS];

	while (*link != i)
		link = &store->records[*link].next;
	*link = store->records[i].next;
}

static void drop_key(struct flow_store *store, const struct flow_key *key)
{
	flow_ends_drop(&store->ends, key->from);
	flow_ends_drop(&store->ends, key->to);
	flow_texts_drop(&store->ends.texts, key->place);
}

static void push_out(struct flow_store *store)
{
	uint32_t i = store->oldest;

	take_from_list(store, i);
	unlink_bucket(store, i);
	count_kinds(store, &store->records[i], flow_fold_remove);
	drop_key(store, &store->records[i].key);
	store->records[i].next = store->free;
	store->free = i;
	store->kept--;
	store->pushed_out++;
}

static uint32_t find_room(struct flow_store *store)
{
	while (store->kept >= store->limit)
		push_out(store);
	uint32_t i = store->free;
	if (i)
		store->free = store->records[i].next;
	else
		i = ++store->n;
	store->kept++;
	return i;
}

/* Takes the references of @key. */
static uint32_t add(struct flow_store *store, const struct flow_key *key)
{
	uint32_t i = find_room(store), hash = hash_key(store, key);
	struct flow_record *record = &store->records[i];

	*record = (struct flow_record){ .key = *key,
					.hash = hash & UINT32_MAX >> 1,
					.stands_for_port = is_first_of_port(store, key),
					.next = store->buckets[hash % BUCKETS] };
	store->buckets[hash % BUCKETS] = i;
	count_kinds(store, record, flow_fold_add);
	return i;
}

/* ---- references ---- */

/* Where too many containers are known, the least recent flows go until one of them is forgotten. */
static int take_end(struct flow_store *store, const struct flow_end *end, uint32_t *ret)
{
	int r = end->kind == FLOW_CONTAINER ? flow_ends_take(&store->ends, end, ret) : 0;

	while (r == -ENOSPC && store->oldest) {
		push_out(store);
		r = flow_ends_take(&store->ends, end, ret);
	}
	return r == -ENOSPC ? -ENOMEM : r;
}

static int take_key(struct flow_store *store, const struct flow *flow, struct flow_key *ret)
{
	struct flow_key key = flow_key_of(flow);
	int r = take_end(store, &flow->from, &key.from);

	if (r == 0)
		r = take_end(store, &flow->to, &key.to);
	if (r == 0)
		r = flow_texts_take(&store->ends.texts, flow->place, &key.place);
	if (r < 0)
		drop_key(store, &key);
	else
		*ret = key;
	return r;
}

/* The first moment that a text can say: a machine without a clock begins in 1970. */
#define YEAR_2000 INT64_C(946684800)

static uint32_t to_seconds(int64_t now)
{
	return (uint32_t)(now < YEAR_2000 ? YEAR_2000 : now > UINT32_MAX ? UINT32_MAX : now);
}

static void count(struct flow_record *record, const struct flow *flow)
{
	uint32_t first = to_seconds(flow->first), last = to_seconds(flow->last);

	record->first = record->count && record->first < first ? record->first : first;
	record->last = record->last > last ? record->last : last;
	record->count += flow->count;
	record->staged += flow->since_staged;
}

int flow_store_note(struct flow_store *store, const struct flow *flow, int64_t now)
{
	struct flow noted = *flow;
	struct flow_key key;
	int r = take_key(store, flow, &key);

	if (r < 0)
		return r;
	noted.first = noted.last = now;
	noted.since_staged = flow->count;
	uint32_t i = find(store, &key);
	if (!i)
		i = fold(store, &key);
	if (i) {
		drop_key(store, &key); /* the record has its own */
		take_from_list(store, i);
	} else {
		i = add(store, &key);
	}
	put_newest(store, i);
	count(&store->records[i], &noted);
	store->noted++;
	return 0;
}

int flow_store_restore(struct flow_store *store, const struct flow *flow)
{
	struct flow_key key;

	if (store->kept >= store->limit)
		return 0; /* all that are kept are newer */
	int r = take_key(store, flow, &key);
	if (r < 0)
		return r;
	uint32_t i = find(store, &key);
	if (i) {
		drop_key(store, &key);
	} else {
		i = add(store, &key);
		put_oldest(store, i);
	}
	count(&store->records[i], flow);
	store->noted++;
	return 0;
}

bool flow_store_has(const struct flow_store *store, const struct flow *flow)
{
	struct flow_key key = flow_key_of(flow);
	bool known = true;

	key.place = *flow->place ? flow_texts_find(&store->ends.texts, flow->place) : 0;
	if (flow->from.kind == FLOW_CONTAINER)
		known = (key.from = flow_ends_find(&store->ends, &flow->from));
	if (flow->to.kind == FLOW_CONTAINER)
		known = known && (key.to = flow_ends_find(&store->ends, &flow->to));
	return known && find(store, &key);
}

bool flow_store_passed(const struct flow_store *store, const struct flow *flow)
{
	struct flow passed = *flow;

	passed.verdict = FLOW_ALLOWED;
	passed.reason = REASON_NONE;
	passed.place = "";
	return flow_store_has(store, &passed);
}

/* ---- reading ---- */

static void get_end(const struct flow_store *store, const struct flow_key *key, size_t end,
		    struct flow_end *ret)
{
	uint32_t known = end ? key->to : key->from;

	if (known) {
		flow_ends_get(&store->ends, known, (enum ip_family)key->addrs[end].family, ret);
		return;
	}
	*ret = (struct flow_end){ .kind = (enum flow_end_kind)key->kinds[end],
				  .id = "",
				  .name = "",
				  .network = "",
				  .tier = "",
				  .image = "",
				  .labels = "",
				  .zone = (enum flow_zone)key->zones[end],
				  .addr = key->addrs[end],
				  .len = key->lens[end] };
}

bool flow_store_next(const struct flow_store *store, bool newest, uint32_t *cursor,
		     struct flow *ret)
{
	const struct flow_record *record = &store->records[*cursor];
	uint32_t i = *cursor ? (newest ? record->older : record->newer)
			     : (newest ? store->newest : store->oldest);

	if (!i)
		return false;
	*cursor = i;
	record = &store->records[i];
	const struct flow_key *key = &record->key;
	*ret = (struct flow){ .ether_type = key->ether_type,
			      .proto = key->proto,
			      .port = key->port,
			      .host_port = key->host_port,
			      .verdict = (enum flow_verdict)key->verdict,
			      .reason = (enum reason)key->reason,
			      .place = flow_texts_get(&store->ends.texts, key->place),
			      .folded = key->folded,
			      .count = record->count,
			      .since_staged = record->staged,
			      .first = record->first,
			      .last = record->last };
	get_end(store, key, 0, &ret->from);
	get_end(store, key, 1, &ret->to);
	return true;
}

void flow_store_stage(struct flow_store *store)
{
	for (uint32_t i = store->newest; i; i = store->records[i].older)
		store->records[i].staged = 0;
	store->noted++;
}

struct flow_counts flow_store_counts(const struct flow_store *store)
{
	return (struct flow_counts){ store->kept, store->noted, store->pushed_out };
}

/* ---- life ---- */

void flow_store_limit(struct flow_store *store, size_t limit)
{
	store->limit = limit < LIMIT_FLOWS ? (uint32_t)limit : LIMIT_FLOWS;
}

/* Records that are not used yet cost no memory: the kernel has not given any for them. */
struct flow_store *flow_store_new(uint64_t seed)
{
	struct flow_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->records = calloc(LIMIT_FLOWS + 1, sizeof(*store->records));
	if (!store->records) {
		free(store);
		return NULL;
	}
	store->seed = seed ^ HASH_BEGIN;
	store->limit = LIMIT_FLOWS;
	return store;
}

struct flow_store *flow_store_free(struct flow_store *store)
{
	if (!store)
		return NULL;
	flow_ends_done(&store->ends);
	free(store->records);
	free(store);
	return NULL;
}
