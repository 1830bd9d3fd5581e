# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Programs of another Debian suite, to be run beside the machine's own: for the scripts that source
# it. They set suite, packages, programs and what (for messages), and call provide NUMBER CACHE.
# Of experimental are the packages themselves, where it has them; all else is sid's.
# The packages are downloaded with apt, which checks Debian's signatures; nothing is installed.
# Needs apt, dpkg-deb and patchelf.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
	echo "$what: $*" >&2
	exit 1
}

# apt with lists and an empty set of installed packages of its own. sid's Release file is at times
# older than it says it may be.
apt() {
	tool=$1
	shift
	"$tool" -qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/parts" \
		-o Dir::Etc::Preferences="$apt/preferences" -o Dir::Etc::PreferencesParts="$apt/parts" \
		-o Dir::State::Lists="$apt/lists" -o Dir::State::Status="$apt/status" \
		-o Dir::Cache="$apt/cache" -o Acquire::Languages=none -o Acquire::Retries=3 \
		-o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root \
		--no-install-recommends "$@" >&2
}

# Without this apt takes from experimental only what sid has not.
prefer_experimental() {
	echo "deb [signed-by=$keyring] $mirror sid main" >>"$apt/sources.list"
	printf 'Package: %s\nPin: release a=experimental\nPin-Priority: 990\n' "$packages" \
		>"$apt/preferences"
}

download_list() {
	mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/status"
	: >"$apt/preferences"
	# shellcheck disable=SC2016 # apt's own variables
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
		head -n 1)
	[ -n "$mirror" ] || fail "apt knows no mirror of Debian"
	echo "deb [signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
	[ "$suite" != experimental ] || prefer_experimental
	apt apt-get update
}

# A word for exactly these packages in these versions. The first of them has the version.
name_of_set() {
	# shellcheck disable=SC2086 # words
	apt apt-get install --print-uris $packages 2>"$apt/uris"
	first=${packages%% *}
	version=$(sed -n "s/.* ${first}_\([^_]*\)_.*/\1/p" "$apt/uris")
	[ -n "$version" ] || fail "$suite has no $first"
	case $version in
	"$number".*) ;;
	*) fail "$suite has $first $version now, no longer $number" ;;
	esac
	echo "$version-$(cut -d' ' -f2 "$apt/uris" | sort | sha256sum | cut -c1-12)"
}

unpack() {
	# shellcheck disable=SC2086 # words
	apt apt-get install --download-only --yes $packages
	for package in "$apt"/cache/archives/*.deb; do
		dpkg-deb --extract "$package" "$work/root"
	done
}

# Copies a program so that it runs with the libraries of its own suite, from folder $2.
adopt() {
	for folder in usr/bin usr/sbin usr/lib/podman usr/libexec/podman usr/libexec/docker \
		usr/libexec/docker/cli-plugins; do
		[ -e "$work/root/$folder/$1" ] || continue
		cp -L "$work/root/$folder/$1" "$work/set/$1"
		loader=$(patchelf --print-interpreter "$work/set/$1" 2>/dev/null) || return 0 # static
		patchelf --set-interpreter "$2/lib/$(basename "$loader")" --force-rpath \
			--set-rpath "$2/lib" "$work/set/$1"
		return 0
	done
	fail "there is no $1 in these packages"
}

make_set() {
	unpack
	libc=$(find "$work/root" -name libc.so.6 | head -n 1)
	[ -n "$libc" ] || fail "there is no libc in these packages"
	mkdir -p "$work/set/lib"
	# bookworm's libc is not in /usr, where other libraries are.
	for folder in "$(dirname "$libc")" "$work/root/usr/lib/$(basename "$(dirname "$libc")")"; do
		find "$folder" -maxdepth 1 -name '*.so*' -exec cp -L {} "$work/set/lib/" \;
	done
	for program in $programs; do
		adopt "$program" "$1"
	done
	mv -T "$work/set" "$1"
	for program in $checked; do
		"$1/$program" --version >"$work/version" 2>&1 && continue
		"$1/$program" version >"$work/version" 2>&1 && continue
		cat "$work/version" >&2
		rm -rf "$1"
		fail "$program does not run here"
	done
}

# Prints the folder of the programs. The cache keeps one folder for each set of package versions and
# a link NAME to the newest.
provide() { # name cache
	number=${1##*-}
	for tool in apt-get dpkg-deb patchelf; do
		command -v "$tool" >/dev/null || fail "$tool is not installed"
	done
	mkdir -p "$2"
	cache=$(cd "$2" && pwd -P)
	exec 9>"$cache/lock"
	flock 9
	work=$(mktemp -d "$cache/making.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	apt=$work/apt
	download_list
	set=$cache/${1%"$number"}$(name_of_set)
	[ -d "$set" ] || make_set "$set"
	ln -sfnr "$set" "$cache/$1"
	echo "$set"
}
