/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings about a host, from tables: one row is one kind of finding. error: a guarantee does not
 * hold; warning: it hangs on something that is not netd's; note: good to know, netd holds it. */
#include "core/report/doctor.h"

#include <errno.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/report/dns.h"
#include "core/report/flaw.h"
#include "core/report/json.h"

struct examining {
	const struct doctor_facts *facts;
	struct rj j;
	cJSON *list;
	size_t found;
};

struct doctor_finding {
	const char *id, *severity, *text, *remedy;
};

static void add(struct examining *e, const struct doctor_finding *finding, const char *subject)
{
	cJSON *object = rj_push_object(&e->j, e->list);

	rj_text(&e->j, object, "id", finding->id);
	rj_text(&e->j, object, "severity", finding->severity);
	rj_text(&e->j, object, "subject", subject);
	rj_text(&e->j, object, "text", finding->text);
	rj_text(&e->j, object, "remedy", finding->remedy);
	e->found += strcmp(finding->severity, "note") != 0;
}

/* ---- the host ---- */

static bool engine_is_rootless(const struct doctor_facts *f)
{
	return f->rootless;
}

static bool engine_is_foreign(const struct doctor_facts *f)
{
	return f->foreign_engine;
}

static bool kernel_refuses(const struct doctor_facts *f)
{
	return f->kernel_error;
}

static bool bridge_nf_is_missing(const struct doctor_facts *f)
{
	return f->lacks_bridge_nf;
}

static bool is_flushed(const struct doctor_facts *f)
{
	return f->host.nftables_flushes && f->owns_tables != DOCTOR_YES;
}

static bool is_flushed_but_owned(const struct doctor_facts *f)
{
	return f->host.nftables_flushes && f->owns_tables == DOCTOR_YES;
}

static bool tables_can_be_changed(const struct doctor_facts *f)
{
	return f->owns_tables == DOCTOR_NO;
}

static bool has_no_secmark(const struct doctor_facts *f)
{
	return f->has_secmark == DOCTOR_NO;
}

static bool secmark_is_used(const struct doctor_facts *f)
{
	return f->secmark_user;
}

static bool facts_disagree(const struct doctor_facts *f)
{
	return f->facts_disagree;
}

static bool waits_for_policy(const struct doctor_facts *f)
{
	return f->waits_for_policy;
}

static bool dns_leaks(const struct doctor_facts *f)
{
	return f->host.dns_is_loopback && !f->host.docker_sets_dns;
}

static bool netd_has_docker(const struct doctor_facts *f)
{
	return f->host.netd_has_docker;
}

static bool uses_firewalld(const struct doctor_facts *f)
{
	return f->host.firewalld;
}

static bool uses_ufw(const struct doctor_facts *f)
{
	return f->host.ufw;
}

static bool forwards(const struct doctor_facts *f, size_t family)
{
	return f->host.forwarding[family] == DOCTOR_YES &&
	       f->host.forward_accepts[family] == DOCTOR_YES;
}

static bool forward_accepts(const struct doctor_facts *f)
{
	return forwards(f, 0) || forwards(f, 1);
}

static bool forwards_nothing(const struct doctor_facts *f)
{
	return f->host.forwarding[0] == DOCTOR_NO;
}

static bool docker_filters_nothing(const struct doctor_facts *f)
{
	return f->host.docker_filters_nothing;
}

static bool has_userland_proxy(const struct doctor_facts *f)
{
	return f->host.userland_proxy;
}

static const struct {
	bool (*holds)(const struct doctor_facts *facts);
	struct doctor_finding finding;
} checks[] = {
	{ engine_is_rootless,
	  { "rootless-engine", "error",
	    "the engine is rootless: its bridges are in a network namespace of its own, "
	    "where netd enforces nothing",
	    "use the engine of the system, or run netd inside the engine's namespace" } },
	{ engine_is_foreign,
	  { "foreign-engine", "error",
	    "an engine other than the one that is meant answers at the socket: netd ignores what "
	    "it "
	    "says, and its containers reach nothing where netd closes their bridges",
	    "give netd the engine's own socket (--docker, DOCKER_HOST); the package podman-docker "
	    "links /run/docker.sock to podman, which netd follows with --engine podman" } },
	{ kernel_refuses,
	  { "kernel", "error", "this kernel does not accept netd's rules",
	    "Linux 5.10 or later with nf_tables for inet and bridge (NFT_BRIDGE_META, NF_TABLES_"
	    "INET, NF_TABLES_BRIDGE)" } },
	{ waits_for_policy,
	  { "no-policy", "error",
	    "no policy was ever in force on this host: netd enforces nothing, and waits for one",
	    "`netdctl plan FILE` shows what a policy would close; put it into /etc/netd/policy.d, "
	    "or `netdctl apply FILE`" } },
	{ bridge_nf_is_missing,
	  { "bridge-nf", "warning",
	    "the frames of a bridge cannot be shown to the rules: the flows between tiers on one "
	    "network that the policy allows are dropped",
	    "modprobe br_netfilter, and keep it in modules-load.d; netd's log says what else" } },
	{ is_flushed,
	  { "flush-ruleset", "warning",
	    "nftables.service loads a file with `flush ruleset`: whenever it is loaded, netd's "
	    "tables (and Docker's) are gone until netd writes them anew",
	    "in nftables.conf, flush only its own tables: `table inet filter; flush table inet "
	    "filter`" } },
	{ is_flushed_but_owned,
	  { "flush-ruleset-owned", "note",
	    "nftables.service loads a file with `flush ruleset`: it does not touch netd's tables, "
	    "which this kernel protects, but takes Docker's away",
	    "in nftables.conf, flush only its own tables" } },
	{ tables_can_be_changed,
	  { "tables-not-owned", "note",
	    "this kernel cannot protect tables from other processes of root: netd sees a change "
	    "and writes its tables anew",
	    "Linux 6.9 or later" } },
	{ has_no_secmark,
	  { "no-secmark", "note",
	    "this kernel keeps no security mark with a connection, where netd would note that it "
	    "was accepted: every packet is judged, which costs time and changes no verdict",
	    "a kernel with CONFIG_NF_CONNTRACK_SECMARK" } },
	{ secmark_is_used,
	  { "secmark-in-use", "note",
	    "rules of others keep security marks in connections (CONNSECMARK): netd leaves those "
	    "alone and judges every packet, which costs time and changes no verdict",
	    "nothing to do; without these rules netd judges a connection once" } },
	{ facts_disagree,
	  { "disagreement", "warning",
	    "Docker's bridges have ports that belong to no known container, or containers have no "
	    "port there: they are closed",
	    "`netdctl status` lists them; restart the container, or take what was plugged in by "
	    "hand off the bridge" } },
	{ dns_leaks,
	  { "dns-loopback", "warning",
	    "the host's resolver is a loopback address: Docker's embedded DNS server asks it in "
	    "the host's name, so that containers can send data out in DNS questions, whatever the "
	    "policy says",
	    "name a resolver that is not on loopback: \"dns\": [\"ADDRESS\"] in "
	    "/etc/docker/daemon.json" } },
	{ netd_has_docker,
	  { "docker-group", "warning",
	    "the user netd is a member of group docker: whoever takes over netd is root on this "
	    "host; netd asks Docker through netd-reader and does not need that group",
	    "gpasswd --delete netd docker; systemctl restart netd" } },
	{ uses_firewalld,
	  { "firewalld", "note",
	    "firewalld is in use: what it drops stays dropped, what it accepts netd still judges",
	    "nothing to do; rules for containers belong in netd's policy" } },
	{ uses_ufw,
	  { "ufw", "note",
	    "ufw is in use: it does not see published ports (Docker goes past it), netd does",
	    "nothing to do; rules for containers belong in netd's policy" } },
	{ forward_accepts,
	  { "forward-accept", "note",
	    "the policy of iptables' chain FORWARD is ACCEPT: without netd's tables, neighbours "
	    "reach containers by a direct route",
	    "iptables -P FORWARD DROP (and ip6tables), as Docker does where it turns forwarding "
	    "on" } },
	{ forwards_nothing,
	  { "no-forwarding", "note", "net.ipv4.ip_forward is 0: containers reach nobody outside",
	    "sysctl net.ipv4.ip_forward=1 where they should" } },
	{ docker_filters_nothing,
	  { "docker-iptables-off", "warning",
	    "Docker programs no packet filter (`iptables` is off): netd's tables alone keep "
	    "networks apart, and where explain, plan and test say that Docker drops a flow which "
	    "the policy allows, it passes",
	    "leave `iptables` on in Docker's settings, or allow nothing between networks that is "
	    "not meant" } },
	{ has_userland_proxy,
	  { "userland-proxy", "note",
	    "Docker's userland proxy is on: a container sees the bridge's gateway as the client "
	    "where the proxy takes the connection (from this host, over IPv6, from other "
	    "containers); netd judges the client itself",
	    "nothing to do" } },
};

static const char *subject_of(const struct doctor_facts *f,
			      bool (*holds)(const struct doctor_facts *facts))
{
	if (holds == kernel_refuses)
		return f->kernel_error;
	if (holds == engine_is_foreign)
		return f->foreign_engine;
	return holds == secmark_is_used ? f->secmark_user : NULL;
}

static void examine_host(struct examining *e)
{
	static const struct doctor_finding with_proxy = {
		"route-localnet", "warning",
		"route_localnet is 1: packets for 127.0.0.0/8 from this interface reach the host's "
		"loopback services where netd's tables are not in force",
		"sysctl net.ipv4.conf.INTERFACE.route_localnet=0 (Docker leaves it at 1 after it "
		"ran "
		"with userland-proxy=false)"
	};
	static const struct doctor_finding without_proxy = {
		"route-localnet-docker", "note",
		"route_localnet is 1, as Docker needs it without its userland proxy; netd drops "
		"packets for 127.0.0.0/8 that come from outside the host",
		"nothing to do"
	};
	static const struct doctor_finding owned = {
		"saved-tables", "warning",
		"names netd's tables: while they are in the kernel, nft refuses to load this file "
		"as a whole, so that nothing of it takes effect; loaded before netd starts, it may "
		"put the rules of that day in force until netd replaces them",
		"take both tables out of the file, as netd writes its own: save single tables "
		"(`nft list table inet filter`) and not the whole ruleset"
	};
	static const struct doctor_finding not_owned = {
		"saved-tables-unprotected", "warning",
		"names netd's tables, which this kernel does not protect: whoever loads this file "
		"puts the rules of that day in force, until netd sees it and writes its own",
		"take both tables out of the file, as netd writes its own: save single tables "
		"(`nft list table inet filter`) and not the whole ruleset"
	};
	const struct doctor_host *host = &e->facts->host;

	for (size_t i = 0; i < host->n_nft_files; i++)
		add(e, e->facts->owns_tables == DOCTOR_NO ? &not_owned : &owned,
		    host->nft_files[i]);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (checks[i].holds(e->facts))
			add(e, &checks[i].finding, subject_of(e->facts, checks[i].holds));
	for (size_t i = 0; i < host->n_localnet; i++)
		add(e, host->userland_proxy ? &with_proxy : &without_proxy, host->localnet[i]);
}

/* ---- containers and networks ---- */

static const struct {
	enum world_trait trait;
	struct doctor_finding finding;
} givens[] = {
	{ WORLD_PRIVILEGED,
	  { "privileged", "error",
	    "is privileged: it can do whatever root can on this host, and change netd's rules",
	    "run it without --privileged, with the single capabilities and devices it needs" } },
	{ WORLD_DOCKER_SOCKET,
	  { "docker-socket", "error",
	    "has Docker's socket (or a folder with it): that makes it root on this host",
	    "remove the mount, or put a read-only proxy in between" } },
	{ WORLD_HOST_NETWORK,
	  { "host-network", "warning",
	    "uses the host's network: for netd it is the host, no tier applies to it",
	    "attach it to a network and publish its ports" } },
	{ WORLD_HOST_PID,
	  { "host-pid", "warning",
	    "sees the host's processes: if it may trace one of them, it can leave its network",
	    "run it without --pid=host" } },
	{ WORLD_CAP_SYS_ADMIN,
	  { "cap-sys-admin", "error",
	    "has CAP_SYS_ADMIN: it can mount, and enter other namespaces that it gets hold of",
	    "drop the capability" } },
	{ WORLD_CAP_SYS_MODULE,
	  { "cap-sys-module", "error", "has CAP_SYS_MODULE: it can put code into the kernel",
	    "drop the capability" } },
	{ WORLD_CAP_SYS_RAWIO,
	  { "cap-sys-rawio", "error", "has CAP_SYS_RAWIO: it can write to the host's devices",
	    "drop the capability" } },
	{ WORLD_CAP_DAC_READ_SEARCH,
	  { "cap-dac-read-search", "error",
	    "has CAP_DAC_READ_SEARCH: it can open the host's files by handle",
	    "drop the capability" } },
	{ WORLD_CAP_SYS_PTRACE,
	  { "cap-sys-ptrace", "warning",
	    "has CAP_SYS_PTRACE: with the host's processes in sight it becomes one of them",
	    "drop the capability" } },
	{ WORLD_CAP_BPF,
	  { "cap-bpf", "warning", "has CAP_BPF: it can load programs into the kernel",
	    "drop the capability" } },
	{ WORLD_CAP_NET_ADMIN,
	  { "cap-net-admin", "warning",
	    "has CAP_NET_ADMIN: it can take other addresses and routes; netd drops what is not "
	    "its own on a bridge, and on a bridge only",
	    "drop the capability" } },
};

static void examine_container(struct examining *e, const struct world_container *container)
{
	uint32_t traits = container->traits;

	if (traits & WORLD_PRIVILEGED) /* the capabilities say nothing more */
		traits &= WORLD_PRIVILEGED | WORLD_DOCKER_SOCKET | WORLD_HOST_NETWORK |
			  WORLD_HOST_PID;
	for (size_t i = 0; i < ARRAY_LEN(givens); i++)
		if (traits & givens[i].trait)
			add(e, &givens[i].finding, container->name);
}

/* Where all resolvers are on loopback, dns-loopback has said it for every network. */
static void examine_dns(struct examining *e, const struct world_network *network)
{
	static const struct doctor_finding leak = {
		"dns-host", "warning",
		"Docker's embedded DNS server asks the host's resolvers in the host's name for the "
		"containers of this network: they can send data out in DNS questions, whatever the "
		"policy says",
		"name the resolvers in Docker's own settings, then the containers ask: \"dns\": "
		"[\"ADDRESS\"] in /etc/docker/daemon.json, and `to: dns` in the policy for the "
		"tiers that "
		"may"
	};
	const struct doctor_host *host = &e->facts->host;

	for (size_t i = 0; i < host->n_resolvers && !host->docker_sets_dns; i++)
		if (!host->dns_is_loopback &&
		    report_dns_leaks_on(e->facts->world, network, &host->resolvers[i])) {
			add(e, &leak, network->name);
			return;
		}
}

static void examine_network(struct examining *e, const struct world_network *network)
{
	struct doctor_finding past = { "network-driver", "warning", NULL, NULL };

	if (world_network_is_beyond(network) && !network->flaw &&
	    !world_find_parent(e->facts->world, network)) {
		past.text = world_beyond_why(network, &past.remedy);
		add(e, &past, network->name);
	}
	examine_dns(e, network);
}

/* Each is closed, and the others are not concerned. */
static void examine_flaws(struct examining *e, const struct world *world)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct report_flaw flaw;
	size_t n = 0;

	for (size_t cursor = 0; report_next_flaw(world, &cursor, &flaw) && n < LIMIT_FLAWS; n++) {
		struct doctor_finding finding = {
			"docker-object", "warning", NULL,
			"look at it with `docker inspect`, and create it again without that"
		};
		text.len = 0;
		text_printf(&text, "%s closed, as what Docker says of %s cannot be used: %s",
			    *flaw.id ? "is" : "without an id are", *flaw.id ? "it" : "them",
			    flaw.text);
		finding.text = text_str(&text);
		add(e, &finding, *flaw.id ? flaw.name : flaw.kind);
	}
	e->j.failed |= text_failed(&text);
}

static void examine_bridges(struct examining *e)
{
	static const struct doctor_finding closed = {
		"bridge-closed", "warning",
		"is named like an engine's bridge, or has a container, but no Docker network uses "
		"it: it is closed",
		"ip link delete NAME if it is left over; an admin's bridge needs another name"
	};
	static const struct doctor_finding shared = {
		"bridge-shared", "warning",
		"carries an uplink or a virtual machine beside Docker's containers: only the "
		"containers are judged, and flows between them that are told apart by connection "
		"need bridge-nf-call-iptables of the host",
		"give Docker a bridge of its own"
	};

	for (size_t i = 0; i < e->facts->n_bridges; i++)
		add(e, e->facts->bridges[i].closed ? &closed : &shared, e->facts->bridges[i].name);
}

static void examine_speakers(struct examining *e)
{
	CLEANUP(text_done) struct text text = { 0 };

	for (size_t i = 0; i < e->facts->n_speakers; i++) {
		struct doctor_finding finding = {
			"speaks-for", "note", NULL,
			"nothing to do, if it is a router, or shares an "
			"address that moves; else `speaks_for` of its tier"
		};
		text.len = 0;
		text_printf(&text,
			    "speaks for %s, as the policy says: what it sends as these is "
			    "believed, and a router sees and may change what goes through it",
			    e->facts->speakers[i].addresses);
		finding.text = text_str(&text);
		add(e, &finding, e->facts->speakers[i].name);
	}
	e->j.failed |= text_failed(&text);
}

static void add_gaps(struct examining *e, cJSON *root)
{
	cJSON *list = rj_add_array(&e->j, root, "unchecked");

	for (size_t i = 0; i < e->facts->n_gaps; i++) {
		cJSON *object = rj_push_object(&e->j, list);
		rj_text(&e->j, object, "what", e->facts->gaps[i].what);
		rj_text(&e->j, object, "why", e->facts->gaps[i].why);
	}
}

int report_doctor(const struct doctor_facts *facts, cJSON **ret, size_t *found)
{
	struct examining e = { .facts = facts };
	const struct world *world = facts->world;
	cJSON *root = rj_answer(&e.j);

	e.list = rj_add_array(&e.j, root, "findings");
	examine_host(&e);
	for (size_t i = 0; world && i < world->n_networks; i++)
		examine_network(&e, &world->networks[i]);
	for (size_t i = 0; world && i < world->n_containers; i++)
		examine_container(&e, &world->containers[i]);
	if (world)
		examine_flaws(&e, world);
	examine_bridges(&e);
	examine_speakers(&e);
	add_gaps(&e, root);
	int r = rj_finish(&e.j, root, ret);
	if (r == 0)
		*found = e.found;
	return r;
}
