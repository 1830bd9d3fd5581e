#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.0.6 (Debian 12): an anonymous set of connection labels is lost in the listing.
#
# `ct label { 1, 2 } accept` loads, and the kernel holds the look-up. The listing shows `accept` alone: an
# error goes to stderr, the exit code is 0. A host that saves its ruleset and loads it at boot accepts
# everything there. nft 1.1.3 lists what was written.
#
# Seen: "netlink: Error: Unknown data type in set key 30", and the rule without its match.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/nft.sh"

debian_root bookworm nftables
debian_program nft usr/sbin/nft "nftables v1.0.6 "

list_ruleset "table inet t { chain c { ct label { 1, 2 } accept; }; }"
if grep -q "ct label" "$work/listed.nft"; then
	echo "changed: the listing has the match"
	exit 1
fi
echo "nft ended with 0 and listed:"
sed 's/^/  /' "$work/listed.nft"
sed 's/^/  /' "$work/error"
