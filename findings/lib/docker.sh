# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Sourced by the findings after debian.sh: a Docker engine of Debian's packages in namespaces of its own.

# with_docker 26|28 VERSION: runs the shell commands on standard input where `docker` asks such an engine,
# which ends with them. There is an image `busybox`. Their standard output is in $work/said.
with_docker() {
	engines=$(dirname "$0")/../tests/lab/engine
	command -v patchelf >/dev/null || cannot "it needs patchelf"
	engine=$("$engines" "$1" "$work/engines" 2>"$work/engine.log") ||
		cannot "Docker $1 cannot be had: $(tail -n 1 "$work/engine.log")"
	case $("$engine/dockerd" --version) in
	*"version $2"*) ;;
	*) cannot "this is $("$engine/dockerd" --version), not $2" ;;
	esac
	debian_root trixie busybox-static
	cat >"$work/body"
	cgroup=/sys/fs/cgroup/finding-$$
	mkdir -p "$cgroup" "$work/data" "$work/cgroup"
	trap 'rm -rf "$work"; find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null' EXIT
	# shellcheck disable=SC2016 # the other shell's own variables
	unshare --net --mount --pid --uts --fork --kill-child --mount-proc \
		env PATH="$engine:$PATH" WORK="$work" PARENT="finding-$$" sh -c '
		mount --rbind /sys/fs/cgroup "$WORK/cgroup" && mount -t sysfs sysfs /sys &&
			mount --rbind "$WORK/cgroup" /sys/fs/cgroup && mount -t tmpfs tmpfs /run &&
			mount -t tmpfs tmpfs "$WORK/data" && ip link set lo up || exit 2
		dockerd --data-root "$WORK/data" --cgroup-parent "/$PARENT" --storage-driver vfs \
			>"$WORK/dockerd.log" 2>&1 &
		for _ in $(seq 300); do
			docker version >/dev/null 2>&1 && break
			sleep 0.1
		done
		mkdir -p "$WORK/image/bin" && cp "$WORK/root/usr/bin/busybox" "$WORK/image/bin/" &&
			ln -s busybox "$WORK/image/bin/sh" && ln -s busybox "$WORK/image/bin/sleep" &&
			tar -C "$WORK/image" -c . | docker import - busybox >/dev/null || exit 2
		. "$WORK/body"' >"$work/said" 2>"$work/error" ||
		cannot "$(tail -qn 2 "$work/error")"
}
