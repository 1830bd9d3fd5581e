/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/dials.c: this process is docker-proxy, and who calls it. Needs root. */
#include "sockets_lib.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/dials.h"

#define NOW 1000000u
enum { WEB, OTHER, N_CONTAINERS };

/* "web" at 8080 everywhere, "other" at 192.0.2.5:8081; both have been closed now. */
struct fixture {
	struct world_container containers[N_CONTAINERS];
	struct world_published published[N_CONTAINERS];
	struct world_endpoint endpoints[N_CONTAINERS];
	uint64_t closed_since_us[N_CONTAINERS];
	struct world world;
	struct world_held held;
	struct dials dials;
	struct arena *arena;
	int proxy; /* listens at 8080 */
	uint64_t now_us;
};

static struct fixture f;

static int setup(void **state)
{
	(void)state;
	f = (struct fixture){ .now_us = NOW, .arena = arena_new(), .proxy = serve("::", 8080) };
	for (uint32_t i = 0; i < N_CONTAINERS; i++) {
		strcpy(f.containers[i].id, i == WEB ? "web-id" : "other-id");
		f.containers[i].name = i == WEB ? "web" : "other";
		f.containers[i].starting = true;
		f.containers[i].published = &f.published[i];
		f.containers[i].n_published = 1;
		f.published[i].host_port = (uint16_t)(8080 + i);
		f.published[i].port = (struct port_range){ PROTO_TCP, 80, 80 };
		f.endpoints[i].container = i;
		f.closed_since_us[i] = NOW;
	}
	assert_int_equal(ip_parse("0.0.0.0", &f.published[WEB].host_ip), 0);
	assert_int_equal(ip_parse("192.0.2.5", &f.published[OTHER].host_ip), 0);
	assert_int_equal(ip_parse("203.0.113.2", &f.endpoints[WEB].ipv4), 0);
	assert_int_equal(ip_parse("2001:db8:ff::2", &f.endpoints[WEB].ipv6), 0);
	f.world = (struct world){ .containers = f.containers,
				  .n_containers = N_CONTAINERS,
				  .endpoints = f.endpoints,
				  .n_endpoints = N_CONTAINERS };
	f.held = (struct world_held){ .world = &f.world, .closed_since_us = f.closed_since_us };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(f.proxy);
	dials_done(&f.dials);
	assert_null(f.dials.first);
	assert_int_equal(f.dials.n_taken, 0);
	f.arena = arena_free(f.arena);
	return 0;
}

static void begin(void)
{
	assert_int_equal(dials_begin(&f.dials, &f.held, f.now_us), 0);
}

/* After that much time: "" nobody waits. */
static void expect(uint64_t after_us, const char *who)
{
	struct world_waiting waiting = { .n_ids = 0 };

	f.now_us += after_us;
	assert_int_equal(dials_look(&f.dials, &f.held, f.now_us, f.arena, &waiting), 0);
	assert_int_equal(waiting.n_ids, *who ? 1 : 0);
	if (*who)
		assert_string_equal(waiting.ids[0], who);
}

/* One who came before the port was closed is waited for, and its dial is ended. */
static void waits_until_it_is_gone(void **state)
{
	static const char *const ways[][2] = { { "192.0.2.9", "192.0.2.1" },
					       { "2001:db8::9", "2001:db8::1" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		int caller = dial(ways[i][0], ways[i][1], 8080), taken = accept_one(f.proxy);
		int to4 = dial(NULL, "203.0.113.2", 80), to6 = dial(NULL, "2001:db8:ff::2", 80);
		int others = dial(NULL, "203.0.113.2", 81);
		f.closed_since_us[WEB] = f.now_us;
		begin();
		assert_int_equal(error_of(to4), ECONNABORTED);
		assert_int_equal(error_of(to6), ECONNABORTED);
		assert_int_equal(error_of(others), 0); /* not to what it publishes */
		expect(WORLD_HOLD_US, "web-id");
		int later = dial(NULL, "203.0.113.2", 80);
		expect(WORLD_HOLD_US, "web-id");
		assert_int_equal(error_of(later), ECONNABORTED);
		close(taken);
		expect(WORLD_HOLD_US, "web-id"); /* it was there since the last look */
		close(later);
		later = dial(NULL, "203.0.113.2", 80);
		expect(WORLD_HOLD_US, "");
		assert_int_equal(error_of(later), ECONNABORTED);
		assert_null(f.dials.first);
		for (size_t k = 0; k < 5; k++)
			close((int[]){ caller, to4, to6, others, later }[k]);
	}
}

/* Who has closed its side, with something unread, is waited for as well. */
static void waits_for_who_has_said_all(void **state)
{
	int caller = dial("192.0.2.9", "192.0.2.1", 8080), taken = accept_one(f.proxy);

	(void)state;
	assert_int_equal(write(caller, "word", 4), 4);
	close(caller);
	begin();
	expect(WORLD_HOLD_US, "web-id");
	close(taken);
}

/* Of one that was reset nothing is left but its place in the queue, and then its dial. */
static void waits_for_who_was_reset(void **state)
{
	int caller = dial("192.0.2.9", "192.0.2.1", 8080);

	(void)state;
	close_reset(caller);
	begin();
	expect(WORLD_HOLD_US, "web-id");
	expect(WORLD_HOLD_US, "web-id");
	close(accept_one(f.proxy));
	expect(WORLD_HOLD_US, "web-id");
	int to = dial(NULL, "203.0.113.2", 80);
	expect(WORLD_HOLD_US, "");
	assert_int_equal(error_of(to), ECONNABORTED);
	close(to);
	/* It was taken from the queue before: its dial alone tells of it. */
	f.closed_since_us[WEB] = f.now_us;
	to = dial(NULL, "203.0.113.2", 80);
	begin();
	assert_int_equal(error_of(to), ECONNABORTED);
	int next = dial(NULL, "203.0.113.2", 80);
	expect(WORLD_HOLD_US, "");
	assert_int_equal(error_of(next), ECONNABORTED);
	close(to);
	close(next);
}

/* What comes later is there by the policy's leave; what comes from this host never was kept out. */
static void does_not_wait_for_others(void **state)
{
	int own[] = { dial(NULL, "192.0.2.1", 8080), dial(NULL, "127.0.0.1", 8080),
		      dial(NULL, "::1", 8080) };
	int proxied[ARRAY_LEN(own)];
	int elsewhere = serve("192.0.2.1", 8081), caller = dial("192.0.2.9", "192.0.2.1", 8081);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		proxied[i] = accept_one(f.proxy);
	begin();
	assert_null(f.dials.first);
	int later = dial("192.0.2.9", "192.0.2.1", 8080), to = dial(NULL, "203.0.113.2", 80);
	expect(WORLD_HOLD_US, "");
	assert_int_equal(error_of(to), 0);
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		close(own[i]);
		close(proxied[i]);
	}
	close(later);
	close(to);
	close(caller);
	close(elsewhere);
}

static void later_ones_are_not_waited_for(void **state)
{
	int caller = dial("192.0.2.9", "192.0.2.1", 8080), taken = accept_one(f.proxy);

	(void)state;
	begin();
	int later = dial("192.0.2.9", "192.0.2.1", 8080), kept = accept_one(f.proxy);
	expect(WORLD_HOLD_US, "web-id");
	close(taken);
	expect(WORLD_HOLD_US, "web-id");
	expect(WORLD_HOLD_US, "");
	close(kept);
	close(later);
	close(caller);
}

static void forgets_who_is_let_go(void **state)
{
	int caller = dial("192.0.2.9", "192.0.2.1", 8080), taken = accept_one(f.proxy);

	(void)state;
	begin();
	expect(WORLD_HOLD_US, "web-id");
	f.containers[WEB].starting = false;
	expect(WORLD_HOLD_US, "");
	assert_null(f.dials.first);
	close(taken);
	close(caller);
}

/* Of an earlier time is known that this host tries to reach them. */
static void finds_who_is_dialled(void **state)
{
	struct world_waiting waiting = { .n_ids = 0 };

	(void)state;
	assert_int_equal(dials_find(&f.dials, &f.world, f.arena, &waiting), 0);
	assert_int_equal(waiting.n_ids, 0);
	int others = dial(NULL, "203.0.113.2", 81);
	assert_int_equal(dials_find(&f.dials, &f.world, f.arena, &waiting), 0);
	assert_int_equal(waiting.n_ids, 0);
	int to = dial(NULL, "2001:db8:ff::2", 80);
	assert_int_equal(dials_find(&f.dials, &f.world, f.arena, &waiting), 0);
	assert_int_equal(waiting.n_ids, 1);
	assert_string_equal(waiting.ids[0], "web-id");
	begin();
	assert_int_equal(error_of(to), ECONNABORTED);
	/* Nothing is known once more. */
	assert_int_equal(dials_find(&f.dials, &f.world, f.arena, &waiting), 0);
	assert_int_equal(waiting.n_ids, 1);
	close(to);
	close(others);
}

/* At the commit others were closed than this one. */
static void watches_who_is_closed_now(void **state)
{
	int caller = dial("192.0.2.9", "192.0.2.1", 8080), taken = accept_one(f.proxy);

	(void)state;
	f.closed_since_us[WEB] = NOW - 1;
	begin();
	assert_null(f.dials.first);
	close(taken);
	close(caller);
}

/* Without the right to end dials: it waits for as long as anybody (core/world/hold.c). */
static void as_nobody(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { 0 };
	int caller = dial("192.0.2.9", "192.0.2.1", 8080), taken = accept_one(f.proxy);
	int to = dial(NULL, "203.0.113.2", 80);

	assert_int_equal(syscall(SYS_capset, &header, none), 0);
	begin();
	close(taken);
	for (int i = 0; i < 5; i++)
		expect(WORLD_HOLD_US, "web-id");
	assert_int_equal(error_of(to), 0);
	assert_true(f.dials.has_complained);
	close(caller);
}

static void waits_where_it_may_not(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		as_nobody();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(waits_until_it_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_who_has_said_all, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_who_was_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(does_not_wait_for_others, setup, teardown),
		cmocka_unit_test_setup_teardown(later_ones_are_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(forgets_who_is_let_go, setup, teardown),
		cmocka_unit_test_setup_teardown(watches_who_is_closed_now, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_who_is_dialled, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_where_it_may_not, setup, teardown),
	};
	int r = have_netns();

	if (r)
		return r;
	if (system(THE_HOST) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
