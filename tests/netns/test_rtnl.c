/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/rtnl against the kernel: veths, bridges and "containers" (a child in its own namespace), all
 * inside a fresh network namespace. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "edge/rtnl/rtnl.h"

struct fixture {
	sd_event *event;
	struct rtnl *rtnl;
	unsigned int n_changes;
	bool seen_evil; /* a port has shown the MAC that a container gave itself */
};

/* ---- helpers ---- */

/* The command must succeed. */
PRINTF_LIKE(1, 2)
static void run(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	int status = system(line); /* NOLINT(cert-env33-c) */
	if (status != 0)
		fail_msg("%s: status %d", line, status);
}

/* A child in its own network namespace: what a container is to the network. It ends with us. */
static pid_t container_new(void)
{
	int ready[2];
	char byte = 0;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void container_free(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* In the order of Docker: pair, host end into the bridge and up, peer moved, MAC set, up. */
static void connect_container(const char *name, const char *bridge, pid_t pid, const char *mac)
{
	run("ip link add %s type veth peer name peer0", name);
	run("ip link set %s master %s up", name, bridge);
	run("ip link set peer0 netns %d", (int)pid);
	run("nsenter -t %d -n sh -c 'ip link set peer0 address %s && ip link set peer0 up'",
	    (int)pid, mac);
}

#define MAC1 "02:42:ac:12:00:02"
#define MAC2 "02:42:ac:12:00:03"
#define EVIL "02:42:ac:12:00:66"
#define ZERO "00:00:00:00:00:00"

static void on_change(void *userdata)
{
	struct fixture *f = userdata;
	size_t n;
	const struct world_port *ports = rtnl_ports(f->rtnl, &n);

	f->n_changes++;
	for (size_t i = 0; i < n; i++)
		f->seen_evil = f->seen_evil || ports[i].peer_mac.bytes[5] == 0x66;
}

static void start(struct fixture *f, const struct world_port *known, size_t n_known)
{
	const struct rtnl_options options = { on_change, f, known, n_known };

	assert_int_equal(rtnl_new(f->event, &options, &f->rtnl), 0);
	f->n_changes = 0;
}

static const struct world_port *find_port(const struct fixture *f, const char *ifname)
{
	size_t n;
	const struct world_port *ports = rtnl_ports(f->rtnl, &n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(ports[i].ifname, ifname) == 0)
			return &ports[i];
	}
	return NULL;
}

/* "bridge/mac" of a port, "none" without. */
static const char *show(const struct fixture *f, const char *ifname, char ret[64])
{
	const struct world_port *port = find_port(f, ifname);
	char mac[MAC_TEXT_LEN];

	if (!port)
		return "none";
	(void)snprintf(ret, 64, "%s/%s", port->bridge, mac_format(&port->peer_mac, mac));
	return ret;
}

/* What has happened so far: the kernel queues most messages before a command returns. The news that
 * a carrier is up comes later: wait_for_port(). */
static void settle(struct fixture *f)
{
	while (sd_event_run(f->event, 0) > 0)
		;
}

static void assert_port(struct fixture *f, const char *ifname, const char *want)
{
	char text[64];

	settle(f);
	assert_string_equal(show(f, ifname, text), want);
}

static double now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* For what the kernel does in its own time. */
static void wait_for_port(struct fixture *f, const char *ifname, const char *want)
{
	char text[64];
	double deadline = now_s() + 10;

	while (strcmp(show(f, ifname, text), want) != 0 && now_s() < deadline)
		(void)sd_event_run(f->event, 20000);
	assert_string_equal(show(f, ifname, text), want);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || unshare(CLONE_NEWNET) < 0 || sd_event_new(&f->event) < 0)
		return -1;
	run("ip link set lo up");
	run("ip link add br0 type bridge");
	run("ip link set br0 up");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->rtnl = rtnl_free(f->rtnl);
	f->event = sd_event_unref(f->event);
	free(f);
	return 0;
}

/* ---- tests ---- */

static void ports_of_before_the_start_are_found(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();
	size_t n;

	run("ip link add vx0 type vxlan id 5 dstport 4789");
	run("ip link set vx0 master br0");
	run("ip link add lonely type veth peer name lonely1");
	connect_container("vethb", "br0", pid, MAC2);
	run("ip link add vetha type veth peer name here address " MAC1);
	run("ip link set vetha master br0");
	start(f, NULL, 0);
	const struct world_port *ports = rtnl_ports(f->rtnl, &n);
	assert_int_equal(n, 3);
	assert_string_equal(ports[0].ifname, "vetha");
	assert_string_equal(ports[1].ifname, "vethb");
	assert_string_equal(ports[2].ifname, "vx0");
	assert_port(f, "vx0", "br0/" ZERO);
	assert_port(f, "vetha", "br0/" MAC1);
	assert_port(f, "vethb", "br0/" MAC2);
	assert_port(f, "lonely", "none");
	assert_int_equal(f->n_changes, 0);
	assert_true(rtnl_ifindex(f->rtnl, "lonely") > 0);
	assert_int_equal(rtnl_ifindex(f->rtnl, "absent"), 0);
	assert_string_equal(rtnl_bridge_of(f->rtnl, "vetha"), "br0");
	assert_null(rtnl_bridge_of(f->rtnl, "lonely"));
	assert_null(rtnl_bridge_of(f->rtnl, "absent"));
	container_free(pid);
}

static void bridges_and_what_is_plugged_into_them_are_told_apart(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();
	static const struct {
		const char *ifname;
		enum world_port_kind kind;
	} want[] = {
		{ "patch0", WORLD_PORT_CABLE },	   { "tap0", WORLD_PORT_TAP },
		{ "veth9", WORLD_PORT_CABLE },	   { "vetha", WORLD_PORT_CONTAINER },
		{ "vethb", WORLD_PORT_CONTAINER }, { "vm0", WORLD_PORT_CABLE },
		{ "vx0", WORLD_PORT_UPLINK },
	};
	size_t n;

	start(f, NULL, 0);
	run("ip link add br1 type bridge && ip link property add dev br1 altname other1 "
	    "altname a-name-that-is-longer-than-any-first-one");
	run("ip link add vx0 type vxlan id 5 dstport 4789 && ip link set vx0 master br0");
	run("ip tuntap add tap0 mode tap && ip link set tap0 master br0");
	run("ip link add veth9 type veth peer name patch0");
	run("ip link set veth9 master br0 && ip link set patch0 master br1");
	run("ip link add vetha type veth peer name here && ip link set vetha master br0");
	connect_container("vethb", "br0", pid, MAC2);
	run("ip link add vm0 type veth peer name peer1 && ip link set vm0 master br0");
	run("ip link set peer1 netns %d", (int)pid);
	settle(f);
	const struct world_port *ports = rtnl_ports(f->rtnl, &n);
	assert_int_equal(n, ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(ports[i].ifname, want[i].ifname);
		assert_int_equal(ports[i].kind, want[i].kind);
	}
	struct world_bridges bridges = rtnl_bridges(f->rtnl);
	assert_int_equal(bridges.n, 2);
	assert_string_equal(bridges.items[1].name, "br1");
	assert_int_equal(bridges.items[1].ifindex, rtnl_ifindex(f->rtnl, "br1"));
	assert_int_equal(bridges.n_altnames, 1);
	assert_string_equal(bridges.altnames[0].name, "other1");
	assert_string_equal(bridges.altnames[0].bridge, "br1");
	/* The kernel tells of names only where the bridge is up, and with the next change. */
	run("ip link set br1 up && ip link property del dev br1 altname other1");
	settle(f);
	assert_int_equal(rtnl_bridges(f->rtnl).n_altnames, 0);
	container_free(pid);
}

/* Also when it is out of sight again at once, in a container. */
static void a_bridge_that_something_stands_on_is_known(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new();

	run("ip link add br1 type bridge && ip link set br1 up");
	run("ip link add mv0 link br1 type macvlan mode bridge && ip link set mv0 netns %d",
	    (int)pid);
	run("nsenter -t %d -n ip link set mv0 up", (int)pid);
	start(f, NULL, 0);
	struct world_bridges bridges = rtnl_bridges(f->rtnl);
	assert_false(bridges.items[0].stacked);
	assert_true(bridges.items[1].stacked); /* from before the start: it is promiscuous */
	run("ip link add mv1 link br0 type macvlan mode bridge && ip link set mv1 netns %d",
	    (int)pid);
	settle(f);
	assert_true(rtnl_bridges(f->rtnl).items[0].stacked);
	container_free(pid);
}

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
	run("nsenter -t %d -n ip link set peer0 address " MAC1, (int)pid);
	run("nsenter -t %d -n ip link set peer0 name eth0", (int)pid);
	run("nsenter -t %d -n ip link set eth0 up", (int)pid);
	wait_for_port(f, "veth1", "br0/" MAC1);
	container_free(pid);
	wait_for_port(f, "veth1", "none");
}

static void a_container_cannot_change_who_it_is(void **state)
{
	struct fixture *f = *state;
	pid_t pid = container_new(), nested = container_new();

	start(f, NULL, 0);
	connect_container("veth1", "br0", pid, MAC1);
	wait_for_port(f, "veth1", "br0/" MAC1);
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

static void ports_come_go_and_are_renamed(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, 0);
	run("ip link add veth1 type veth peer name here address " MAC1);
	run("ip link set veth1 master br0");
	assert_port(f, "veth1", "br0/" MAC1);
	/* The peer is the host's own as long as it is here: its MAC may change. */
	run("ip link set here address " MAC2);
	run("ip link set here up");
	run("ip link set veth1 up");
	assert_port(f, "veth1", "br0/" MAC2);
	run("ip link set veth1 down");
	run("ip link set veth1 name veth2");
	assert_port(f, "veth1", "none");
	assert_port(f, "veth2", "br0/" MAC2);
	run("ip link set br0 down");
	run("ip link set br0 name br7");
	assert_port(f, "veth2", "br7/" MAC2);
	assert_int_equal(rtnl_ifindex(f->rtnl, "br0"), 0);
	run("ip link set veth2 nomaster");
	assert_port(f, "veth2", "none");
	assert_true(rtnl_ifindex(f->rtnl, "veth2") > 0);
	run("ip link set veth2 master br7");
	assert_port(f, "veth2", "br7/" MAC2);
	run("ip link del br7");
	assert_port(f, "veth2", "none");
	run("ip link del veth2");
	settle(f);
	assert_int_equal(rtnl_ifindex(f->rtnl, "veth2"), 0);
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

static void lost_messages_are_made_good(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/netd-rtnl-XXXXXX";
	int fd = mkstemp(path);
	FILE *batch = fdopen(fd, "w");

	assert_non_null(batch);
	run("ip link add gone type veth peer name gone1");
	run("ip link set gone master br0");
	start(f, NULL, 0);
	run("ip link add busy type veth peer name busy1");
	for (int i = 0; i < 20000; i++)
		(void)fprintf(batch, "link set busy mtu %d\n", 1400 + i % 2);
	(void)fprintf(batch, "link del gone\n"
			     "link add veth1 type veth peer name here address " MAC1 "\n"
			     "link set veth1 master br0\n");
	assert_int_equal(fclose(batch), 0);
	run("ip -batch %s", path);
	(void)unlink(path);
	wait_for_port(f, "veth1", "br0/" MAC1);
	assert_true(rtnl_counters(f->rtnl).overruns > 0);
	assert_port(f, "gone", "none");
	assert_int_equal(rtnl_ifindex(f->rtnl, "gone"), 0);
	/* And it goes on as before. */
	run("ip link set veth1 nomaster");
	assert_port(f, "veth1", "none");
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
		const struct rtnl_options options = { .on_change = on_change, .userdata = f };
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
	pid_t pid = container_new();

	start(f, NULL, 0);
	connect_container("veth1", "br0", pid, MAC1);
	wait_for_port(f, "veth1", "br0/" MAC1);
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

static void assert_learns_locally(const char *bridge, bool want)
{
	run("ip -d link show %s | grep -q 'no_linklocal_learn %d'", bridge, !want);
}

/* Also one that Docker makes anew under the same name. */
static void managed_bridges_do_not_learn_from_lldp(void **state)
{
	struct fixture *f = *state;
	const struct world_network network = { .driver = "bridge", .bridge = "br0" };
	const struct world world = { .networks = &network, .n_networks = 1 };

	run("ip link add other type bridge");
	start(f, NULL, 0);
	assert_learns_locally("br0", true);
	assert_int_equal(rtnl_end_local_learning(f->rtnl, &world), 0);
	assert_learns_locally("br0", false);
	assert_learns_locally("other", true);
	run("ip link delete br0");
	settle(f);
	assert_int_equal(rtnl_end_local_learning(f->rtnl, &world), 0);
	run("ip link add br0 type bridge");
	settle(f);
	assert_learns_locally("br0", true);
	assert_int_equal(rtnl_end_local_learning(f->rtnl, &world), 0);
	assert_learns_locally("br0", false);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(ports_of_before_the_start_are_found),
		T(bridges_and_what_is_plugged_into_them_are_told_apart),
		T(a_bridge_that_something_stands_on_is_known),
		T(a_port_is_followed_through_dockers_steps),
		T(a_container_cannot_change_who_it_is),
		T(a_restart_keeps_what_was_known),
		T(ports_come_go_and_are_renamed),
		T(numbers_are_not_mixed_up_between_namespaces),
		T(lost_messages_are_made_good),
		T(net_admin_is_enough),
		T(managed_bridges_do_not_learn_from_lldp),
		T(a_flapping_container_costs_nothing),
		T(a_start_asks_once_for_each_port),
	};
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("SKIP: a network namespace of its own is not to be had: %s\n",
			      strerror(errno));
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
