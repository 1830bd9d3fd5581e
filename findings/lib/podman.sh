# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
# Sourced by the findings after debian.sh: podman of Debian's packages in namespaces of its own.

# with_podman NUMBER VERSION NETAVARK: runs the shell commands on standard input where `podman` is that one, in
# the versions that are said, and its service answers at /run/podman.sock. There is an image `busybox`. Their
# standard output is in $work/said.
with_podman() {
	engines=$(dirname "$0")/../tests/lab/engine
	command -v patchelf >/dev/null || cannot "it needs patchelf"
	engine=$("$engines" "podman-$1" "$work/engines" 2>"$work/engine.log") ||
		cannot "podman $1 cannot be had: $(tail -n 1 "$work/engine.log")"
	for found in "podman $2" "netavark $3"; do
		case $("$engine/${found% *}" --version) in
		*" ${found#* }"*) ;;
		*) cannot "this is $("$engine/${found% *}" --version), not ${found#* }" ;;
		esac
	done
	debian_root trixie busybox-static
	cat >"$work/body"
	mkdir -p "$work/home/.config/containers" "$work/data"
	cat >"$work/containers.conf" <<-END
		[engine]
		runtime = "crun"
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		helper_binaries_dir = ["$engine"]
		conmon_path = ["$engine/conmon"]
		[engine.runtimes]
		crun = ["$engine/crun"]
		[containers]
		cgroups = "disabled"
		[network]
		network_config_dir = "$work/data/networks"
	END
	printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "/run/storage"\n' \
		"$work/data/storage" >"$work/storage.conf"
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' \
		>"$work/home/.config/containers/policy.json"
	# shellcheck disable=SC2016 # the other shell's own variables
	unshare --net --mount --pid --uts --fork --kill-child --mount-proc \
		env PATH="$engine:$PATH" HOME="$work/home" WORK="$work" \
		CONTAINERS_CONF="$work/containers.conf" CONTAINERS_STORAGE_CONF="$work/storage.conf" sh -c '
		mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs "$WORK/data" && ip link set lo up || exit 2
		test ! -d /sys/fs/cgroup/unified ||
			mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup || exit 2
		mkdir -p "$WORK/image/bin" && cp "$WORK/root/usr/bin/busybox" "$WORK/image/bin/" &&
			ln -s busybox "$WORK/image/bin/sleep" &&
			tar -C "$WORK/image" -c . | podman import - busybox >/dev/null || exit 2
		podman system service --time=0 unix:///run/podman.sock >"$WORK/service.log" 2>&1 &
		for _ in $(seq 300); do
			curl -s --unix-socket /run/podman.sock http://podman/_ping >/dev/null && break
			sleep 0.1
		done
		. "$WORK/body"' >"$work/said" 2>"$work/error" ||
		cannot "$(tail -qn 2 "$work/error")"
}
