#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Docker 26.1.5 (Debian trixie): `docker run --network bridge --link NAME` is refused by the client.
#
# "links are only supported for user-defined networks". The same container without --network, or with
# --network=default, is linked: links on that network are what the option was made for, and 20.10.24 and
# 28.5.2 take both.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/docker.sh"

with_docker 26 26.1.5 <<'END'
docker run -d --name server busybox sleep 100 >/dev/null
docker run --rm --link server:db busybox busybox grep -c db /etc/hosts | sed 's/^/without the name: /'
docker run --rm --network bridge --link server:db busybox busybox grep -c db /etc/hosts 2>&1 | sed 's/^/with it: /'
END
cat "$work/said"
grep -q "^without the name: [1-9]" "$work/said" || cannot "no link works"
if ! grep -q "^with it: .*only supported for user-defined networks" "$work/said"; then
	echo "changed: it works by name, too"
	exit 1
fi
