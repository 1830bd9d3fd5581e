#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# podman 6.1.1 with netavark 2.0.0 (Debian experimental): the address of a container that has two.
#
# netavark 2.0 takes several static addresses of one subnet: `podman run --network n:ip=A,ip=B`. The interface
# has both, and podman's own `inspect` names both. Of its Docker-compatible API the list and the inspection of
# containers say A, the inspection of the network says B, and neither names the other one:
#
#   GET /v1.40/containers/json    172.31.1.10
#   GET /v1.40/containers/c/json  172.31.1.10
#   GET /v1.40/networks/n         172.31.1.11
#
# Published ports lead to A. Who asks which container has an address gets an answer that depends on the question.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/podman.sh"

with_podman 6.1 6.1.1 2.0.0 <<'END'
answer() {
	echo "$1 $(curl -s --unix-socket /run/podman.sock "http://podman$1" | grep -oE '172\.31\.1\.1[0-9]' |
		sort -u | tr '\n' ' ')"
}
podman network create --disable-dns --subnet 172.31.1.0/24 n >/dev/null
podman run -d --name c --network n:ip=172.31.1.10,ip=172.31.1.11 -p 8080:80 busybox sleep 100 >/dev/null
pid=$(podman inspect -f '{{.State.Pid}}' c)
echo "interface $(nsenter -t "$pid" -n ip -4 -o address show eth0 | grep -oE '172\.31\.1\.1[0-9]' | tr '\n' ' ')"
answer /v6.0.0/libpod/containers/c/json
answer /v1.40/containers/json
answer /v1.40/containers/c/json
answer /v1.40/networks/n
nft list table inet netavark | grep -oE 'dnat ip to [0-9.:]+'
podman rm -f -t 0 c >/dev/null
END
cat "$work/said"
grep -q "^interface 172.31.1.10 172.31.1.11 $" "$work/said" || cannot "the container has not both addresses"
grep -q "^/v6.0.0/libpod/containers/c/json 172.31.1.10 172.31.1.11 $" "$work/said" ||
	cannot "podman's own inspect does not name both"
if ! grep -q "^/v1.40/containers/json 172.31.1.10 $" "$work/said" ||
	! grep -q "^/v1.40/containers/c/json 172.31.1.10 $" "$work/said" ||
	! grep -q "^/v1.40/networks/n 172.31.1.11 $" "$work/said"; then
	echo "changed: the API's answers are others"
	exit 1
fi
