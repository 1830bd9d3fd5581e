/* SPDX-License-Identifier: GPL-2.0-or-later */
/* veths, bridges and "containers" (a child in its own namespace), all inside a fresh network
 * namespace, and what edge/rtnl sees of them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/rtnl/rtnl.h"
#include "netns_lib.h"

struct fixture {
	sd_event *event;
	struct rtnl *rtnl;
	unsigned int n_changes, n_set, n_lost;
	bool seen_evil; /* a port has shown the MAC that a container gave itself */
};

/* The command must succeed. */
PRINTF_LIKE(1, 2)
static inline void run(const char *format, ...)
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
static inline pid_t container_new(void)
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

static inline void container_free(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* In the order of Docker: pair, host end into the bridge and up, peer moved, MAC set, up. */
static inline void connect_container(const char *name, const char *bridge, pid_t pid,
				     const char *mac)
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

static inline void on_change(void *userdata)
{
	struct fixture *f = userdata;
	size_t n;
	const struct world_port *ports = rtnl_ports(f->rtnl, &n);

	f->n_changes++;
	for (size_t i = 0; i < n; i++)
		f->seen_evil = f->seen_evil || ports[i].peer_mac.bytes[5] == 0x66;
}

static inline void on_set(void *userdata, const char *bridge, enum rtnl_setting setting, int r)
{
	struct fixture *f = userdata;

	(void)bridge;
	(void)setting;
	f->n_set += r == 0;
}

static inline void on_lost(void *userdata, bool late, int status)
{
	struct fixture *f = userdata;

	assert_false(late);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	f->n_lost++;
}

static inline void start(struct fixture *f, const struct world_port *known, size_t n_known)
{
	const struct rtnl_options options = { on_change, on_set, on_lost, f, known, n_known };

	assert_int_equal(rtnl_new(f->event, &options, &f->rtnl), 0);
	f->n_changes = 0;
}

static inline const struct world_port *find_port(const struct fixture *f, const char *ifname)
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
static inline const char *show(const struct fixture *f, const char *ifname, char ret[64])
{
	const struct world_port *port = find_port(f, ifname);
	char mac[MAC_TEXT_LEN];

	if (!port)
		return "none";
	(void)snprintf(ret, 64, "%s/%s", port->bridge, mac_format(&port->peer_mac, mac));
	return ret;
}

/* What has happened so far, and what the kernel was asked about it: it queues most messages before
 * a command returns. The news that a carrier is up comes later: wait_for_port(). */
static inline void settle(struct fixture *f)
{
	while (sd_event_run(f->event, rtnl_counters(f->rtnl).waiting ? 20000 : 0) > 0 ||
	       rtnl_counters(f->rtnl).waiting > 0)
		;
}

static inline void assert_port(struct fixture *f, const char *ifname, const char *want)
{
	char text[64];

	settle(f);
	assert_string_equal(show(f, ifname, text), want);
}

/* For what the kernel does in its own time. */
static inline void wait_for_port(struct fixture *f, const char *ifname, const char *want)
{
	char text[64];
	double deadline = now_s() + 10;

	while (strcmp(show(f, ifname, text), want) != 0 && now_s() < deadline)
		(void)sd_event_run(f->event, 20000);
	assert_string_equal(show(f, ifname, text), want);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	f->rtnl = rtnl_free(f->rtnl);
	f->event = sd_event_unref(f->event);
	free(f);
	return 0;
}

#define RTNL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
