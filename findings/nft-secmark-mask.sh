#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.0.6 and 1.1.3 (Debian 12 and 13): a connection's security mark under a mask of all its bits.
#
# A security mark cannot be compared with a number: nft refuses that, because its type has no constants.
# Under a mask, `ct secmark & 0xffffffff == 5`, it is taken. The listing leaves such a mask out, and so
# does not load again. With one bit less, 0xfffffffe, it is listed as it was written.
#
# Seen: "Error: Cannot be used with right hand side constant value".
# shellcheck disable=SC1091
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/nft.sh"

debian_root trixie nftables
debian_program nft usr/sbin/nft "nftables v1.1.3 "
loads_again "table inet t { chain c { ct secmark & 0xfffffffe == 4 accept; }; }" ||
	cannot "a narrower mask does not load either"
expect_refusal "table inet t { chain c { ct secmark & 0xffffffff == 4 accept; }; }"
