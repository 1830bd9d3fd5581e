/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/hosts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/fleet/members.h"
#include "core/policy/zone.h"
#include "edge/base/chance.h"
#include "edge/base/clock.h"
#include "edge/control/ask.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"
#include "edge/probe/probe.h"

/* How old netd's word about the store may be. */
#define TELL_US UINT64_C(5000000)
#define TIMEOUT_US UINT64_C(10000000)
#define REMIND_US (3600 * UINT64_C(1000000))
#define SECOND_US UINT64_C(1000000)
/* How often the store is asked for the others, at most; it is the half of that at least. One that
 * comes shows within seconds; where no rule is about hosts, who they are is for people, and for the
 * day on which one is. And longer for each of them: so a store has some 130 of these questions a
 * second at most, however many hosts there are, though each costs it more with them. */
#define LOOK_US (10 * SECOND_US)
#define LOOK_SELDOM_US (60 * SECOND_US)
#define LOOK_HOST_US UINT64_C(10000)
/* Two hosts of one name take turns, each as often as it asks: who was not seen for so long is not
 * there any more. */
#define NAMESAKE_US (300 * SECOND_US)

struct hosts {
	struct hosts_options options;
	sd_event *loop;
	enum fleet_state state;
	int64_t revision;
	bool is_believed;

	/* What netd knows; NULL: it was not asked yet. */
	struct arena *arena;
	struct fleet_members known;
	char *text;
	uint64_t grace_us;
	bool is_lost; /* netd has another text: it is told again */

	struct arena *next_arena; /* of what it is being told */
	struct fleet_members next;
	char *next_text;
	struct control_ask *ask;
	bool is_due; /* something has happened meanwhile */
	sd_event_source *timer;

	sd_event_source *looks; /* when the store is asked for the others */
	bool is_named;		/* by some rule of netd's policy */
	char untold[128];	/* why the store does not tell of them; "": it does */
	char namesake[128];	/* where another host of this one's name is */
	uint64_t namesake_us;	/* when it was last seen; 0: never */

	struct ip_addr local[2]; /* of each family the one from which the store was asked last */
	bool has_local[2];
	bool said_no_address;
	uint64_t lost_us, said_us; /* since when it is away, and when that was last said; 0: not */
	char refused[128];	   /* why netd did not take the last list; "": it did */
};

/* ---- this host's own ---- */

/* Endpoints may be of both families: asking another one takes no address away, as long as this host
 * has it. */
static size_t find_local(struct hosts *hosts, struct ip_addr ret[2])
{
	const char *text = etcd_client_local(hosts->options.client);
	struct ip_addr addr;
	size_t n = 0;

	if (ip_parse(text, &addr) == 0 && policy_zone_may_have_host(&addr)) {
		hosts->local[addr.family == IP_V6] = addr;
		hosts->has_local[addr.family == IP_V6] = true;
	}
	for (size_t i = 0; i < 2; i++)
		if (hosts->has_local[i] && !probe_lacks_address(&hosts->local[i]))
			ret[n++] = hosts->local[i];
	if (n == 0 && *text && !hosts->said_no_address) {
		hosts->said_no_address = true;
		log_warning(LOG_ID_FLEET_HOSTS,
			    "this host asks the store from %s, at which no other host can know it: "
			    "name its addresses in fleet.conf (addresses)",
			    text);
	}
	return n;
}

static void publish(struct hosts *hosts)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct fleet_conf *conf = hosts->options.fleet;
	const char *key = arena ? fleet_addresses_key(conf->prefix, conf->host, arena) : NULL;
	struct ip_addr local[2];
	size_t n = conf->n_addrs ? 0 : find_local(hosts, local);
	CLEANUP(free_ptr)
	char *value = fleet_print_addresses(conf->n_addrs ? conf->addrs : local,
					    conf->n_addrs ? conf->n_addrs : n);

	/* Nobody may have been asked yet. */
	if (key && value && (*value || *etcd_client_local(hosts->options.client)))
		(void)!etcd_client_publish(hosts->options.client, key, value);
}

/* ---- how the store is ---- */

/* Seconds since the epoch, of a moment of the monotonic clock. */
static int64_t epoch_of(uint64_t us)
{
	uint64_t now = clock_monotonic_us();

	return us ? clock_epoch_s() - (int64_t)((now > us ? now - us : 0) / SECOND_US) : 0;
}

static void say_how_it_is(struct hosts *hosts)
{
	uint64_t now = clock_monotonic_us();

	if (!hosts->lost_us)
		return;
	if (etcd_client_is_up(hosts->options.client)) {
		hosts->lost_us = 0;
		log_info(LOG_ID_FLEET_BACK, "the store of the fleet is followed again");
	} else if (now - hosts->said_us >= REMIND_US) {
		hosts->said_us = now;
		log_warning(LOG_ID_FLEET_LOST,
			    "the store of the fleet cannot be followed for %" PRIu64
			    " s: what is in force stays, the policy of revision %" PRId64,
			    (now - hosts->lost_us) / SECOND_US, hosts->revision);
	}
}

void hosts_lost(struct hosts *hosts)
{
	if (!hosts->lost_us)
		hosts->lost_us = hosts->said_us = clock_monotonic_us();
}

static int add_store(const struct hosts *hosts, cJSON *request)
{
	cJSON *store = cJSON_AddObjectToObject(request, "store");
	int r = store ? 0 : -ENOMEM;

	if (r == 0)
		r = wire_add_string(store, "state", fleet_state_name(hosts->state));
	if (r == 0)
		r = wire_add_number(store, "revision", (double)hosts->revision);
	if (r == 0)
		r = wire_add_bool(store, "followed", etcd_client_is_up(hosts->options.client));
	if (r == 0)
		r = wire_add_number(store, "heard",
				    (double)epoch_of(etcd_client_heard_us(hosts->options.client)));
	return r;
}

/* ---- the others ---- */

static void forget_next(struct hosts *hosts)
{
	hosts->next_arena = arena_free(hosts->next_arena);
	free(hosts->next_text);
	hosts->next_text = NULL;
}

static void take_next(struct hosts *hosts)
{
	(void)arena_free(hosts->arena);
	free(hosts->text);
	hosts->arena = TAKE_PTR(hosts->next_arena);
	hosts->known = hosts->next;
	hosts->text = TAKE_PTR(hosts->next_text);
	hosts->is_lost = false;
}

/* It is there, and what it says counts. */
static bool is_followed(const struct hosts *hosts)
{
	return hosts->is_believed && etcd_client_asked(hosts->options.client)->is_current &&
	       etcd_client_is_up(hosts->options.client);
}

/* Who is one of the fleet by the store's word, as what netd is told next. 0 or -ENOMEM. */
static int look(struct hosts *hosts)
{
	const struct fleet_conf *conf = hosts->options.fleet;
	const struct fleet_word word = {
		.mirror = etcd_client_asked(hosts->options.client),
		.prefix = conf->prefix,
		.self = conf->host,
		.now_us = clock_monotonic_us(),
		.heard_us = etcd_client_asked_us(hosts->options.client),
		.now = clock_epoch_s(),
		.grace_us = hosts->grace_us,
	};

	if (!is_followed(hosts))
		return 0;
	hosts->next_arena = arena_new();
	int r = hosts->next_arena ? fleet_next_members(&hosts->known, &word, hosts->next_arena,
						       &hosts->next)
				  : -ENOMEM;
	hosts->next_text = r == 0 ? fleet_print_members(&hosts->next) : NULL;
	if (hosts->next_text && (hosts->is_lost || strcmp(hosts->next_text, hosts->text) != 0))
		return 0;
	/* Nothing is to be told; since when somebody is gone is kept. */
	if (hosts->next_text)
		take_next(hosts);
	forget_next(hosts);
	return r;
}

static void look_again(struct hosts *hosts)
{
	(void)!loop_arm(hosts->timer, hosts->is_due ? 0 : TELL_US);
}

static void look_now(struct hosts *hosts)
{
	hosts->is_due = true;
	if (!hosts->ask)
		look_again(hosts);
}

/* ---- asking the store for them ---- */

static void ask_later(struct hosts *hosts)
{
	size_t n = etcd_client_asked(hosts->options.client)->n;
	uint64_t us = hosts->is_named ? LOOK_US : LOOK_SELDOM_US;

	(void)!loop_arm(hosts->looks, chance_half(us + n * LOOK_HOST_US));
}

static int on_looks(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct hosts *hosts = userdata;

	(void)source;
	(void)usec;
	(void)etcd_client_look(hosts->options.client);
	ask_later(hosts);
	return 0;
}

/* Who knows nobody, and has a rule about them, does not wait. */
static void ask_first(struct hosts *hosts)
{
	if (hosts->is_named && etcd_client_asked_us(hosts->options.client) == 0)
		(void)!loop_arm(hosts->looks, 0);
}

static void note_named(struct hosts *hosts, bool is_named)
{
	bool is_news = is_named && !hosts->is_named;

	hosts->is_named = is_named;
	if (!is_news)
		return;
	ask_later(hosts);
	ask_first(hosts);
}

void hosts_take_word(struct hosts *hosts, const char *error)
{
	char untold[sizeof(hosts->untold)] = "";

	if (error)
		(void)snprintf(untold, sizeof(untold), "%s", error);
	else
		look_now(hosts);
	text_clean(untold);
	if (*untold && strcmp(untold, hosts->untold) != 0)
		log_warning(LOG_ID_FLEET_HOSTS,
			    "the store does not tell where the other hosts of the fleet are, and "
			    "those that are known stay: %s",
			    untold);
	memcpy(hosts->untold, untold, sizeof(untold));
}

const char *hosts_namesake(const struct hosts *hosts)
{
	bool is_seen = hosts->namesake_us != 0 &&
		       clock_monotonic_us() - hosts->namesake_us < NAMESAKE_US;

	return is_seen ? hosts->namesake : NULL;
}

void hosts_take_namesake(struct hosts *hosts, const struct etcd_key *there)
{
	bool is_news = !hosts_namesake(hosts);

	(void)snprintf(hosts->namesake, sizeof(hosts->namesake), "%s", there->value);
	text_clean(hosts->namesake);
	hosts->namesake_us = clock_monotonic_us();
	if (is_news)
		log_warning(LOG_ID_FLEET_HOSTS,
			    "another host of the fleet has the name %s, too%s%s: they take turns, "
			    "and of the two the others know only one at a time; give one of them "
			    "another name in fleet.conf (host)",
			    hosts->options.fleet->host, *hosts->namesake ? ", at " : "",
			    hosts->namesake);
}

/* ---- netd's word ---- */

/* All who are gone begin to be so now. */
static void take_known(struct hosts *hosts, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = wire_string(report, "text"), *error = NULL;

	if (!arena || !text ||
	    fleet_read_members(text, strlen(text), arena, &hosts->next, &error) != 0)
		return;
	hosts->next_text = strdup(text);
	hosts->next_arena = TAKE_PTR(arena);
	if (hosts->next_text)
		take_next(hosts);
	forget_next(hosts);
	hosts->is_due = true;
}

static bool is_text(const cJSON *report, const char *text)
{
	const char *digest = wire_string(report, "digest");
	char own[HASH_TEXT_LEN];

	(void)hash_format(hash_add(HASH_BEGIN, text, strlen(text)), own);
	return digest && (strcmp(digest, own) == 0 || (!*digest && !*text));
}

/* What it was told, it has taken; or it says no. */
static void take_word(struct hosts *hosts, const struct wire_answer *answer)
{
	const char *why = wire_error_text(answer->json);
	char refused[sizeof(hosts->refused)] = "";

	if (answer->code == WIRE_OK)
		take_next(hosts);
	else
		(void)snprintf(refused, sizeof(refused), "%s", why ? why : "it gives no reason");
	text_clean(refused);
	if (*refused && strcmp(refused, hosts->refused) != 0)
		log_warning(LOG_ID_FLEET_HOSTS,
			    "netd does not take the list of the other hosts of the fleet, and keeps "
			    "the one before: %s",
			    refused);
	memcpy(hosts->refused, refused, sizeof(refused));
}

/* What netd's policy has to do with hosts. */
static void take_policy(struct hosts *hosts, const cJSON *report)
{
	hosts->grace_us = (uint64_t)wire_number(report, "grace_s", 600) * SECOND_US;
	note_named(hosts, wire_bool(report, "named", true));
}

static void on_answer(void *userdata, const struct wire_answer *answer, const char *error)
{
	struct hosts *hosts = userdata;
	const cJSON *report =
		answer ? cJSON_GetObjectItemCaseSensitive(answer->json, "report") : NULL;
	const char *stamp = wire_string(report, "stamp");
	bool was_told = hosts->next_text;

	(void)error; /* the record without a status says it */
	hosts->ask = NULL;
	if (report)
		take_policy(hosts, report);
	if (report && !hosts->arena)
		take_known(hosts, report);
	else if (answer && was_told)
		take_word(hosts, answer);
	if (report && hosts->arena)
		hosts->is_lost = !is_text(report, hosts->text);
	forget_next(hosts);
	/* What it has lost it is told at once, if there is anything to tell. */
	hosts->is_due |= hosts->is_lost && !was_told && is_followed(hosts);
	look_again(hosts);
	hosts->options.on_netd(hosts->options.userdata, stamp ? stamp : "");
}

static int make_request(struct hosts *hosts, cJSON *request)
{
	if (!request)
		return -ENOMEM;
	if (!hosts->arena)
		return 0; /* what does it know? */
	int r = add_store(hosts, request);
	if (r == 0 && hosts->next_text)
		r = wire_add_string(request, "text", hosts->next_text);
	return r;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct hosts *hosts = userdata;
	const struct control_asked asked = { .path = hosts->options.admin,
					     .timeout_us = TIMEOUT_US,
					     .answer_bytes = LIMIT_REQUEST_BYTES,
					     .done = on_answer,
					     .userdata = hosts };
	size_t len = 0;

	(void)source;
	(void)usec;
	if (hosts->ask)
		return 0;
	hosts->is_due = false;
	say_how_it_is(hosts);
	publish(hosts);
	if (hosts->arena && look(hosts) < 0)
		return loop_arm(hosts->timer, TELL_US);
	cJSON *request = wire_new_request("hosts");
	CLEANUP(free_ptr)
	char *line = make_request(hosts, request) == 0 ? wire_print(request, &len) : NULL;
	cJSON_Delete(request);
	if (!line || control_ask(hosts->loop, &asked, line, len, &hosts->ask) < 0)
		forget_next(hosts);
	if (!hosts->ask)
		look_again(hosts);
	return 0;
}

/* ---- life ---- */

void hosts_note(struct hosts *hosts, enum fleet_state state, int64_t revision)
{
	hosts->state = state;
	hosts->revision = revision;
}

void hosts_follow(struct hosts *hosts, bool is_believed)
{
	bool is_news = is_believed != hosts->is_believed || hosts->lost_us;

	hosts->is_believed = is_believed;
	ask_first(hosts);
	if (is_news)
		look_now(hosts);
}

struct hosts *hosts_free(struct hosts *hosts)
{
	if (!hosts)
		return NULL;
	(void)control_ask_cancel(hosts->ask);
	(void)sd_event_source_disable_unref(hosts->timer);
	(void)sd_event_source_disable_unref(hosts->looks);
	forget_next(hosts);
	(void)arena_free(hosts->arena);
	free(hosts->text);
	free(hosts);
	return NULL;
}

int hosts_new(sd_event *loop, const struct hosts_options *options, struct hosts **ret)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));

	if (!hosts)
		return -ENOMEM;
	*hosts = (struct hosts){ .options = *options, .loop = loop, .state = FLEET_WAITING };
	const struct loop_timer timer = { "hosts", 0, on_timer, hosts };
	const struct loop_timer looks = { "looks", 0, on_looks, hosts };
	int r = loop_add_timer(loop, &timer, &hosts->timer);
	if (r == 0)
		r = loop_add_timer(loop, &looks, &hosts->looks);
	if (r == 0)
		r = loop_arm(hosts->timer, 0);
	if (r == 0)
		ask_later(hosts);
	if (r < 0) {
		(void)hosts_free(hosts);
		return r;
	}
	*ret = hosts;
	return 0;
}
