/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify: what the kernel holds is what was committed, says the daemon; and published ports answer
 * on this host, which is tried from here. */
#include <errno.h>
#include <string.h>

#include "ctl/ctl.h"
#include "edge/probe/probe.h"

#define PROBE_TIMEOUT_MS 2000u /* a local answer takes less than one */

static const char *const results[] = {
	[PROBE_ANSWERS] = "answers",
	[PROBE_REFUSED] = "refused",
	[PROBE_SILENT] = "silent",
	[PROBE_UNREACHABLE] = "unreachable",
};

struct probing {
	struct probe probes[PROBES_MAX];
	const cJSON *ports[PROBES_MAX];	      /* of the report */
	struct port_range inside[PROBES_MAX]; /* the container's port behind it */
	size_t n, n_left_out;
};

/* Where this host reaches the first of these ports: an address for all is the loopback address,
 * too. How many ports there are; 0: none that can be tried. */
static size_t target_of(const cJSON *port, struct probe *ret, struct port_range *ret_inside)
{
	const char *host_ip = wire_string(port, "host_ip"), *inside = wire_string(port, "port");
	double host_port = wire_number(port, "host_port", 0);

	if (!host_ip || !inside || port_range_parse(inside, ret_inside) < 0 ||
	    ret_inside->proto != PROTO_TCP || !(host_port >= 1 && host_port <= UINT16_MAX))
		return 0;
	if (strcmp(host_ip, "0.0.0.0") == 0)
		host_ip = "127.0.0.1";
	else if (strcmp(host_ip, "::") == 0)
		host_ip = "::1";
	ret->port = (uint16_t)host_port;
	return ip_parse(host_ip, &ret->addr) == 0 ? ret_inside->hi - ret_inside->lo + 1u : 0;
}

static void gather(struct probing *p, const cJSON *ports)
{
	const cJSON *port;

	cJSON_ArrayForEach(port, wire_array(ports, "ports")) {
		struct probe probe = { 0 };
		struct port_range inside = { 0 };
		size_t n = target_of(port, &probe, &inside), i = 0;
		for (; i < n && p->n < PROBES_MAX; i++, probe.port++, inside.lo++) {
			p->probes[p->n] = probe;
			p->inside[p->n] = (struct port_range){ inside.proto, inside.lo, inside.lo };
			p->ports[p->n++] = port;
		}
		p->n_left_out += n ? n - i : 1;
	}
}

/* The policy lets this host in: into every tier, and mostly nowhere else. */
static bool is_port_open(const cJSON *port)
{
	return wire_bool(port, "host", wire_string(port, "tier") != NULL);
}

static int add_probe(cJSON *list, const struct probing *p, size_t i)
{
	const struct probe *probe = &p->probes[i];
	const cJSON *port = p->ports[i];
	cJSON *object = cJSON_CreateObject();
	char addr[IP_TEXT_LEN], inside[PORT_RANGE_TEXT_LEN];

	if (!object || !cJSON_AddItemToArray(list, object)) {
		cJSON_Delete(object);
		return -ENOMEM;
	}
	if (wire_add_string(object, "address", ip_format(&probe->addr, addr)) < 0 ||
	    wire_add_number(object, "host_port", probe->port) < 0 ||
	    wire_add(object, "container",
		     cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(port, "container"), true)) <
		    0 ||
	    wire_add(object, "tier",
		     cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(port, "tier"), true)) < 0 ||
	    wire_add_bool(object, "host", is_port_open(port)) < 0 ||
	    wire_add_string(object, "port", port_range_format(&p->inside[i], inside)) < 0 ||
	    wire_add_string(object, "result", results[probe->result]) < 0)
		return -ENOMEM;
	return 0;
}

/* *silent: a port does not answer, though the policy lets this host in. */
static int add_probes(const struct ctl *ctl, cJSON *report, bool *silent)
{
	struct probing p = { .n = 0 };
	cJSON *ports = NULL, *list = cJSON_AddArrayToObject(report, "probes");
	int status = live_ask(ctl, wire_new_request("ports"), &ports);

	if (!ports || !list) {
		cJSON_Delete(ports);
		return ports ? ctl_out_of_memory() : status;
	}
	gather(&p, ports);
	int r = probe_tcp(p.probes, p.n, PROBE_TIMEOUT_MS);
	for (size_t i = 0; r == 0 && i < p.n; i++) {
		*silent |= p.probes[i].result == PROBE_SILENT && is_port_open(p.ports[i]);
		r = add_probe(list, &p, i);
	}
	cJSON_Delete(ports);
	if (r == 0)
		r = wire_add_number(report, "not_probed", (double)p.n_left_out);
	if (r == 0 || r == -ENOMEM)
		return r == 0 ? CTL_OK : ctl_out_of_memory();
	ctl_complain("the published ports cannot be tried: %s", strerror(-r));
	return CTL_UNREACHABLE;
}

int verb_verify(struct ctl *ctl, const struct ctl_args *args)
{
	cJSON *report = NULL;
	bool silent = false;

	(void)args;
	int status = live_ask(ctl, wire_new_request("verify"), &report);
	if (!report)
		return status;
	int probed = add_probes(ctl, report, &silent);
	if (probed != CTL_OK) {
		cJSON_Delete(report);
		return probed;
	}
	return show_report(ctl, report, show_verify, silent ? CTL_FINDING : status);
}
