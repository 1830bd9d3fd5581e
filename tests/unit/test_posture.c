/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The posture of a container: from Docker's inspect answer as it comes over the wire, through what
 * is picked of it, the store and an inventory; and what is found of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/json-pick.h"
#include "core/base/text.h"
#include "core/posture/posture.h"
#include "core/world/docker-want.h"
#include "core/world/world-store.h"

#define X16(d) d d d d d d d d d d d d d d d d
#define ID(d) X16(d) X16(d) X16(d) X16(d)

/* What a container that lacks nothing is inspected as. */
static const char good[] = "{\"Id\":\"" ID(
	"a") "\",\"Name\":\"/web\",\"State\":{\"Running\":true},\"Config\":{"
	     "\"User\":\"1000:1000\",\"Env\":[\"PATH=/bin\",\"DB_PASSWORD_FILE=/run/secrets/db\","
	     "\"GPG_KEY=A035C8\",\"KEEP=nobody-keeps-this-value\"],\"Image\":\"ghcr.io/acme/"
	     "web:1.4\","
	     "\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"],\"Interval\":30000000000,"
	     "\"Timeout\":5000000000,\"StartPeriod\":1000000000,\"Retries\":3}},\"Mounts\":[],"
	     "\"HostConfig\":{\"NetworkMode\":\"front\",\"PidMode\":\"\",\"IpcMode\":\"private\","
	     "\"UTSMode\":\"\",\"UsernsMode\":\"\",\"Privileged\":false,\"ReadonlyRootfs\":true,"
	     "\"CapAdd\":[\"CAP_NET_BIND_SERVICE\"],\"CapDrop\":[\"ALL\"],"
	     "\"SecurityOpt\":[\"no-new-privileges\"],\"Memory\":268435456,\"MemorySwap\":"
	     "536870912,"
	     "\"NanoCpus\":500000000,\"CpuQuota\":0,\"PidsLimit\":100,\"Devices\":[],"
	     "\"DeviceRequests\":null,\"DeviceCgroupRules\":null,\"PortBindings\":{},\"LogConfig\":"
	     "{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"10m\",\"max-file\":\"3\"}}},"
	     "\"NetworkSettings\":{\"Ports\":{}}}";

/* @old taken for @new gives these findings; a ? behind one that is not known. */
static const struct {
	const char *old, *new, *found;
} rows[] = {
	{ "", "", "" },
	{ "1000:1000", "", "root-user " },
	{ "1000:1000", "root", "root-user " },
	{ "1000:1000", "0:5", "root-user " },
	{ "1000:1000", "00", "root-user " },
	{ "1000:1000", "nginx", "root-user? " },
	{ "\"User\":\"1000:1000\",", "", "root-user? " },
	{ "\"User\":\"1000:1000\",", "\"User\":7,", "root-user? " },
	{ "\"Privileged\":false", "\"Privileged\":true", "privileged-mode " },
	{ "\"Privileged\":false", "\"Privileged\":null", "privileged-mode? " },
	{ "\"CapDrop\":[\"ALL\"]", "\"CapDrop\":null", "capabilities-kept " },
	{ "\"CapDrop\":[\"ALL\"]", "\"CapDrop\":[\"CAP_CHOWN\"]", "capabilities-kept " },
	{ "CAP_NET_BIND_SERVICE", "CAP_SYS_ADMIN", "capabilities-added " },
	{ "CAP_NET_BIND_SERVICE", "CAP_OF_TOMORROW", "capabilities-added " },
	{ "CAP_NET_BIND_SERVICE", "ALL", "capabilities-kept capabilities-added " },
	{ "\"CapAdd\":[\"CAP_NET_BIND_SERVICE\"]", "\"CapAdd\":{}", "capabilities-added " },
	{ "\"ReadonlyRootfs\":true", "\"ReadonlyRootfs\":false", "writable-root " },
	{ "\"ReadonlyRootfs\":true,", "", "writable-root? " },
	{ "[\"no-new-privileges\"]", "null", "new-privileges " },
	{ "no-new-privileges", "no-new-privileges=false", "new-privileges " },
	{ "[\"no-new-privileges\"]", "[\"no-new-privileges:true\",\"seccomp=unconfined\"]",
	  "unconfined " },
	{ "[\"no-new-privileges\"]", "7", "new-privileges? unconfined? " },
	{ "\"Memory\":268435456,\"MemorySwap\":536870912", "\"Memory\":0,\"MemorySwap\":0",
	  "no-memory-limit " },
	{ "\"MemorySwap\":536870912", "\"MemorySwap\":-1", "endless-swap " },
	{ "\"NanoCpus\":500000000", "\"NanoCpus\":0", "no-cpu-limit " },
	{ "\"NanoCpus\":500000000,\"CpuQuota\":0", "\"NanoCpus\":0,\"CpuQuota\":50000", "" },
	{ "\"PidsLimit\":100", "\"PidsLimit\":null", "no-pids-limit " },
	{ "\"PidsLimit\":100", "\"PidsLimit\":-1", "no-pids-limit " },
	{ "\"Test\":[\"CMD\",\"true\"]", "\"Test\":[\"NONE\"]", "no-healthcheck " },
	{ "\"Healthcheck\"", "\"Nothing\"", "no-healthcheck " },
	{ "\"Interval\":30000000000", "\"Interval\":0", "healthcheck-times " },
	{ "\"Retries\":3", "\"Other\":3", "healthcheck-times " },
	{ "\"max-file\":\"3\"", "\"other\":\"3\"", "no-log-limits " },
	{ "json-file\",\"Config\":{\"max-size\":\"10m\",\"max-file\":\"3\"}",
	  "journald\",\"Config\":{}", "" },
	{ "\"NetworkMode\":\"front\"", "\"NetworkMode\":\"host\"", "host-network-namespace " },
	{ "\"PidMode\":\"\"", "\"PidMode\":\"host\"", "host-pid-namespace " },
	{ "\"IpcMode\":\"private\"", "\"IpcMode\":\"host\"", "host-ipc-namespace " },
	{ "\"UTSMode\":\"\"", "\"UTSMode\":\"host\"", "host-uts-namespace " },
	{ "\"UsernsMode\":\"\"", "\"UsernsMode\":\"host\"", "host-user-namespace " },
	{ "\"Mounts\":[]", "\"Mounts\":[{\"Source\":\"/var/run/docker.sock\"}]",
	  "docker-socket-mounted " },
	{ "\"Mounts\":[],", "", "docker-socket-mounted? " },
	{ "\"Devices\":[]", "\"Devices\":[{\"PathOnHost\":\"/dev/fuse\"}]", "devices " },
	{ "\"DeviceRequests\":null", "\"DeviceRequests\":[{\"Count\":-1}]", "devices " },
	{ "GPG_KEY=", "API_KEY=", "secret-in-environment " },
	{ "GPG_KEY=A035C8", "AWS_SECRET_ACCESS_KEY", "secret-in-environment " },
	{ "GPG_KEY", "db.password", "secret-in-environment " },
	{ "\"GPG_KEY=A035C8\"", "{}", "secret-in-environment? " },
	{ "web:1.4", "web", "unpinned-image " },
	{ "web:1.4", "web:latest", "unpinned-image " },
	{ "ghcr.io/acme/web:1.4", "ghcr.io:443/acme/web", "unpinned-image " },
	{ "ghcr.io/acme/web:1.4", "web@sha256:aa", "" },
	{ "\"Config\":{", "\"Other\":{",
	  "root-user? no-healthcheck? secret-in-environment? unpinned-image? " },
};

static void replace(const char *old, const char *new, struct text *ret)
{
	const char *at = strstr(good, old);

	assert_non_null(at);
	text_add_n(ret, good, (size_t)(at - good));
	text_add(ret, new);
	text_add(ret, at + strlen(old));
}

/* In pieces of some bytes, as from a socket. */
static void pick(const char *json, size_t piece, struct text *ret)
{
	struct json_pick *picker = json_pick_new(world_want_inspect, NULL, 1u << 20, false);
	size_t len = strlen(json);

	assert_non_null(picker);
	for (size_t at = 0; at < len; at += piece)
		assert_int_equal(
			json_pick_feed(picker, json + at, len - at < piece ? len - at : piece, ret),
			0);
	(void)json_pick_free(picker);
}

static const struct world *inspected(const char *json, struct arena *arena)
{
	static const char list[] =
		"[{\"Id\":\"" ID("a") "\",\"Names\":[\"/web\"],\"Image\":\"x\","
				      "\"State\":\"running\",\"Labels\":{},\"Ports\":[]}]";
	struct world_store *store = world_store_new();
	const struct world *world = NULL;
	const char *error = NULL;

	assert_non_null(store);
	assert_int_equal(world_store_set_containers(store, list, strlen(list), &error), 0);
	assert_int_equal(world_store_put_inspect(store, json, strlen(json), &error), 0);
	assert_int_equal(world_store_put_containers(store, list, strlen(list), &error), 0);
	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	(void)world_store_free(store);
	assert_int_equal(world->n_containers, 1);
	return world;
}

static void print_found(const struct posture *posture, const struct posture_require *require,
			struct text *ret)
{
	struct posture_shortfall one;

	for (size_t cursor = 0; posture_next_shortfall(posture, require, &cursor, &one);)
		text_printf(ret, "%s%s ", one.check->finding.id, one.unknown ? "?" : "");
}

static void test_inspect(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(text_done) struct text json = { 0 }, picked = { 0 }, found = { 0 };
		replace(rows[i].old, rows[i].new, &json);
		pick(text_str(&json), 1 + i % 7, &picked);
		assert_null(strstr(text_str(&picked), "nobody-keeps-this-value"));
		assert_null(strstr(text_str(&picked), "/run/secrets"));
		const struct world *world = inspected(text_str(&picked), arena);
		print_found(&world->containers[0].posture, NULL, &found);
		if (strcmp(text_str(&found), rows[i].found) != 0)
			print_message("%s -> %s\n", rows[i].old, rows[i].new);
		assert_string_equal(text_str(&found), rows[i].found);
	}
}

/* An inventory has all of it. */
static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(text_done) struct text json = { 0 }, found = { 0 };
		const struct world *again = NULL;
		const char *error = "";
		replace(rows[i].old, rows[i].new, &json);
		const struct world *world = inspected(text_str(&json), arena);
		CLEANUP(free_ptr) char *printed = world_print_inventory(world);
		int r = world_parse_inventory(printed, strlen(printed), arena, &again, &error);
		if (r)
			print_message("%s\n", error);
		assert_int_equal(r, 0);
		print_found(&again->containers[0].posture, NULL, &found);
		assert_string_equal(text_str(&found), rows[i].found);
		CLEANUP(free_ptr) char *twice = world_print_inventory(again);
		assert_string_equal(printed, twice);
	}
}

/* Of nobody anything is known who was not inspected. */
static void test_nothing_known(void **state)
{
	const struct posture posture = { 0 };
	struct posture_shortfall one;

	(void)state;
	assert_false(posture_is_known(&posture));
	for (size_t cursor = 0; posture_next_shortfall(&posture, NULL, &cursor, &one);)
		assert_true(one.unknown);
	for (unsigned int fact = 0; fact < POSTURE_FACTS; fact++) {
		struct posture_require require = { .capabilities = POSTURE_ALL_CAPABILITIES };
		size_t cursor = 0, n;
		const struct posture_check *checks = posture_checks(&n);
		size_t i = 0;
		while (i < n && checks[i].fact != fact)
			i++;
		if (i < n)
			require.wanted[fact] = checks[i].wanted;
		assert_int_equal(posture_next_shortfall(&posture, &require, &cursor, &one), i < n);
	}
}

static void test_require(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct posture *posture = &inspected(good, arena)->containers[0].posture;
	static const struct {
		enum posture_fact fact;
		const char *capability, *registry, *found;
	} required[] = {
		{ POSTURE_FEW_CAPABILITIES, "NET_BIND_SERVICE", NULL, "" },
		{ POSTURE_FEW_CAPABILITIES, "CHOWN", NULL, "capabilities-beyond " },
		{ POSTURE_KNOWN_REGISTRY, "ALL", "ghcr.io", "" },
		{ POSTURE_KNOWN_REGISTRY, "ALL", "ghcr.io/acme/*", "" },
		{ POSTURE_KNOWN_REGISTRY, "ALL", "*.io", "" },
		{ POSTURE_KNOWN_REGISTRY, "ALL", "docker.io", "foreign-registry " },
		{ POSTURE_KNOWN_REGISTRY, "ALL", "ghcr.io/other/*", "foreign-registry " },
		{ POSTURE_DIGEST, "ALL", NULL, "image-without-digest " },
		{ POSTURE_TAGGED, "ALL", NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(required); i++) {
		CLEANUP(text_done) struct text found = { 0 };
		struct posture_require require = {
			.capabilities = posture_capability(required[i].capability),
			.registries = &required[i].registry,
			.n_registries = required[i].registry ? 1 : 0,
		};
		require.wanted[required[i].fact] = POSTURE_YES;
		print_found(posture, &require, &found);
		assert_string_equal(text_str(&found), required[i].found);
	}
}

/* By which digest a report is about an image, only the engine tells; until then that is awaited. */
static void test_image(void **state)
{
	static const char list[] = "[{\"Id\":\"" ID(
		"a") "\",\"Names\":[\"/web\"],\"Image\":"
		     "\"x\",\"ImageID\":\"sha256:" ID(
			     "b") "\",\"State\":\"running\",\"Labels\":{},\"Ports\":[]}]";
	static const char told[] =
		"{\"keys\":[],\"reports\":[{\"file\":\"f\",\"scanner\":0,"
		"\"made\":1000,\"found\":[0,0,0,0,1,0],\"digests\":[\"sha256:" ID(
			"c") "\"]}],\"signatures\":[],\"refused\":[]}";
	static const char image[] =
		"{\"Id\":\"sha256:" ID("b") "\",\"RepoDigests\":[7,\"x@md5:1\","
					    "\"ghcr.io/acme/web@sha256:" ID("c") "\"]}";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_store *store = world_store_new();
	struct posture_require require = { .most = IMAGES_HIGH, .max_age = 100 };
	struct images *reports = NULL;
	const struct world *world;
	const char *error = NULL;

	(void)state;
	require.wanted[POSTURE_SCANNED] = POSTURE_YES;
	assert_int_equal(world_store_set_containers(store, list, strlen(list), &error), 0);
	assert_string_equal(world_store_ask_image(store), ID("b"));
	assert_null(world_store_ask_image(store));
	for (int step = 0; step < 4; step++) {
		CLEANUP(text_done) struct text found = { 0 };
		if (step == 1) {
			assert_int_equal(images_parse(told, strlen(told), &reports), 0);
			world_store_set_reports(store, reports);
		}
		if (step == 2)
			assert_int_equal(world_store_put_image(store, image, strlen(image), &error),
					 0);
		assert_int_equal(world_store_snapshot(store, arena, &world), 0);
		const struct posture posture = world_posture(world, 0, step == 3 ? 1101 : 1100);
		assert_int_equal(posture_is_waiting(&posture, &require), step == 1);
		print_found(&posture, &require, &found);
		assert_string_equal(text_str(&found), step == 2 ? "" : "vulnerable-image? ");
	}
	/* A repository may have got it since. */
	world_store_ask_images_again(store);
	assert_string_equal(world_store_ask_image(store), ID("b"));
	(void)world_store_free(store);
	assert_string_equal(world->reports->reports[0].file, "f"); /* the snapshot has it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inspect),	      cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_require),
		cmocka_unit_test(test_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
