#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# docker compose 2.26.1 (Debian trixie): the subnets of a network in two files.
#
# Where two files say something of one network, its mappings are merged and most lists are joined. The list
# below `ipam.config` is neither: an override that adds an IPv6 subnet takes the IPv4 one away, with its
# gateway, and without a word. The network then has IPv4 addresses of Docker's own choice.
#
# Seen: 2001:db8:1::/64 alone.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"

debian_root trixie docker-compose
debian_program compose usr/libexec/docker/cli-plugins/docker-compose 2.26.1

cat >"$work/base.yaml" <<'END'
name: shop
services: {web: {image: "web:1", networks: [front]}}
networks:
  front: {ipam: {config: [{subnet: 192.0.2.0/24, gateway: 192.0.2.1}]}}
END
cat >"$work/more.yaml" <<'END'
networks:
  front: {ipam: {config: [{subnet: "2001:db8:1::/64"}]}}
END
"$work/compose" -f "$work/base.yaml" -f "$work/more.yaml" config >"$work/said" 2>"$work/error" ||
	cannot "$(head -n 1 "$work/error")"
sed -n '/ipam/,$p' "$work/said"
grep -q "subnet: 2001:db8:1::/64" "$work/said" || cannot "the second subnet is not there either"
if grep -q "subnet: 192.0.2.0/24" "$work/said"; then
	echo "changed: both subnets are there"
	exit 1
fi
