/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts have an age: which port an endpoint is admitted through, over every order of ports that
 * come and go, questions, and answers. Time is the order of the steps. */
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compile/compile.h"
#include "core/policy/policy.h"
#include "core/world/world-store.h"
#include "tests/unit/test_assign_lib.h"
#include "tests/unit/test_rows_lib.h"
#include "tests/unit/test_world_kept_lib.h"

#define X16(d) d d d d d d d d d d d d d d d d
#define ID(d) X16(d) X16(d) X16(d) X16(d)
#define MAC "02:42:ac:12:00:02" /* what Docker before 28 makes of 172.18.0.2 */
#define NET(id, endpoint)                                                                       \
	"{\"Id\":\"" ID("1") "\",\"Name\":\"app\",\"Driver\":\"bridge\",\"Containers\":{\"" ID( \
		id) "\":{\"EndpointID\":\"" endpoint "\",\"MacAddress\":\"" MAC                 \
		    "\",\"IPv4Address\":\"172.18.0.2/16\"}}}"
#define SANDBOX(endpoint)                                                                 \
	"{\"Id\":\"" ID("1") "\",\"Name\":\"app\",\"Driver\":\"bridge\",\"Containers\":{" \
			     "\"p2aex4bh25cfew3yqak6h3z12\":{\"EndpointID\":\"" endpoint  \
			     "\",\"MacAddress\":\"" MAC "\",\"IPv4Address\":\"172.18.0.2/16\"}}}"
#define NAMED(name)                                                               \
	"\"ep-" ID("e") "\":{\"Name\":\"" name                                    \
			"\",\"EndpointID\":\"" ID("e") "\",\"MacAddress\":\"" MAC \
						       "\",\"IPv4Address\":\"172.18.0.2/16\"}"
#define EARLY(more)                                                                                \
	"{\"Id\":\"" ID("1") "\",\"Name\":\"app\",\"Driver\":\"bridge\",\"Containers\":{" more "}" \
			     "}"
#define CTR(id, name) "[{\"Id\":\"" ID(id) "\",\"Names\":[\"/" name "\"],\"State\":\"running\"}]"
#define BRIDGE "br-111111111111"

/* What Docker answers. web and evil have one address after the other, and with it one MAC. */
static const struct answer {
	const char *name, *network, *containers;
} answers[] = {
	{ "web", NET("a", ID("e")), NULL },
	{ "web", NULL, CTR("a", "web") },
	{ "again", NET("a", ID("f")), NULL }, /* web, disconnected and connected */
	{ "evil", NET("b", ID("d")), NULL },
	{ "evil", NULL, CTR("b", "evil") },
	{ "nobody", NULL, "[]" },
	{ "nameless", NET("a", ""), NULL },
	{ "run", SANDBOX(ID("c")), NULL }, /* of a build */
	{ "next", SANDBOX(ID("9")), NULL },
	{ "early", EARLY(NAMED("web")), NULL }, /* not joined to its container yet */
	{ "stranger", EARLY(NAMED("p2aex4bh25cfew3yqak6h3z12")), NULL },
	{ "old", NULL, CTR("a", "old") },  /* web, renamed */
	{ "heir", NULL, CTR("b", "web") }, /* and another one called so */
	{ "twins", NULL,
	  "[{\"Id\":\"" ID("a") "\",\"Names\":[\"/web\"]},{\"Id\":\"" ID(
		  "b") "\",\"Names\":[\"/web\"]}]" },
	{ "both",
	  EARLY("\"" ID("a") "\":{\"EndpointID\":\"" ID(
		  "f") "\",\"MacAddress\":\"" MAC
		       "\",\"IPv4Address\":\"172.18.0.2/16\"}," NAMED("web")),
	  NULL },
	{ "short", NET("a", "eeeeeeeeeeeeeee"), NULL },
};

/* The steps, in order:
 *   +veth1  the port appears on the network's bridge     ~veth1  the same, its MAC not known yet
 *   -veth1  it goes away                                 >veth1  it is on another bridge
 *   #veth1  another interface of that name
 *   ?       Docker is asked                              !       what is admitted is in force
 *   <       what follows answers the question before
 *   web     all that it answers of web                   web.net, web.ctr  half of that
 *   x       web is disconnected */
struct row {
	const char *name, *steps;
	const char *want; /* "web@veth1", container and port of each endpoint */
};

static const struct row rows[] = {
	{ "asked after the port came", "+veth1 ? web", "web@veth1" },
	{ "asked before the port came", "? web +veth1", "web@" },
	{ "asked before, answered after", "? +veth1 web", "web@" },
	{ "asked again", "? web +veth1 ? web", "web@veth1" },
	{ "the MAC is read later than the question", "~veth1 ? web +veth1", "web@veth1" },
	{ "the MAC goes away for a moment", "+veth1 ? web ~veth1 +veth1", "web@veth1" },
	{ "only the network was asked again", "? web +veth1 ? web.net", "web@" },
	{ "only the container was asked again", "? web +veth1 ? web.ctr", "web@" },
	/* Docker is away, or its events are lost: nobody says that the address has a new owner. */
	{ "an heir is not its former owner", "+veth1 ? web ! -veth1 +veth2", "web@" },
	{ "an heir before the other is gone", "+veth1 ? web ! +veth2 -veth1", "web@" },
	{ "an heir is admitted as itself", "+veth1 ? web ! -veth1 +veth2 ? evil", "evil@veth2" },
	{ "other ports change nothing", "+veth1 ? web ! >veth5 -veth5", "web@veth1" },
	{ "the port was somebody else's", "+veth1 ? web ! ? evil", "evil@" },
	{ "it was, but never admitted", "+veth1 ? web ? evil", "evil@veth1" },
	{ "the same container, plugged in anew", "+veth1 ? web ! ? again", "web@" },
	{ "plugged in anew with its port", "+veth1 ? web ! -veth1 +veth2 ? again web.ctr",
	  "web@veth2" },
	{ "a disconnect and its endpoint again", "+veth1 ? web ! x ? web", "web@veth1" },
	{ "another interface of that name", "+veth1 ? web ! #veth1", "web@" },
	{ "on another bridge and back", "+veth1 ? web ! >veth1 +veth1", "web@" },
	{ "no EndpointID", "+veth1 ? nameless web.ctr", "web@" },
	{ "an EndpointID that is none", "+veth1 ? short web.ctr", "web@" },
	{ "two ports with one MAC", "+veth1 +veth2 ? web", "web@" },
	/* A reading goes on beside what events bring: what is newer stands. */
	{ "a list without a container", "+veth1 ? web ? nobody", "" },
	{ "an older list without a container", "+veth1 ? ? web < nobody", "web@veth1" },
	{ "an older list before the container's", "+veth1 ? ? web.net < nobody ? web.ctr",
	  "web@veth1" },
	/* Of a sandbox the network alone tells, and no event. */
	{ "a sandbox", "+veth1 ? run", "build-p2aex4bh25cf@veth1" },
	{ "a sandbox that was asked about too early", "? run +veth1", "build-p2aex4bh25cf@" },
	{ "and once more", "? run +veth1 ? run", "build-p2aex4bh25cf@veth1" },
	{ "lists leave it alone", "+veth1 ? run ? nobody", "build-p2aex4bh25cf@veth1" },
	{ "a sandbox is no heir of another", "+veth1 ? run ! ? next", "build-p2aex4bh25cf@" },
	{ "a container is no heir of a sandbox", "+veth1 ? run ! -veth1 +veth2",
	  "build-p2aex4bh25cf@" },
	{ "a sandbox is no heir of a container", "+veth1 ? web ! -veth1 +veth2 ? run",
	  "build-p2aex4bh25cf@veth2" },
	/* Whose an endpoint is to be its name tells. */
	{ "known by its name", "+veth1 ? web.ctr ? early ? web.ctr", "web@veth1" },
	{ "the port's MAC comes later", "~veth1 ? web.ctr ? early ? web.ctr +veth1", "web@veth1" },
	{ "listed before it was named", "+veth1 ? web.ctr ? early", "web@" },
	{ "listed while it was asked about", "+veth1 ? web.ctr ? ? early < web.ctr", "web@" },
	{ "named for longer", "+veth1 ? web.ctr ? early ? web.ctr ? early", "web@veth1" },
	{ "named before the port came", "? web.ctr ? early ? web.ctr +veth1", "web@" },
	{ "joined after that", "+veth1 ? web.ctr ? early ? web.ctr ! ? web", "web@veth1" },
	{ "a name that no container has", "+veth1 ? web.ctr ? stranger ? web.ctr", "" },
	{ "a name of which nobody is listed", "+veth1 ? early", "" },
	{ "renamed since", "+veth1 ? web.ctr ? early ? old", "" },
	{ "a name that another one has now", "+veth1 ? web.ctr ? early ? old ? heir ? early ? heir",
	  "web@veth1" },
	{ "a name that several have", "+veth1 ? twins ? early ? twins", "" },
	{ "a name of one that is joined", "+veth1 ? web.ctr ? both ? web.ctr", "web@veth1" },
	{ "a list without a network", "+veth1 ? web ? nowhere", "" },
	{ "an older list without a network", "+veth1 ? ? web < nowhere", "web@veth1" },
	{ "an older answer of the network", "+veth1 ? ? evil < web.net", "evil@veth1" },
	{ "an older answer of the container", "? +veth1 ? web < web.ctr", "web@veth1" },
};

struct play {
	struct world_store *store;
	struct arena *arena;
	const struct policy *policy;
	struct world_port ports[8];
	size_t n_ports;
	uint32_t next_ifindex;
	uint64_t asked, asked_before;
};

static size_t port_at(const struct play *play, const char *ifname)
{
	size_t i = 0;

	while (i < play->n_ports && strcmp(play->ports[i].ifname, ifname) != 0)
		i++;
	return i;
}

static void change_ports(struct play *play, const char *step)
{
	size_t i = port_at(play, step + 1);
	struct world_port *port = &play->ports[i];
	bool is_new = i == play->n_ports || *step == '#';

	play->n_ports += i == play->n_ports;
	if (*step == '-') {
		*port = play->ports[--play->n_ports];
	} else {
		(void)snprintf(port->ifname, sizeof(port->ifname), "%s", step + 1);
		(void)snprintf(port->bridge, sizeof(port->bridge), "%s",
			       *step == '>' ? "br-other" : BRIDGE);
		port->ifindex = is_new ? ++play->next_ifindex : port->ifindex;
		assert_int_equal(
			mac_parse(*step == '~' ? "00:00:00:00:00:00" : MAC, &port->peer_mac), 0);
	}
	assert_int_equal(world_store_set_ports(play->store, play->ports, play->n_ports), 0);
}

/* What is admitted now. */
static const struct world *admit(const struct play *play, const struct assignment **ret)
{
	const struct world *world = NULL;

	assert_int_equal(world_store_snapshot(play->store, play->arena, &world), 0);
	*ret = assign_all(play->policy, world, play->arena);
	assert_non_null(*ret);
	return world;
}

static void commit(const struct play *play)
{
	const struct assignment *all;
	const struct world *world = admit(play, &all);

	for (size_t i = 0; i < world->n_endpoints; i++)
		if (compile_port(&all[i]))
			world_store_set_owner(play->store, compile_port(&all[i]),
					      world->endpoints[i].id);
}

/* "web", "web.net" or "web.ctr" */
static void answer(const struct play *play, const char *step)
{
	size_t len = strcspn(step, "."), n = 0;
	const char *part = step + len, *error = NULL;

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer *one = &answers[i];
		if (strncmp(one->name, step, len) != 0 || one->name[len] != '\0')
			continue;
		n++;
		if (one->network && strcmp(part, ".ctr") != 0)
			assert_int_equal(world_store_put_network(play->store, one->network,
								 strlen(one->network), &error),
					 0);
		if (one->containers && strcmp(part, ".net") != 0)
			assert_int_equal(world_store_set_containers(play->store, one->containers,
								    strlen(one->containers),
								    &error),
					 0);
	}
	assert_true(n > 0);
}

static void ask(struct play *play)
{
	play->asked_before = play->asked;
	play->asked = world_store_moment(play->store);
	world_store_answers_from(play->store, play->asked);
}

static void take(struct play *play, const char *step)
{
	const char *error = NULL;

	if (strchr("+~->#", *step))
		change_ports(play, step);
	else if (*step == '?')
		ask(play);
	else if (*step == '<')
		world_store_answers_from(play->store, play->asked_before);
	else if (strcmp(step, "nowhere") == 0)
		assert_int_equal(world_store_set_networks(play->store, "[]", 2, &error), 0);
	else if (*step == '!')
		commit(play);
	else if (strcmp(step, "x") == 0)
		world_store_disconnect(play->store, ID("1"), ID("a"));
	else
		answer(play, step);
}

static void take_all(struct play *play, const char *steps)
{
	char text[128];
	char *rest = NULL;

	assert_true(strlen(steps) < sizeof(text));
	memcpy(text, steps, strlen(steps) + 1);
	for (char *step = strtok_r(text, " ", &rest); step; step = strtok_r(NULL, " ", &rest)) {
		assert_kept_is_true(play->store);
		take(play, step);
	}
	assert_kept_is_true(play->store);
}

static void play_start(struct play *play)
{
	static const char text[] = "version: 1\ntiers:\n  t: {match: [{network: app}]}\n";
	static const struct policy_source source = { "p.yaml", text, sizeof(text) - 1 };
	struct diag_list diags;

	*play = (struct play){ .store = world_store_new(), .arena = arena_new() };
	diag_init(&diags, play->arena);
	assert_int_equal(policy_parse(&source, 1, play->arena, &diags, &play->policy), 0);
}

static void play_end(struct play *play)
{
	(void)world_store_free(play->store);
	(void)arena_free(play->arena);
}

static void assert_admitted(const struct play *play, const char *want)
{
	CLEANUP(text_done) struct text out = { 0 };
	const struct assignment *all;
	const struct world *world = admit(play, &all);

	for (size_t i = 0; i < world->n_endpoints; i++)
		text_printf(&out, "%s%s@%s", i ? " " : "",
			    world->containers[world->endpoints[i].container].name,
			    all[i].port ? all[i].port : "");
	assert_string_equal(text_str(&out), want);
}

static void plays(void **state)
{
	const struct row *row = *state;
	struct play play;

	play_start(&play);
	take_all(&play, row->steps);
	assert_admitted(&play, row->want);
	play_end(&play);
}

/* A reading that was asked for before a port came admits nobody through it, whenever it ends. */
static void reading_under_way(void **state)
{
	struct play play;

	(void)state;
	play_start(&play);
	for (int again = 0; again < 2; again++) {
		struct world_store *fresh = world_store_new();
		struct play reading = { .store = fresh };
		world_store_answers_from(fresh, world_store_moment(play.store));
		if (!again)
			take_all(&play, "+veth1");
		take_all(&reading, "web");
		world_store_replace(play.store, fresh);
		(void)world_store_free(fresh);
		assert_admitted(&play, again ? "web@veth1" : "web@");
	}
	play_end(&play);
}

/* There is no Docker to ask when the facts come from a file. */
static void inventory_is_always_true(void **state)
{
	static const char json[] = "{\"version\":1,\"networks\":[{\"id\":\"" ID(
		"1") "\",\"name\":\"app\",\"driver\":"
		     "\"bridge\",\"bridge\":\"" BRIDGE "\",\"internal\":false,\"subnets\":[],"
		     "\"gateways\":[]}],\"containers\":[{\"id\":\"" ID(
			     "a") "\",\"name\":\"web\","
				  "\"image\":\"x\",\"labels\":{},\"endpoints\":[{\"network\":"
				  "\"app\",\"ipv4\":"
				  "\"172.18.0.2\",\"mac\":\"" MAC "\"}],\"published\":[]}]}";
	const char *error = NULL;
	const struct world *world;
	struct play play;

	(void)state;
	play_start(&play);
	if (world_parse_inventory(json, strlen(json), play.arena, &world, &error) != 0)
		fail_msg("inventory: %s", error);
	assert_int_equal(world_store_load(play.store, world), 0);
	take_all(&play, "+veth1");
	assert_admitted(&play, "web@veth1");
	play_end(&play);
}

int main(void)
{
	struct CMUnitTest tests[2 + ARRAY_LEN(rows)] = {
		cmocka_unit_test(reading_under_way),
		cmocka_unit_test(inventory_is_always_true),
	};

	ADD_ROWS(tests, 2, rows, plays);
	return cmocka_run_group_tests_name("facts_age", tests, NULL, NULL);
}
