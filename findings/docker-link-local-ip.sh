#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Docker 26.1.5 (Debian trixie): an address that --link-local-ip gives is in no list.
#
# The container has it on its interface. Neither `GET /networks/ID` nor `GET /containers/json` names it:
# the latter has "IPAMConfig":{} in its place (null without the option). Inspecting the container shows it,
# which waits until the container runs. The same on 20.10.24 and 28.5.2.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/docker.sh"

with_docker 26 26.1.5 <<'END'
docker network create n >/dev/null
docker run -d --name local --network n --link-local-ip 169.254.7.7 busybox sleep 100 >/dev/null
docker exec local busybox ip -o -4 addr show eth0 | sed 's/^/interface: /'
docker network inspect n | grep -c 169.254.7.7 | sed 's/^/in the network: /'
docker inspect local | grep -c 169.254.7.7 | sed 's/^/inspected: /'
END
cat "$work/said"
grep -q "^interface: .* 169\.254\.7\.7/" "$work/said" || cannot "the container does not have the address"
grep -q "^inspected: [1-9]" "$work/said" || cannot "nothing shows it"
if ! grep -q "^in the network: 0$" "$work/said"; then
	echo "changed: the network's containers have it"
	exit 1
fi
