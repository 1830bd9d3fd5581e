/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/rtnl against the kernel: ports and bridges, what they are and how they come and go. Needs
 * root. */
#include "core/world/world-store.h"
#include "rtnl_lib.h"

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
	settle(f);
	assert_int_equal(f->n_set, 1);
	assert_learns_locally("br0", false);
	assert_learns_locally("other", true);
	run("ip link delete br0");
	settle(f);
	assert_int_equal(rtnl_end_local_learning(f->rtnl, &world), 0);
	run("ip link add br0 type bridge");
	settle(f);
	assert_learns_locally("br0", true);
	assert_int_equal(rtnl_end_local_learning(f->rtnl, &world), 0);
	settle(f);
	assert_int_equal(f->n_set, 2);
	assert_learns_locally("br0", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RTNL_TEST(ports_of_before_the_start_are_found),
		RTNL_TEST(bridges_and_what_is_plugged_into_them_are_told_apart),
		RTNL_TEST(a_bridge_that_something_stands_on_is_known),
		RTNL_TEST(ports_come_go_and_are_renamed),
		RTNL_TEST(lost_messages_are_made_good),
		RTNL_TEST(managed_bridges_do_not_learn_from_lldp),
	};
	int r = have_netns();

	return r ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
