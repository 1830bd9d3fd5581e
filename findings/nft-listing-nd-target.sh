#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.1.3 (Debian 13): a set that is declared by raw bytes, and a listing that does not load again.
#
# The target address of a neighbour advertisement, as raw bytes `@th,64,128`, is a field of a set and is
# looked up in it. nft 1.0.6 lists that as it was written. nft 1.1.3 recognizes the field in the rule and
# lists `icmpv6 taddr` there, but leaves the raw bytes in the declaration of the set, and then refuses
# its own listing: a host that saves its ruleset cannot load it at boot. Two halves of the address,
# `@th,64,64 . @th,128,64`, are listed as they were written, by both.
#
# Seen: "Error: datatype mismatch, expected concatenation of (network interface name, IPv6 address),
# expression has type concatenation of (network interface name, integer)".
# shellcheck disable=SC1091
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/nft.sh"

debian_root trixie nftables
debian_program nft usr/sbin/nft "nftables v1.1.3 "

# A set of this expression, and a rule that looks it up there.
looks_up() {
	cat <<END
table bridge t {
	set s {
		typeof meta iifname . $1
	}
	chain c {
		icmpv6 type nd-neighbor-advert meta iifname . $1 @s accept
	}
}
END
}

expect_refusal "$(looks_up "@th,64,128")"
if ! loads_again "$(looks_up "@th,64,64 . @th,128,64")"; then
	echo "changed: with two halves it does not load either"
	exit 1
fi
echo "with two halves it does"
