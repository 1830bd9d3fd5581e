#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.0.6 and 1.1.3 (Debian 12 and 13): a rule about ARP comes back from the listing as another one.
#
# In family bridge `meta protocol arp` and `ether type arp` are two things: the first is the protocol that
# the kernel has found, the second the two bytes in the frame, which are 8100 where it has a VLAN tag.
# `meta protocol arp arp operation request` is listed as `arp operation request`, since the protocol
# follows from the field; loaded again, that is `ether type arp`. So a host that saves its ruleset judges
# tagged ARP otherwise after a boot. With `meta protocol ip` the listing keeps the protocol.
#
# Seen: the expressions of the rule as written, "meta load protocol"; as listed, "payload load 2b @ link
# header + 12".
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/nft.sh"

debian_root trixie nftables
debian_program nft usr/sbin/nft "nftables v1.1.3 "

# The first expression of the rule in a file.
begins_with() {
	unshare -n "$work/nft" --debug=netlink -c -f "$1" 2>/dev/null | grep -m 1 '\[ .*load'
}

list_ruleset "table bridge t { chain c { meta protocol arp arp operation request accept; }; }"
written=$(begins_with "$work/written.nft")
listed=$(begins_with "$work/listed.nft")
[ -n "$written" ] || cannot "nft shows no expressions"
if [ "$written" = "$listed" ]; then
	echo "changed: the listing is the same rule"
	exit 1
fi
echo "listed: $(grep accept "$work/listed.nft")"
echo "as written begins with $written"
echo "as listed begins with  $listed"
