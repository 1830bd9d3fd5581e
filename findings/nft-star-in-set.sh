#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.0.6 (Debian 12): an interface name that ends in a star, in a set, is listed as a pattern.
#
# Linux allows a star in the name of an interface, and nft reads "a\*" as just that name. In a rule it
# lists the backslash again. In the elements of a set it leaves it out, so that its own listing is
# refused, since a pattern needs `flags interval`.
#
# Seen: "Error: You must add 'flags interval' to your set declaration if you want to add prefix
# elements".
# shellcheck disable=SC1091,SC2154,SC2016
set -u
. "$(dirname "$0")/lib/debian.sh"

debian_root bookworm nftables
debian_program nft usr/sbin/nft "nftables v1.0.6 "

cat >"$work/written.nft" <<'END'
table inet t {
	set s {
		type ifname
		elements = { "a\*" }
	}
	chain c {
		iifname "a\*" accept
	}
}
END
unshare -n sh -c '"$1" -f "$2" && "$1" list ruleset' sh "$work/nft" "$work/written.nft" \
	>"$work/listed.nft" 2>"$work/error" || cannot "$(head -n 1 "$work/error")"
if unshare -n "$work/nft" -c -f "$work/listed.nft" >"$work/error" 2>&1; then
	echo "changed: the listing loads again"
	exit 1
fi
echo "what nft lists does not load again:"
sed 's/^/  /' "$work/listed.nft"
sed "s#$work/##; s/^/  /" "$work/error"
