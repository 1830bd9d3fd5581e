/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/host with the rights that netd has: another user than root with CAP_NET_ADMIN alone, and
 * with nothing. The sysctls are those of a fresh network namespace. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/host/host.h"

static bool become_nobody(uint32_t caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = caps, .permitted = caps } };

	return prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
	       syscall(SYS_capset, &header, data) == 0;
}

/* The number of the step that went wrong, or 0. */
static int as_netd(void)
{
	const char *name = NULL;
	bool on = false;

	if (!become_nobody(1u << CAP_NET_ADMIN))
		return 1;
	if (host_check_capabilities(&name) != 0)
		return 2;
	for (int i = 0; i < 2; i++)
		if (host_bridge_nf_get(i ? IP_V6 : IP_V4, &on) != 0)
			return 3;
	return 0;
}

static int as_nobody(void)
{
	const char *name = NULL;
	bool on;

	if (!become_nobody(0))
		return 1;
	if (host_check_capabilities(&name) != HOST_E_MISSING || strcmp(name, "CAP_NET_ADMIN") != 0)
		return 2;
	return host_bridge_nf_get(IP_V4, &on) == 0 ? 0 : 3;
}

static int in_child(int (*run)(void))
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status >> 8;
}

static void net_admin_is_enough(void **state)
{
	(void)state;
	assert_int_equal(in_child(as_netd), 0);
}

static void nobody_has_not_enough(void **state)
{
	(void)state;
	assert_int_equal(in_child(as_nobody), 0);
}

/* ---- addresses ---- */

static size_t place_of(const struct host_addresses *found, const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_parse(text, &addr), 0);
	for (size_t i = 0; i < found->addrs.n; i++)
		if (ip_compare(&found->addrs.items[i], &addr) == 0)
			return i;
	return SIZE_MAX;
}

/* Its own ones, not the far ends' of a line; link-local ones come last. */
static void addresses_of_all_interfaces(void **state)
{
	static const char *const own[] = { "127.0.0.1", "192.0.2.1", "198.51.100.1",
					   "2001:db8::1" };
	struct arena *arena = arena_new();
	struct host_addresses found = { 0 };

	(void)state;
	assert_int_equal(system("ip link set lo up && ip link add one type bridge && "
				"ip address add 192.0.2.1/24 dev one && "
				"ip address add 198.51.100.1 peer 198.51.100.2/32 dev one && "
				"ip address add fe80::1/64 dev one nodad && "
				"ip address add 2001:db8::1/64 dev one nodad"),
			 0);
	assert_int_equal(host_addresses(arena, &found), 0);
	size_t local = place_of(&found, "fe80::1");
	assert_int_equal(local, found.addrs.n - 1);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		assert_true(place_of(&found, own[i]) < local);
	assert_int_equal(place_of(&found, "198.51.100.2"), SIZE_MAX);
	(void)arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(net_admin_is_enough),
		cmocka_unit_test(nobody_has_not_enough),
		cmocka_unit_test(addresses_of_all_interfaces),
	};
	bool on;

	/* In a container /proc/sys may be read-only; a /proc of one's own is not. */
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0 || host_bridge_nf_get(IP_V4, &on) < 0) {
		print_message("SKIP: no network namespace, or br_netfilter is not loaded: %s\n",
			      strerror(errno));
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
