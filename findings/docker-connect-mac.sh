#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Docker 28.5.2 (Debian sid): the MAC that is asked for in `network connect` of a running container.
#
# POST /networks/NAME/connect takes EndpointConfig.MacAddress since API 1.44. The answer is 200, and the
# interface has another MAC, whether the container runs or is started later; `docker inspect` shows that
# other one. The same address is kept where it is given with `docker run --network name=n,mac-address=`.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/docker.sh"

with_docker 28 28.5.2 <<'END'
mac() { docker inspect -f '{{(index .NetworkSettings.Networks "n").MacAddress}}' "$1"; }
connect() {
	printf '{"Container":"%s","EndpointConfig":{"MacAddress":"02:00:5e:10:00:01"}}' "$1" |
		curl -s -o /dev/null -w '%{http_code}\n' --unix-socket /run/docker.sock \
			-H 'Content-Type: application/json' -d @- http://docker/v1.47/networks/n/connect
}
docker network create n >/dev/null
docker run -d --name given --network name=n,mac-address=02:00:5e:10:00:01 busybox sleep 100 >/dev/null
echo "given $(mac given)"
docker rm -f given >/dev/null
docker run -d --name running busybox sleep 100 >/dev/null
echo "running $(connect running) $(mac running)"
docker network disconnect n running
docker create --name created busybox sleep 100 >/dev/null
code=$(connect created)
docker start created >/dev/null
echo "created $code $(mac created)"
END
cat "$work/said"
grep -q "^given 02:00:5e:10:00:01$" "$work/said" || cannot "the MAC is not kept where it is given either"
grep -q "^running 200 " "$work/said" || cannot "the running container was not connected"
if grep -q " 200 02:00:5e:10:00:01$" "$work/said"; then
	echo "changed: the MAC is kept"
	exit 1
fi
