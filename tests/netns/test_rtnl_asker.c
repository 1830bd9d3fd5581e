/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/rtnl where the kernel lets one wait: the process that asks it is stopped, or ended. Needs
 * root. */
#include "rtnl_lib.h"

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

/* The process that asks; 0: there is none. */
static pid_t asker(void)
{
	char path[64], name[32];
	pid_t found = 0, pid;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *children = fopen(path, "re");
	assert_non_null(children);
	while (fscanf(children, "%d", &pid) == 1) {
		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		FILE *comm = fopen(path, "re");
		if (comm && fgets(name, sizeof(name), comm) && strcmp(name, "netd-rtnl\n") == 0 &&
		    !has_ended(pid))
			found = pid;
		if (comm)
			(void)fclose(comm);
	}
	(void)fclose(children);
	return found;
}

static pid_t stop_asker(void)
{
	double deadline = now_s() + 10;
	siginfo_t info;
	pid_t pid;

	while ((pid = asker()) == 0 && now_s() < deadline) /* it names itself when it runs */
		(void)sched_yield();
	assert_true(pid > 0);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
	return pid;
}

/* What comes while nobody answers. */
static void run_loop(struct fixture *f)
{
	while (sd_event_run(f->event, 0) > 0)
		;
}

static void assert_now(struct fixture *f, const char *ifname, const char *want)
{
	char text[64];

	run_loop(f);
	assert_string_equal(show(f, ifname, text), want);
}

/* It is in the container from the beginning, as Docker 28 makes it, and up. */
static void plug(const char *name, unsigned int index, pid_t pid, const char *mac)
{
	run("ip link add %s index %u master br0 type veth peer name peer%u netns %d address %s "
	    "&& nsenter -t %d -n ip link set peer%u up && ip link set %s up",
	    name, index, index, (int)pid, mac, (int)pid, index, name);
}

/* One port is known, and the process is stopped with the question about veth1. */
static pid_t stop_with_a_question(struct fixture *f, pid_t container)
{
	start(f, NULL, 0);
	plug("known", 50, container, MAC1);
	wait_for_port(f, "known", "br0/" MAC1);
	pid_t asking = stop_asker();
	plug("veth1", 51, container, MAC2);
	assert_now(f, "veth1", "br0/" ZERO);
	return asking;
}

static void the_loop_does_not_wait_for_an_answer(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new(), asking = stop_with_a_question(f, pid);

	assert_true(rtnl_counters(f->rtnl).waiting > 0);
	/* It goes on: others come, are changed and go. */
	run("ip link add here type veth peer name there address " MAC2);
	run("ip link set here master br0");
	assert_now(f, "here", "br0/" MAC2);
	run("ip link del here");
	assert_now(f, "here", "none");
	assert_now(f, "known", "br0/" MAC1);
	assert_now(f, "veth1", "br0/" ZERO);
	assert_int_equal(kill(asking, SIGCONT), 0);
	wait_for_port(f, "veth1", "br0/" MAC2);
	assert_int_equal(f->n_lost, 0);
	container_free(pid);
}

/* News of a port: one question about it waits, however many there are. */
static void a_port_is_asked_for_once_at_a_time(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();

	start(f, NULL, 0);
	run("ip link add veth1 master br0 type veth peer name peer0 netns %d address " MAC1,
	    (int)pid);
	assert_port(f, "veth1", "br0/" MAC1);
	size_t before = rtnl_counters(f->rtnl).queries;
	pid_t asking = stop_asker();
	for (int i = 0; i < 50; i++) {
		run("ip link set veth1 mtu %d", 1400 + i % 2);
		run_loop(f);
	}
	assert_int_equal(rtnl_counters(f->rtnl).queries, before + 1);
	run("nsenter -t %d -n ip link set peer0 address " MAC2, (int)pid);
	assert_int_equal(kill(asking, SIGCONT), 0);
	assert_port(f, "veth1", "br0/" MAC2);
	assert_int_equal(rtnl_counters(f->rtnl).queries, before + 2);
	container_free(pid);
}

static void more_ports_than_are_asked_for_at_a_time(void **state)
{
	enum { PORTS = 100 };
	struct fixture *f = *state;
	pid_t pid = container_new();
	char name[16];

	start(f, NULL, 0);
	pid_t asking = stop_asker();
	for (unsigned int i = 0; i < PORTS; i++) {
		(void)snprintf(name, sizeof(name), "v%u", i);
		plug(name, 100 + i, pid, MAC1);
	}
	run_loop(f);
	assert_true(rtnl_counters(f->rtnl).waiting < PORTS / 2);
	assert_int_equal(kill(asking, SIGCONT), 0);
	for (unsigned int i = 0; i < PORTS; i++) {
		(void)snprintf(name, sizeof(name), "v%u", i);
		wait_for_port(f, name, "br0/" MAC1);
	}
	container_free(pid);
}

static void an_asker_that_ends_is_begun_anew(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new(), asking = stop_with_a_question(f, pid);

	assert_int_equal(kill(asking, SIGKILL), 0);
	while (f->n_lost == 0)
		assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
	assert_string_equal(mac_is_zero(&find_port(f, "veth1")->peer_mac) ? "closed" : "open",
			    "closed");
	wait_for_port(f, "veth1", "br0/" MAC2);
	assert_port(f, "known", "br0/" MAC1);
	assert_int_equal(f->n_lost, 1);
	assert_int_not_equal(asker(), asking);
	container_free(pid);
}

/* What was known before the question is not believed when it will have no answer. */
static void a_lost_question_closes_its_port(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();

	start(f, NULL, 0);
	run("ip link add veth1 master br0 type veth peer name peer0 address " EVIL);
	assert_port(f, "veth1", "br0/" EVIL);
	pid_t asking = stop_asker();
	run("ip link set peer0 netns %d && ip link set veth1 up", (int)pid);
	run("nsenter -t %d -n ip link set peer0 address " MAC1 " up", (int)pid);
	assert_now(f, "veth1", "br0/" EVIL);
	f->seen_evil = false;
	assert_int_equal(kill(asking, SIGKILL), 0);
	while (f->n_lost == 0)
		assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
	assert_now(f, "veth1", "br0/" ZERO);
	wait_for_port(f, "veth1", "br0/" MAC1);
	assert_false(f->seen_evil);
	container_free(pid);
}

static void a_port_that_takes_anothers_number_is_not_the_other(void **state)
{
	struct fixture *f = *state;
	pid_t one = container_new(), two = container_new();

	start(f, NULL, 0);
	pid_t asking = stop_asker();
	plug("veth1", 50, one, EVIL);
	assert_now(f, "veth1", "br0/" ZERO);
	run("ip link del veth1");
	plug("veth2", 50, two, MAC2);
	assert_now(f, "veth1", "none");
	assert_now(f, "veth2", "br0/" ZERO);
	assert_int_equal(kill(asking, SIGCONT), 0);
	wait_for_port(f, "veth2", "br0/" MAC2);
	assert_false(f->seen_evil);
	container_free(one);
	container_free(two);
}

/* Settings and corrections wait, and are made in spite of all that. */
static void what_is_to_be_told_is_told_by_the_next_one(void **state)
{
	struct fixture *f = *state;
	const struct world_network network = { .driver = "bridge", .bridge = "br0" };
	const struct world world = { .networks = &network, .n_networks = 1 };
	struct mac_addr mac;
	struct ip_addr addr;

	start(f, NULL, 0);
	assert_int_equal(mac_parse(MAC2, &mac), 0);
	pid_t asking = stop_asker();
	assert_int_equal(rtnl_end_local_learning(f->rtnl, &world), 0);
	for (int i = 2; i < 60; i++) {
		char text[32];
		(void)snprintf(text, sizeof(text), "172.18.0.%d", i);
		run("ip neighbour add %s dev br0 lladdr " MAC1 " nud stale", text);
		assert_int_equal(ip_parse(text, &addr), 0);
		assert_int_equal(rtnl_correct_neighbour(f->rtnl, "br0", &addr, &mac), 0);
	}
	assert_int_equal(rtnl_correct_neighbour(f->rtnl, "absent", &addr, &mac), -ENODEV);
	run_loop(f);
	assert_int_equal(rtnl_counters(f->rtnl).waiting, 59);
	assert_int_equal(f->n_set, 0);
	assert_int_equal(kill(asking, SIGKILL), 0);
	settle(f);
	assert_int_equal(f->n_lost, 1);
	assert_int_equal(f->n_set, 1);
	run("ip -d link show br0 | grep -q 'no_linklocal_learn 1'");
	run("test $(ip neighbour show dev br0 | grep -c '" MAC2 " STALE') = 58");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RTNL_TEST(the_loop_does_not_wait_for_an_answer),
		RTNL_TEST(a_port_is_asked_for_once_at_a_time),
		RTNL_TEST(more_ports_than_are_asked_for_at_a_time),
		RTNL_TEST(an_asker_that_ends_is_begun_anew),
		RTNL_TEST(a_lost_question_closes_its_port),
		RTNL_TEST(a_port_that_takes_anothers_number_is_not_the_other),
		RTNL_TEST(what_is_to_be_told_is_told_by_the_next_one),
	};
	int r = have_netns();

	return r ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
