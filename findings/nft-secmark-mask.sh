#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.0.6 and 1.1.3 (Debian 12 and 13): a connection's security mark under a mask of all its bits.
#
# A security mark cannot be compared with a number: nft refuses that, because its type has no constants.
# Under a mask, `ct secmark & 0xffffffff == 5`, it is taken. The listing leaves such a mask out, and so
# does not load again. With one bit less, 0xfffffffe, it is listed as it was written.
#
# Seen: "Error: Cannot be used with right hand side constant value".
# shellcheck disable=SC1091,SC2154,SC2016
set -u
. "$(dirname "$0")/lib/debian.sh"

# Whether the listing of a rule loads again.
loads_again() {
	printf 'table inet t {\n\tchain c {\n\t\t%s\n\t}\n}\n' "$1" >"$work/written.nft"
	unshare -n sh -c '"$1" -f "$2" && "$1" list ruleset' sh "$work/nft" "$work/written.nft" \
		>"$work/listed.nft" 2>"$work/error" || cannot "$(head -n 1 "$work/error")"
	unshare -n "$work/nft" -c -f "$work/listed.nft" >"$work/error" 2>&1
}

debian_root trixie nftables
debian_program nft usr/sbin/nft "nftables v1.1.3 "
loads_again "ct secmark & 0xfffffffe == 4 accept" || cannot "a narrower mask does not load either"
if loads_again "ct secmark & 0xffffffff == 4 accept"; then
	echo "changed: the listing loads again"
	exit 1
fi
echo "what nft lists does not load again:"
sed 's/^/  /' "$work/listed.nft"
sed "s#$work/##; s/^/  /" "$work/error"
