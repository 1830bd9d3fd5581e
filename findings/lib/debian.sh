# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Sourced by the findings: programs of a Debian suite that run here with the libraries of their own.
# $work is a folder that is removed at the end.

cannot() {
	echo "cannot be tried: $*"
	exit 2
}

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' INT TERM HUP

own_apt() {
	apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" \
		-o Dir::Etc::SourceParts="$work/parts" -o Dir::State::Lists="$work/lists" \
		-o Dir::State::Status="$work/status" -o Dir::Cache="$work/cache" \
		-o APT::Sandbox::User=root --no-install-recommends "$@" >/dev/null 2>"$work/apt.log"
}

# debian_root SUITE PACKAGE...: the packages and what they need, unpacked into $work/root.
debian_root() {
	[ "$(id -u)" -eq 0 ] || cannot "it needs root"
	# shellcheck disable=SC2016 # apt's own variables
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
		head -n 1)
	[ -n "$mirror" ] || cannot "apt knows no mirror of Debian"
	mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial"
	: >"$work/status"
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb [signed-by=$keyring] $mirror $1 main" >"$work/sources.list"
	shift
	own_apt update && own_apt install --download-only --yes "$@" ||
		cannot "the packages cannot be downloaded: $(tail -n 1 "$work/apt.log")"
	for package in "$work"/cache/archives/*.deb; do
		dpkg-deb --extract "$package" "$work/root" || cannot "$package cannot be unpacked"
	done
}

# debian_program NAME PATH VERSION: $work/NAME runs PATH of the root; `--version` must hold VERSION.
debian_program() {
	libraries=$(dirname "$(find "$work/root" -name libc.so.6 | head -n 1)")
	loader=$(find "$work/root" -name 'ld-linux*.so.*' | head -n 1)
	printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' \
		"$loader" "$libraries" "$work/root/$2" >"$work/$1"
	chmod +x "$work/$1"
	found=$("$work/$1" --version 2>&1 | head -n 1)
	case $found in
	*"$3"*) ;;
	*) cannot "this is $found, not $3" ;;
	esac
}
