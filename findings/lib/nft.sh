# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
# Sourced by the findings after debian.sh: what $work/nft lists, and whether that loads. Errors are in
# $work/error.

# list_ruleset RULESET: loads it in a namespace of its own; what nft lists there is in $work/listed.nft.
list_ruleset() {
	printf '%s\n' "$1" >"$work/written.nft"
	# shellcheck disable=SC2016 # the other shell's own variables
	unshare -n sh -c '"$1" -f "$2" && "$1" list ruleset' sh "$work/nft" "$work/written.nft" \
		>"$work/listed.nft" 2>"$work/error" || cannot "$(head -n 1 "$work/error")"
}

listing_loads() {
	unshare -n "$work/nft" -c -f "$work/listed.nft" >"$work/error" 2>&1
}

# loads_again RULESET: whether nft loads what it lists of it.
loads_again() {
	list_ruleset "$1"
	listing_loads
}

# expect_refusal RULESET: nft does not load what it lists of it; both are shown.
expect_refusal() {
	if loads_again "$1"; then
		echo "changed: the listing loads again"
		exit 1
	fi
	echo "what nft lists does not load again:"
	sed 's/^/  /' "$work/listed.nft"
	sed "s#$work/##; s/^/  /" "$work/error"
}
