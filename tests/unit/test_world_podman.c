/* SPDX-License-Identifier: GPL-2.0-or-later */
/* podman's networks and the lists of who is on them, as its versions 4.3 to 6.1 answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/world/world-store.h"
#include "tests/unit/test_world_kept_lib.h"

#define X16(d) d d d d d d d d d d d d d d d d
#define ID(d) X16(d) X16(d) X16(d) X16(d)

static const char networks[] = "[{\"name\":\"front\",\"id\":\"" ID(
	"1") "\",\"driver\":\"bridge\","
	     "\"network_interface\":\"podman1\",\"subnets\":[{\"subnet\":\"172.31.1.0/"
	     "24\",\"gateway\":"
	     "\"172.31.1.1\"},{\"subnet\":\"fd00:31:1::/64\",\"gateway\":\"fd00:31:1::1\"}],"
	     "\"internal\":false,\"dns_enabled\":true},"
	     "{\"name\":\"inner\",\"id\":\"" ID(
		     "2") "\",\"driver\":\"bridge\",\"network_interface\":"
			  "\"podman2\",\"subnets\":[{\"subnet\":\"172.31.2.0/"
			  "24\"}],\"internal\":true,"
			  "\"dns_enabled\":false},"
			  "{\"name\":\"lan\",\"id\":\"" ID(
				  "3") "\",\"driver\":\"macvlan\",\"network_interface\":"
				       "\"eth0\",\"subnets\":[{\"subnet\":\"10.1.0.0/24\"}]},"
				       "{\"name\":\"odd\",\"id\":\"" ID(
					       "4") "\",\"driver\":\"bridge\",\"network_"
						    "interface\":"
						    "\"../x\"}]";

#define CONTAINER(d, name, state, networks)                                                       \
	"{\"Id\":\"" ID(d) "\",\"Names\":[\"/" name "\"],\"Image\":\"localhost/web:latest\","     \
			   "\"ImageID\":\"sha256:" ID(                                            \
				   "f") "\",\"State\":\"" state "\",\"Labels\":{\"tier\":\"" name \
					"\"},\"Ports\":[{\"PrivatePort\":80,\"PublicPort\":8080," \
					"\"Type\":\"tcp\"}],"                                     \
					"\"NetworkSettings\":{\"Networks\":{" networks "}}}"
#define ON(network, id, v4, v6, mac)                                                        \
	"\"" network "\":{\"NetworkID\":\"" id "\",\"EndpointID\":\"\",\"IPAddress\":\"" v4 \
	"\",\"GlobalIPv6Address\":\"" v6 "\",\"MacAddress\":\"" mac "\"}"

struct fixture {
	struct world_store *store;
	struct arena *arena;
};

static int put(struct fixture *f, const char *id, const char *list)
{
	const char *error = NULL;

	world_store_answers_from(f->store, world_store_moment(f->store));
	return world_store_put_podman_network(f->store, id, list, strlen(list), &error);
}

static const struct world *look(struct fixture *f)
{
	const struct world *world = NULL;

	assert_kept_is_true(f->store);
	assert_int_equal(world_store_snapshot(f->store, f->arena, &world), 0);
	return world;
}

static int set_up(void **state)
{
	static struct fixture fixture;
	const char *error = NULL;

	fixture = (struct fixture){ world_store_new(), arena_new() };
	assert_non_null(fixture.store);
	assert_int_equal(
		world_store_set_podman_networks(fixture.store, networks, strlen(networks), &error),
		0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)world_store_free(f->store);
	(void)arena_free(f->arena);
	return 0;
}

static void reads_networks(void **state)
{
	const struct world *world = look(*state);

	assert_int_equal(world->n_networks, 4);
	const struct world_network *front = &world->networks[0], *inner = &world->networks[1];
	assert_string_equal(front->bridge, "podman1");
	assert_true(front->dns && !front->internal && !front->flaw);
	assert_int_equal(front->n_subnets, 2);
	assert_int_equal(front->n_gateways, 2);
	assert_true(inner->internal && !inner->dns);
	assert_int_equal(inner->n_gateways, 0);
	assert_false(world_network_is_managed(&world->networks[2])); /* "lan" */
	assert_non_null(world->networks[3].flaw);		     /* "odd" */
}

/* As many as there are ways to say it: nothing, false, true, true once more, strict, unmanaged. */
#define OPTIONS(d, name, options)                                                                  \
	"{\"name\":\"" name "\",\"id\":\"" ID(d) "\",\"driver\":\"bridge\",\"network_interface\":" \
						 "\"podman" d "\",\"options\":" options "}"
static const char isolated[] =
	"[" OPTIONS("1", "a", "null") "," OPTIONS("2", "b", "{\"isolate\":\"false\"}") "," OPTIONS("3", "c", "{\"isolate\":\"true\"}") "," OPTIONS(
		"4", "d",
		"{\"isolate\":\"true\"}") "," OPTIONS("5", "e",
						      "{\"isolate\":\"strict\"}") "," OPTIONS("6",
											      "f",
											      "{\"i"
											      "sola"
											      "te\""
											      ":\"s"
											      "tric"
											      "t\","
											      "\"mo"
											      "de\""
											      ":\"u"
											      "nman"
											      "aged"
											      "\"}") "]";

/* Row by row from which to which podman routes. */
static const struct {
	const char *engine, *routes[6];
} isolations[] = {
	{ "podman 5.8.6", { ".+++-+", "+.++-+", "++.--+", "++-.-+", "----.+", "+++++." } },
	{ "podman 6.1.1", { ".----+", "-.++-+", "-+.--+", "-+-.-+", "----.+", "+++++." } },
	{ "podman 10.0.0", { ".----+", "-.++-+", "-+.--+", "-+-.-+", "----.+", "+++++." } },
};

static void knows_which_networks_are_isolated(void **state)
{
	struct fixture *f = *state;
	const char *error = NULL;

	assert_int_equal(
		world_store_set_podman_networks(f->store, isolated, strlen(isolated), &error), 0);
	for (size_t i = 0; i < sizeof(isolations) / sizeof(*isolations); i++) {
		world_store_set_engine(f->store, isolations[i].engine);
		const struct world *world = look(f);
		assert_int_equal(world->n_networks, 6);
		for (uint32_t from = 0; from < 6; from++)
			for (uint32_t to = 0; to < 6; to++) {
				bool want = isolations[i].routes[from][to] == '+';
				if (from != to && world_routes(world, IP_V4, from, to) != want)
					fail_msg("%s: from %s to %s", isolations[i].engine,
						 world->networks[from].name,
						 world->networks[to].name);
			}
	}
}

static const struct {
	const char *name, *list;
	size_t n_endpoints, n_containers;
} rows[] = {
	{ "nobody", "[]", 0, 0 },
	{ "one, by podman 5's id",
	  "[" CONTAINER("a", "web", "running",
			ON("front", ID("1"), "172.31.1.2", "", "aa:00:00:00:00:02")) "]",
	  1, 1 },
	{ "one, by podman 4's",
	  "[" CONTAINER(
		  "a", "web", "running",
		  ON("front", "front", "172.31.1.2", "fd00:31:1::2", "aa:00:00:00:00:02")) "]",
	  1, 1 },
	{ "on two, and only this one counts",
	  "[" CONTAINER("a", "web", "running",
			ON("front", ID("1"), "172.31.1.2", "", "aa:00:00:00:00:02") "," ON(
				"inner", ID("2"), "172.31.2.2", "", "aa:00:00:00:00:03")) "]",
	  1, 1 },
	{ "one that does not run",
	  "[" CONTAINER("a", "web", "created", ON("front", ID("1"), "", "", "")) "]", 0, 1 },
	{ "an odd address costs that one alone",
	  "[" CONTAINER("a", "web", "running",
			ON("front", ID("1"), "172.31.1", "",
			   "aa:00:00:00:00:02")) "," CONTAINER("b", "db", "running",
							       ON("front", ID("1"), "172.31.1.3",
								  "", "aa:00:00:00:00:03")) "]",
	  1, 2 },
};

static void reads_who_is_there(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(put(f, ID("1"), "[]"), 0);
		world_store_remove_container(f->store, ID("a"));
		world_store_remove_container(f->store, ID("b"));
		assert_int_equal(put(f, ID("1"), rows[i].list), 0);
		const struct world *world = look(f);
		if (world->n_endpoints != rows[i].n_endpoints ||
		    world->n_containers != rows[i].n_containers)
			fail_msg("%s: %zu endpoints, %zu containers", rows[i].name,
				 world->n_endpoints, world->n_containers);
	}
}

/* The container of the last answer. */
static struct world_endpoint only(struct fixture *f)
{
	const struct world *world = look(f);

	assert_int_equal(world->n_endpoints, 1);
	return world->endpoints[0];
}

/* A port is its first endpoint's: who starts again has another one. */
static void gives_endpoints_an_id(void **state)
{
	struct fixture *f = *state;
	static const char *const lists[] = {
		"[" CONTAINER("a", "web", "running",
			      ON("front", ID("1"), "172.31.1.2", "", "aa:00:00:00:00:02")) "]",
		"[" CONTAINER("a", "web", "running",
			      ON("front", ID("1"), "172.31.1.2", "", "aa:00:00:00:00:03")) "]",
		"[" CONTAINER("b", "web", "running",
			      ON("front", ID("1"), "172.31.1.2", "", "aa:00:00:00:00:02")) "]",
	};
	struct world_endpoint found[3];

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(put(f, ID("1"), lists[i]), 0);
		found[i] = only(f);
		assert_true(found[i].id != 0 && found[i].asked != 0);
	}
	assert_true(found[0].id != found[1].id && found[0].id != found[2].id &&
		    found[1].id != found[2].id);
	assert_int_equal(put(f, ID("1"), lists[0]), 0);
	assert_true(only(f).id == found[0].id);
}

static void knows_labels_at_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, ID("1"), rows[1].list), 0);
	const struct world *world = look(f);
	assert_true(world->containers[0].known);
	assert_string_equal(world_label_value(&world->containers[0], "tier"), "web");
	assert_int_equal(world->containers[0].n_published, 1);
}

/* What podman made of a folder has no image to be asked for labels: they are its own. */
static void owns_its_labels_without_an_image(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *image, *image_id;
		enum world_origin origin;
	} images[] = {
		{ "", "sha256:", WORLD_OWN },
		{ "localhost/web:latest", "sha256:", WORLD_UNTOLD },
		{ "", "", WORLD_UNTOLD },
		{ "", "sha256:" ID("f"), WORLD_UNTOLD },
		{ "", "sha256:f", WORLD_UNTOLD },
	};
	char list[1024];

	for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
		(void)snprintf(
			list, sizeof(list),
			"[{\"Id\":\"" ID("a") "\",\"Names\":[\"/0123-infra\"],\"Image\":\"%s\","
					      "\"ImageID\":\"%s\",\"State\":\"running\","
					      "\"Labels\":{\"tier\":\"web\"}}]",
			images[i].image, images[i].image_id);
		assert_int_equal(put(f, ID("1"), list), 0);
		const struct world *world = look(f);
		assert_int_equal(world->n_containers, 1);
		assert_true(world->containers[0].known);
		assert_int_equal(world->containers[0].labels[0].origin, images[i].origin);
	}
}

static void keeps_what_it_cannot_read(void **state)
{
	struct fixture *f = *state;
	static const char *const refused[] = { "", "{}", "[", "[{\"Id\":\"a\"}" };

	assert_int_equal(put(f, ID("1"), rows[1].list), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		assert_int_equal(put(f, ID("1"), refused[i]), WORLD_E_INVALID);
		(void)only(f);
	}
	assert_int_equal(put(f, ID("9"), rows[1].list), 0); /* no such network: of no use */
	(void)only(f);
}

static void is_told_from_docker(void **state)
{
	struct fixture *f = *state;

	assert_false(world_is_podman(look(f)));
	world_store_set_engine(f->store, "5.4.2");
	assert_false(world_is_podman(look(f)));
	world_store_set_engine(f->store, "podman 5.4.2");
	assert_true(world_is_podman(look(f)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_networks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(knows_which_networks_are_isolated, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(reads_who_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gives_endpoints_an_id, set_up, tear_down),
		cmocka_unit_test_setup_teardown(knows_labels_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(owns_its_labels_without_an_image, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(keeps_what_it_cannot_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_told_from_docker, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("world podman", tests, NULL, NULL);
}
