#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Linux 6.18, nft 1.1.7 (Debian sid): what two macvlan interfaces of one parent send each other in mode bridge
# passes the parent's hook ingress, and not its hook egress.
#
# It is said to stay between the two, out of sight of the parent. The kernel hands a frame for a sibling to the
# parent as if it had come in from the wire (macvlan_queue_xmit()), so a rule at ingress sees, and can stop,
# what never was on the wire. A rule at egress sees nothing of it; what goes elsewhere passes egress.
#
# Seen: of a ping from one to the other ingress counts request and answer, egress 0.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"

debian_root sid nftables busybox-static
debian_program nft usr/sbin/nft "nftables v1.1.7 "

cat >"$work/rules.nft" <<'RULES'
table netdev t {
	counter in {
	}
	counter out {
	}
	chain in {
		type filter hook ingress devices = { "wire" } priority 0;
		meta protocol ip counter name in
	}
	chain out {
		type filter hook egress devices = { "wire" } priority 0;
		meta protocol ip counter name out
	}
}
RULES
# shellcheck disable=SC2016 # the other shell's own variables
unshare --net --mount --fork --kill-child sh -c '
	mount -t tmpfs tmpfs /run && mkdir -p /run/netns || exit 2
	ip link add wire type veth peer name far && ip link set wire up && ip link set far up || exit 2
	for i in 1 2; do
		ip netns add "c$i" && ip link add "mv$i" link wire type macvlan mode bridge &&
			ip link set "mv$i" netns "c$i" && ip -n "c$i" addr add "192.0.2.$i/24" dev "mv$i" &&
			ip -n "c$i" link set "mv$i" up || exit 2
	done
	"$1/nft" -f "$1/rules.nft" || exit 2
	ip netns exec c1 "$1/root/usr/bin/busybox" ping -c 1 -W 5 192.0.2.2 >/dev/null || exit 2
	"$1/nft" list counters' sh "$work" >"$work/counted" 2>"$work/error" ||
	cannot "$(head -n 1 "$work/error")"
packets() {
	sed -n "/counter $1 /,/}/s/.*packets \([0-9]*\).*/\1/p" "$work/counted"
}
echo "  ingress: $(packets in) packets, egress: $(packets out)"
if [ "$(packets in)" -ne 2 ] || [ "$(packets out)" -ne 0 ]; then
	echo "changed: on $(uname -r) the hooks see something else"
	exit 1
fi
