#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.1.3 (Debian 13): a range of hours that crosses midnight is refused.
#
# `meta hour "23:00"-"02:00"` is two ranges, and nft 1.0.6 turns it into `!= "02:00"-"23:00"`. nft 1.1.3
# refuses it. Hours are kept in UTC, so the same line loads or not by the time zone of the host: what
# does not cross midnight as it is written may cross it in UTC, and the reverse.
#
# Seen: "Error: Range negative size"; with TZ=UTC-4 (four hours east) the same line loads.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"

debian_root trixie nftables
debian_program nft usr/sbin/nft "nftables v1.1.3 "

printf 'table inet t {\n\tchain c {\n\t\tmeta hour "23:00"-"02:00" accept\n\t}\n}\n' >"$work/hours.nft"
if TZ=UTC unshare -n "$work/nft" -c -f "$work/hours.nft" >"$work/error" 2>&1; then
	echo "changed: the range is taken"
	exit 1
fi
grep -q "Range negative size" "$work/error" || cannot "$(head -n 1 "$work/error")"
sed "s#$work/##; s/^/  /" "$work/error"
if TZ=UTC-4 unshare -n "$work/nft" -c -f "$work/hours.nft" >"$work/error" 2>&1; then
	echo "with TZ=UTC-4 it is taken"
else
	echo "changed: with TZ=UTC-4 it is refused, too"
	exit 1
fi
