/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/rtnl against the kernel: whose MAC is behind a port, what it costs to ask, and that its
 * container cannot change the answer. Needs root. */
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/syscall.h>

#include "rtnl_lib.h"

static void a_port_is_followed_through_dockers_steps(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();

	start(f, NULL, 0);
	run("ip link add veth1 type veth peer name peer0 address " MAC2);
	assert_port(f, "veth1", "none");
	assert_int_equal(f->n_changes, 0);
	run("ip link set veth1 master br0 up");
	assert_port(f, "veth1", "br0/" MAC2);
	assert_int_equal(f->n_changes, 1);
	run("ip link set peer0 netns %d", (int)pid);
	settle(f);
	assert_port(f, "veth1", "br0/" MAC2); /* the rules do not go away while it moves */
	assert_int_equal(f->n_changes, 1);
	run("nsenter -t %d -n ip link set peer0 address " MAC1, (int)pid);
	run("nsenter -t %d -n ip link set peer0 name eth0", (int)pid);
	run("nsenter -t %d -n ip link set eth0 up", (int)pid);
	wait_for_port(f, "veth1", "br0/" MAC1);
	container_free(pid);
	wait_for_port(f, "veth1", "none");
}

/* A container with MAC1 at veth1. */
static pid_t start_with_container(struct fixture *f)
{
	pid_t pid = container_new();

	start(f, NULL, 0);
	connect_container("veth1", "br0", pid, MAC1);
	wait_for_port(f, "veth1", "br0/" MAC1);
	return pid;
}

static void a_container_cannot_change_who_it_is(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_with_container(f), nested = container_new();

	run("nsenter -t %d -n ip link set peer0 address " EVIL, (int)pid);
	assert_port(f, "veth1", "br0/" MAC1);
	run("nsenter -t %d -n ip link set peer0 down", (int)pid);
	run("nsenter -t %d -n ip link set peer0 up", (int)pid);
	assert_port(f, "veth1", "br0/" MAC1);
	/* With more rights inside, it moves the interface on to a namespace of its own. */
	run("nsenter -t %d -n ip link set peer0 netns %d", (int)pid, (int)nested);
	run("nsenter -t %d -n ip link set peer0 address " MAC2 " up", (int)nested);
	assert_port(f, "veth1", "br0/" MAC1);
	/* The host changes the bridge; the container stays who it is. */
	run("ip link add br1 type bridge");
	run("ip link set veth1 master br1");
	assert_port(f, "veth1", "br1/" MAC1);
	/* Once it is gone, all messages have come. */
	container_free(nested);
	container_free(pid);
	wait_for_port(f, "veth1", "none");
	assert_false(f->seen_evil);
}

static void a_restart_keeps_what_was_known(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();
	size_t n;

	connect_container("veth1", "br0", pid, MAC1);
	start(f, NULL, 0);
	const struct world_port *ports = rtnl_ports(f->rtnl, &n);
	assert_int_equal(n, 1);
	struct world_port known = ports[0];
	f->rtnl = rtnl_free(f->rtnl);
	run("nsenter -t %d -n ip link set peer0 address " EVIL, (int)pid);
	start(f, &known, 1);
	assert_port(f, "veth1", "br0/" MAC1);
	f->rtnl = rtnl_free(f->rtnl);
	/* Another bridge: another port of the same name. */
	(void)stpcpy(known.bridge, "br9");
	start(f, &known, 1);
	assert_port(f, "veth1", "br0/" EVIL);
	container_free(pid);
}

/* The far end has a number that is another interface here: asking without the namespace, or
 * believing whatever answers, would give that one's MAC. */
static void numbers_are_not_mixed_up_between_namespaces(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();

	run("ip link add decoy index 77 address " EVIL " type bridge");
	run("ip link add veth1 type veth peer name peer0 netns %d index 77 address " MAC1,
	    (int)pid);
	run("ip link set veth1 master br0 up");
	start(f, NULL, 0);
	assert_port(f, "veth1", "br0/" MAC1);
	run("ip link add veth2 index 88 type veth peer name peer1 netns %d index 88 address " MAC2,
	    (int)pid);
	run("ip link set veth2 master br0 up");
	assert_port(f, "veth2", "br0/" MAC2);
	container_free(pid);
}

static bool keep_only_net_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	data[0].effective = data[0].permitted = 1u << CAP_NET_ADMIN;
	return prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
	       syscall(SYS_capset, &header, data) == 0;
}

static void net_admin_is_enough(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();
	char text[64];
	int status = -1;

	connect_container("veth1", "br0", pid, MAC1);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const struct rtnl_options options = {
			.on_change = on_change, .on_set = on_set, .on_lost = on_lost, .userdata = f
		};
		sd_event *event = NULL;
		if (!keep_only_net_admin() || sd_event_new(&event) < 0 ||
		    rtnl_new(event, &options, &f->rtnl) < 0)
			_exit(3);
		_exit(strcmp(show(f, "veth1", text), "br0/" MAC1) == 0 ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	container_free(pid);
}

static void a_flapping_container_costs_nothing(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_with_container(f);
	struct rtnl_counters before = rtnl_counters(f->rtnl);
	unsigned int n_changes = f->n_changes;
	for (int i = 0; i < 20; i++)
		run("nsenter -t %d -n ip link set peer0 %s", (int)pid, i % 2 ? "up" : "down");
	/* A message that comes at once, for one more to look at. */
	run("ip link set veth1 mtu 1400");
	settle(f);
	assert_true(rtnl_counters(f->rtnl).messages > before.messages);
	assert_int_equal(rtnl_counters(f->rtnl).queries, before.queries);
	assert_int_equal(f->n_changes, n_changes);
	container_free(pid);
}

static void a_start_asks_once_for_each_port(void **state)
{
	enum { PORTS = 100 };
	struct fixture *f = *state;
	pid_t pid = container_new();

	for (int i = 0; i < PORTS; i++)
		run("ip link add v%d master br0 type veth peer name p%d netns %d", i, i, (int)pid);
	start(f, NULL, 0);
	assert_int_equal(rtnl_counters(f->rtnl).queries, PORTS);
	assert_int_equal(rtnl_counters(f->rtnl).query_failures, 0);
	container_free(pid);
}

/* The kernel says nothing of the port when its peer, which is down, leaves. */
static void who_takes_a_peers_number_is_not_the_peer(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();

	start(f, NULL, 0);
	run("ip link add veth1 master br0 type veth peer name peer0 address " MAC1);
	wait_for_port(f, "veth1", "br0/" MAC1);
	unsigned int number = if_nametoindex("peer0");
	assert_true(number > 0);
	run("ip link set peer0 netns %d", (int)pid);
	run("ip link add evil index %u address " EVIL " type veth peer name other", number);
	settle(f);
	assert_port(f, "veth1", "br0/" MAC1);
	assert_false(f->seen_evil);
	run("ip link del evil");
	container_free(pid);
}

/* As Docker brings them back when a container ends: rtnetlink's lock is busy then. */
static void a_peer_that_comes_back_is_not_asked_for(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_with_container(f);
	struct rtnl_counters before = rtnl_counters(f->rtnl);
	run("nsenter -t %d -n ip link set peer0 netns %d", (int)pid, (int)getpid());
	run("ip link set peer0 address " MAC2);
	wait_for_port(f, "veth1", "br0/" MAC2);
	run("ip link del veth1");
	wait_for_port(f, "veth1", "none");
	assert_int_equal(rtnl_counters(f->rtnl).queries, before.queries);
	container_free(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RTNL_TEST(who_takes_a_peers_number_is_not_the_peer),
		RTNL_TEST(a_peer_that_comes_back_is_not_asked_for),
		RTNL_TEST(a_port_is_followed_through_dockers_steps),
		RTNL_TEST(a_container_cannot_change_who_it_is),
		RTNL_TEST(a_restart_keeps_what_was_known),
		RTNL_TEST(numbers_are_not_mixed_up_between_namespaces),
		RTNL_TEST(net_admin_is_enough),
		RTNL_TEST(a_flapping_container_costs_nothing),
		RTNL_TEST(a_start_asks_once_for_each_port),
	};
	int r = have_netns();

	return r ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
