#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# docker compose 2.26.1 (Debian trixie): one port that is published on all addresses, and on IPv4's.
#
# `"80:80"` publishes on every address of the host, IPv6 included. With `"0.0.0.0:80:80"` beside it, as an
# override file may have it, the first is dropped: what counts is the port alone, and the last one
# stays. The port is then published over IPv4 only. The other way round it is published over both.
#
# Seen: host_ip 0.0.0.0 alone.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"

debian_root trixie docker-compose
debian_program compose usr/libexec/docker/cli-plugins/docker-compose 2.26.1

# How many ports docker compose makes of a list, and on how many of them it names an address.
ports_of() {
	printf 'name: shop\nservices: {web: {image: "web:1", ports: [%s]}}\n' "$1" >"$work/compose.yaml"
	"$work/compose" -f "$work/compose.yaml" config >"$work/said" 2>"$work/error" ||
		cannot "$(head -n 1 "$work/error")"
	echo "$(grep -c "target: 80" "$work/said") $(grep -c "host_ip: 0.0.0.0" "$work/said")"
}

all_first=$(ports_of '"80:80", "0.0.0.0:80:80"')
all_last=$(ports_of '"0.0.0.0:80:80", "80:80"')
echo '"80:80", "0.0.0.0:80:80": ports, ports with an address:' "$all_first"
echo '"0.0.0.0:80:80", "80:80": ports, ports with an address:' "$all_last"
if [ "$all_first, $all_last" != "1 1, 1 0" ]; then
	echo "changed"
	exit 1
fi
