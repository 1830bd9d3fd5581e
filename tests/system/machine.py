# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with systemd and Docker as services: this machine's own files, or those of another root
folder, under an overlay in memory, booted by systemd-nspawn inside a namespace of the lab.

Nothing is downloaded, and nothing of it stays: the overlay, the network and all processes end with
the namespace.  Of what this machine has enabled nothing runs there, only Docker (and netd, when a
test installs it).  A reboot is a new network namespace, as on a real one; what lies on disk stays.
"""
from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, List, Optional, Sequence

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "lab")]

# pylint: disable=wrong-import-position
from host import IMAGE, write_image
from lab import Child, Lab, LabError, Place, missing
from place import children_of, run, wait_until

UNITS = ("docker.service", "docker.socket", "containerd.service")
UNIT_FOLDERS = ("/lib/systemd/system", "/usr/lib/systemd/system", "/etc/systemd/system")
REBOOT = 133  # exit code of systemd-nspawn that asks whoever started it to start it again
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}

# The addresses are those of the lab: 192.0.2.1 for the host; outside are 192.0.2.9 and, as a server
# on the internet, 203.0.113.10.
OUTSIDE_SETUP = """
ip link add lan type bridge
ip address add 192.0.2.9/24 dev lan
ip address add 203.0.113.10/32 dev lo
ip link set lan up
"""

LAN_UNIT = """[Unit]
Description=The way to the lab
Before=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip address add 192.0.2.1/24 dev host0
ExecStart=ip link set host0 up
ExecStart=ip route add default via 192.0.2.9
[Install]
WantedBy=multi-user.target
"""

# What this machine starts, mounts and knows of Docker and netd is none of the host's business.
ROOT_SETUP = """
mkdir "$FOLDER"
mount -t tmpfs -o mode=755 tmpfs "$FOLDER"
cd "$FOLDER"
mkdir upper work root docker containerd
mount -t overlay -o lowerdir=$LOWER,upperdir=upper,workdir=work overlay root
cd root
rm -rf etc/systemd/system etc/systemd/*.conf.d etc/rc?.d etc/fstab etc/docker etc/containerd \
    etc/netd var/lib/netd var/log/journal usr/sbin/policy-rc.d
mkdir etc/systemd/system
echo 7d1b3c5a9e8f4027b6d5c4e3f2a19081 > etc/machine-id
echo "$NAME" > etc/hostname
echo 'nameserver 192.0.2.53' > etc/resolv.conf.new
mv etc/resolv.conf.new etc/resolv.conf
cp "$PROBE" usr/local/bin/probe
"""

# In a cgroup named as the lab, whose end removes it.
BOOT = """
for mounted in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
	[ -e "$mounted/cgroup.procs" ] || continue
	mkdir -p "$mounted/$CGROUP"
	echo 0 > "$mounted/$CGROUP/cgroup.procs"
done
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --directory="$FOLDER/root" --machine="$NAME" --register=no --keep-unit \
    --network-bridge=lan --capability=all --system-call-filter='@keyring bpf' \
    --resolv-conf=off --timezone=off --link-journal=no --console=pipe \
    --bind="$FOLDER/docker:/var/lib/docker" --bind="$FOLDER/containerd:/var/lib/containerd" --boot
"""


# Nothing but this machine's programs.
TRIAL = """
trap 'cd /; rm -rf "$FOLDER"; rmdir "/run/systemd/nspawn/propagate/$NAME" 2>/dev/null || :' EXIT
cd "$FOLDER"
mkdir usr
for name in bin sbin lib lib64; do [ ! -e "/$name" ] || ln -s "usr/$name" "$name"; done
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
systemd-nspawn --quiet --directory=. --machine="$NAME" --register=no --keep-unit --bind-ro=/usr \
    --as-pid2 /usr/bin/true
"""


def why_nothing_boots() -> Optional[str]:
    """What systemd-nspawn says where it is there and may not work: in a container, mostly."""
    folder = tempfile.mkdtemp(prefix="netd-nspawn-")
    done = subprocess.run(["sh", "-euc", TRIAL], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False,
                          env={**os.environ, "FOLDER": folder, "NAME": f"netd-{os.getpid()}"})
    if done.returncode == 0:
        return None
    return "systemd-nspawn cannot work here: " + (done.stderr.strip() or "it does not say why")


def why_not() -> Optional[str]:
    """Why no such host can be had on this machine, or None."""
    reason = missing()
    if reason:
        return reason
    if shutil.which("systemd-nspawn") is None:
        return "not installed: systemd-nspawn (package systemd-container)"
    if not any(Path(folder, "docker.service").exists() for folder in UNIT_FOLDERS):
        return "Docker is not installed as a service of systemd"
    return why_nothing_boots()


class SystemHost(Place):
    """The host; as a Place, all its namespaces."""

    def __init__(self, lab: Lab, lower: str = "/") -> None:
        """@lower: the root folder that it is made of."""
        super().__init__("system", "/usr/local/bin/probe", lab.ports)
        self.lower = lower
        self.outside = lab.host
        self.folder = lab.host.folder / "system"
        self.root = self.folder / "root"
        self._cgroup = lab.folder.name
        self._nspawn: Optional[Child] = None
        self.leader = 0
        self.outside.netns_exec(["sh", "-euc", OUTSIDE_SETUP])
        self._script(ROOT_SETUP)
        self.write("/etc/systemd/system/lan.service", LAN_UNIT)
        present = [unit for unit in UNITS
                   if any(Path(f"{lower}/{f}", unit).exists() for f in UNIT_FOLDERS)]
        self.outside.netns_exec(["systemctl", f"--root={self.root}", "--quiet", "enable",
                                 "lan.service", *present])

    def _argv(self, script: str) -> List[str]:
        names = {"FOLDER": str(self.folder), "NAME": self.name, "CGROUP": self._cgroup,
                 "PROBE": self.outside.probe_path, "LOWER": self.lower}
        return ["env", *(f"{key}={value}" for key, value in names.items()), "sh", "-euc", script]

    def _script(self, script: str) -> str:
        return self.outside.netns_exec(self._argv(script))

    # Life

    def boot(self) -> None:
        """Boot it and return when systemd has done everything that is enabled."""
        self._nspawn = self.outside.spawn(self._argv(BOOT))
        self.leader = wait_until("systemd", self._find_leader, 30)
        wait_until("the end of the boot", self._has_booted, 90)

    def _find_leader(self) -> int:
        assert self._nspawn is not None
        if not self._nspawn.running:
            raise LabError("systemd-nspawn ended:\n" + self.console())
        found = children_of(self._nspawn.pid)
        return found[0] if found and self.knows_systemd(found[0]) else 0

    @staticmethod
    def knows_systemd(pid: int) -> bool:
        """Whether the container's first process is systemd by now, and answers."""
        return Path(f"/proc/{pid}/root/run/systemd/private").exists()

    def _has_booted(self) -> bool:
        assert self._nspawn is not None
        if not self._nspawn.running:
            raise LabError("systemd-nspawn ended:\n" + self.console())
        # Degraded: something of this machine that a container cannot have, like kernel modules.
        return self.exec("systemctl", "is-system-running", check=False) in ("running", "degraded")

    def reboot(self) -> None:
        """systemctl reboot; returns when it is up again."""
        assert self._nspawn is not None
        self.exec("systemctl", "reboot", check=False)
        code = self._nspawn.wait(90)
        if code != REBOOT:
            raise LabError(f"no reboot but exit {code}:\n{self.console()}")
        self.boot()

    def console(self) -> str:
        """What the boot has printed."""
        return "\n".join(self._nspawn.lines[-60:]) if self._nspawn else ""

    # Doing something there

    def enter(self, argv: Sequence[str]) -> List[str]:
        environment = [f"{key}={value}" for key, value in ENVIRONMENT.items()]
        return ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "--",
                "env", "-i", *environment, *argv]

    def exec(self, *argv: str, stdin: str = "", check: bool = True, timeout: float = 60) -> str:
        """Run @argv to its end; its stdout without the last newline."""
        return run(self.enter(argv), stdin=stdin, check=check, timeout=timeout).rstrip("\n")

    def status_of(self, *argv: str) -> int:
        """Run @argv to its end; its exit status."""
        return int(self.exec("sh", "-c", f"{shlex.join(argv)} >/dev/null 2>&1; echo $?"))

    def write(self, path: str, text: str) -> None:
        """A file, replaced whole."""
        where = f"{self.root}{path}"
        self.outside.netns_exec(["mkdir", "-p", os.path.dirname(where)])
        self.outside.netns_exec(["tee", f"{where}.new"], stdin=text)
        self.outside.netns_exec(["mv", f"{where}.new", where])

    def unit(self, name: str, unit: str = "netd.service") -> str:
        """One property of a unit."""
        return self.exec("systemctl", "show", "--property", name, "--value", unit)

    def netdctl(self, *args: str) -> Any:
        """The report of `netdctl --format json`; None: netd does not answer."""
        text = self.exec("netdctl", "--format", "json", *args, check=False)
        return json.loads(text) if text else None

    def journal(self, *args: str) -> List[Any]:
        """netd's messages since the boot."""
        lines = self.exec("journalctl", "--boot", "--unit=netd", "--output=json", *args)
        return [json.loads(line) for line in lines.splitlines()]

    # Docker

    def import_image(self) -> None:
        """busybox and the probe tool."""
        tar = self.outside.folder / "image.tar"
        write_image(tar, self.outside.probe_path)
        self._script(f"cp {tar} $FOLDER/root/image.tar")
        self.exec("docker", "import", "/image.tar", IMAGE)

    def run_container(self, name: str, *args: str, cmd: Sequence[str], role: str = "") -> None:
        """docker run on the network "app"; comes back after a boot."""
        self.exec("docker", "run", "--detach", "--restart=always", "--stop-signal=KILL",
                  f"--name={name}", f"--label=role={role or name}", "--network=app", *args, IMAGE,
                  *cmd)

    def counters(self, container: str) -> "dict[str, int]":
        """Its UDP counters."""
        return udp_counters(self.exec("docker", "exec", container, "cat", "/proc/net/snmp"))

    def ask(self, container: str, addr: str, port: int) -> str:
        """Whether tcp @addr:@port answers the container: open, closed, timeout."""
        words = ["docker", "exec", container, "probe", "connect", "--timeout-ms", "700", "tcp"]
        return self.exec(*words, addr, str(port), check=False).split(" ")[0]


def udp_counters(snmp: str) -> "dict[str, int]":
    """/proc/net/snmp: its UDP part."""
    names, values = [line.split()[1:] for line in snmp.splitlines() if line.startswith("Udp:")]
    return dict(zip(names, map(int, values)))
