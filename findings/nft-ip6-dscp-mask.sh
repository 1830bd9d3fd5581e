#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.1.3 (Debian 13): the class of IPv6's DSCP, by a mask, is listed in other bytes.
#
# `ip6 dscp & 0x38 == 0x08` is about a field that begins in the middle of a byte. Its mask is listed as
# 0x3800, which is more than the field holds, and the listing does not load. The same for IPv4, whose
# DSCP begins with a byte, is listed as it was written. nft 1.0.6 lists raw bytes for it, which load, and
# compare with another value.
#
# Seen: "Error: Value 14336 exceeds valid range 0-63".
# shellcheck disable=SC1091,SC2154,SC2016
set -u
. "$(dirname "$0")/lib/debian.sh"

# Whether the listing of a rule loads again.
loads_again() {
	printf 'table inet t {\n\tchain c {\n\t\t%s accept\n\t}\n}\n' "$1" >"$work/written.nft"
	unshare -n sh -c '"$1" -f "$2" && "$1" list ruleset' sh "$work/nft" "$work/written.nft" \
		>"$work/listed.nft" 2>"$work/error" || cannot "$(head -n 1 "$work/error")"
	unshare -n "$work/nft" -c -f "$work/listed.nft" >"$work/error" 2>&1
}

debian_root trixie nftables
debian_program nft usr/sbin/nft "nftables v1.1.3 "
loads_again "ip dscp & 0x38 == 0x08" || cannot "IPv4's does not load again either"
if loads_again "ip6 dscp & 0x38 == 0x08"; then
	echo "changed: the listing loads again"
	exit 1
fi
echo "what nft lists does not load again:"
sed 's/^/  /' "$work/listed.nft"
sed "s#$work/##; s/^/  /" "$work/error"
