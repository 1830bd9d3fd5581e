#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Docker 26.1.5 (Debian trixie) on Linux: the name of a bridge with %d in it.
#
# For Linux a name with %d is a form: who asks for "br%d" gets br0, br1 … Docker takes it for the name of
# a network's bridge (com.docker.network.bridge.name), asks the kernel for it, and then looks for
# an interface that is called "br%d". The network is refused, and br0 stays behind.
#
# Seen: "no such device", and br0 among the interfaces.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/docker.sh"

with_docker 26 26.1.5 <<'END'
docker network create -o com.docker.network.bridge.name=good good >/dev/null && echo "good: taken"
docker network create -o 'com.docker.network.bridge.name=br%d' form >/dev/null 2>"$WORK/refused" &&
	echo "form: taken" || sed 's/^/form: /' "$WORK/refused"
docker network ls --format 'network: {{.Name}}'
ls /sys/class/net | sed 's/^/interface: /'
END
cat "$work/said"
grep -q "^good: taken$" "$work/said" || cannot "no network can be named"
if grep -q "^form: taken$" "$work/said" || ! grep -q "^interface: br0$" "$work/said"; then
	echo "changed: it is taken, or leaves nothing behind"
	exit 1
fi
