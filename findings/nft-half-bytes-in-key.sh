#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.0.6 (Debian 12): two halves of one byte as the key of a set.
#
# `ip version . ip hdrlength { 4 . 5 }` is taken. The listing has a shift in the key that was not written,
# and `0 . 0` as the only element. It loads again, as another rule, which shifts the first half twice.
#
# Seen: "ip version >> 4 . ip hdrlength { 0 . 0 }".
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/nft.sh"

debian_root bookworm nftables
debian_program nft usr/sbin/nft "nftables v1.0.6 "

list_ruleset "table inet t { chain c { ip version . ip hdrlength { 4 . 5 } accept; }; }"
if grep -q "ip version . ip hdrlength { 4 . 5 }" "$work/listed.nft"; then
	echo "changed: it is listed as it was written"
	exit 1
fi
sed 's/^/  /' "$work/listed.nft"
if listing_loads; then
	echo "and that loads again"
else
	echo "and that does not load again: $(head -n 1 "$work/error")"
fi
