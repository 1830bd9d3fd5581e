#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Docker 26.1.5 (Debian trixie): events of networks for a container that does not run.
#
# `docker network connect` of a stopped container works, and sends no event; nor does the network list
# the container. `docker network disconnect` of it sends one. Who counts the endpoints of a network by
# its events sees one leave that never came.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/docker.sh"

with_docker 26 26.1.5 <<'END'
docker network create n >/dev/null
docker create --name stopped busybox sleep 100 >/dev/null
before=$(date +%s)
docker network connect n stopped
docker network disconnect n stopped
docker network rm n >/dev/null
docker events --since "$before" --until "$(($(date +%s) + 1))" --filter type=network --format '{{.Action}}' |
	sed 's/^/event: /'
docker inspect -f 'networks: {{len .NetworkSettings.Networks}}' stopped
END
cat "$work/said"
grep -q "^event: destroy$" "$work/said" || cannot "there are no events at all"
if grep -q "^event: connect$" "$work/said" || ! grep -q "^event: disconnect$" "$work/said"; then
	echo "changed: the events are others"
	exit 1
fi
