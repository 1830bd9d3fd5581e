/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host is set to, beside its containers. edge/host reads it below the root folder, as files
 * of /proc/sys, /etc and systemd's units say it, and with the forward policies from edge/fw;
 * core/report/doctor says what of it weakens a guarantee. Texts live in the arena of who asked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/ip.h"

enum doctor_answer { DOCTOR_UNKNOWN, DOCTOR_NO, DOCTOR_YES };

#define DOCTOR_RESOLVERS 8

struct doctor_host {
	enum doctor_answer forwarding[2];      /* net.ipv4.ip_forward, ipv6 conf/all/forwarding */
	enum doctor_answer forward_accepts[2]; /* policy of iptables' chain FORWARD; UNKNOWN: none
						* in nf_tables */
	const char *const *localnet;	       /* interfaces with route_localnet = 1, sorted */
	size_t n_localnet;
	bool userland_proxy;	     /* Docker's setting in daemon.json, or its default */
	bool docker_filters_nothing; /* its setting `iptables` is off */
	bool docker_sets_dns;	     /* daemon.json names resolvers */
	bool dns_is_loopback; /* the resolvers that containers are served from are on loopback */
	struct ip_addr
		resolvers[DOCTOR_RESOLVERS]; /* of the host's resolv.conf, as Docker reads it */
	size_t n_resolvers;
	bool firewalld, ufw;	      /* in use */
	bool netd_has_docker;	      /* the user netd is a member of group docker */
	bool nftables_flushes;	      /* nftables.service is enabled, with `flush ruleset` */
	const char *const *nft_files; /* scripts of nft that name netd's tables, by path */
	size_t n_nft_files;
	bool nft_left_out; /* there are more, or larger ones, than were looked at */
};
