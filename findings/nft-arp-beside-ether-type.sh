#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.1.3 (Debian 13): a negated type of frame beside a field of ARP is a conflict.
#
# In family bridge, `ether type != 8021ad arp daddr ip 10.0.0.1` says two things that can both be true, and
# nft 1.0.6 takes it. nft 1.1.3 takes the negated type for the protocol of what follows.
#
# Seen: "Error: conflicting statements".
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"

debian_root trixie nftables
debian_program nft usr/sbin/nft "nftables v1.1.3 "

printf 'table bridge t {\n\tchain c {\n\t\t%s accept\n\t}\n}\n' \
	"ether type != 8021ad arp daddr ip 10.0.0.1" >"$work/rule.nft"
if unshare -n "$work/nft" -c -f "$work/rule.nft" >"$work/error" 2>&1; then
	echo "changed: the rule is taken"
	exit 1
fi
grep -q "conflicting statements" "$work/error" || cannot "$(head -n 1 "$work/error")"
sed "s#$work/##; s/^/  /" "$work/error"
