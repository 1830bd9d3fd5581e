# SPDX-License-Identifier: GPL-2.0-or-later
"""A host whose containers are podman's: ENGINE=podman-4.3, podman-5.4, podman-5.8 or podman-6.1.

Docker's command line and API reach podman's service as they reach dockerd, so all that a Host does
works here, too; podman() is podman's own command line, which needs no service.
"""
from __future__ import annotations

import signal
from typing import Any, Dict, Mapping, Optional

from host import IMAGE, Host, engine, engine_path, write_image
from place import run, wait_until

# Its own storage, state and networks. Where cgroups are of version 1 or mixed crun refuses to run:
# so it sees those of version 2 alone, and its containers get none. Events go to a file, since there
# is no journal.
CONTAINERS_CONF = """[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
helper_binaries_dir = ["{programs}"]
conmon_path = ["{programs}/conmon"]
[engine.runtimes]
crun = ["{programs}/crun"]
[containers]
cgroups = "disabled"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/data/networks"
"""
STORAGE_CONF = """[storage]
driver = "overlay"
graphroot = "{folder}/data/storage"
runroot = "/run/containers/storage"
"""
POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}'
# An IPv6 address that was just added is tentative until a worker of the kernel has seen to it, even
# without duplicate address detection; where that takes long aardvark-dns cannot bind to its bridge's,
# and podman starts no container. Who may bind to what is not there need not wait.
PREPARE = """
mkdir -p /run/podman
echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind
test ! -d /sys/fs/cgroup/unified || mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup
"""


class PodmanHost(Host):
    """A host of podman's: its service is at /run/podman/podman.sock, and where Docker's would be."""

    def boot(self) -> None:
        config = self.folder / ".config" / "containers"
        config.mkdir(parents=True)
        words = {"programs": engine(), "folder": str(self.folder)}
        for name, text in (("containers.conf", CONTAINERS_CONF), ("storage.conf", STORAGE_CONF)):
            (config / name).write_text(text.format(**words))
        (config / "policy.json").write_text(POLICY)
        self.netns_exec(["sh", "-euc", PREPARE])
        super().boot()

    def environment(self) -> Dict[str, str]:
        """What podman is told of its folders."""
        config = self.folder / ".config" / "containers"
        return {"PATH": engine_path(), "HOME": str(self.folder), "GOGC": "400",
                "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
                "CONTAINERS_CONF": str(config / "containers.conf"),
                "CONTAINERS_STORAGE_CONF": str(config / "storage.conf")}

    def podman(self, *args: str, check: bool = True, timeout: float = 60.0) -> str:
        """Run podman's own command line on this host; its stdout."""
        return run(self.enter([f"{engine()}/podman", *args]), check=check, timeout=timeout,
                   env=self.environment()).rstrip("\n")

    # What Host calls dockerd is podman's service, without which containers run on.

    def start_dockerd(self) -> None:
        """Start the service and return when its API answers."""
        self.dockerd = self.spawn([f"{engine()}/podman", "system", "service", "--time=0",
                                   f"unix://{self.socket}"], self.environment())
        wait_until("podman's API", self._pings)
        links = "ln -sf {0} /run/docker.sock; ln -sf {0} /run/podman/podman.sock"
        self.netns_exec(["sh", "-euc", links.format(self.socket)])

    def stop_dockerd(self) -> None:
        """Stop the service."""
        assert self.dockerd is not None
        self.dockerd.stop(signal.SIGTERM)

    def _import_image(self) -> None:
        tar_path = self.folder / "image.tar"
        write_image(tar_path, self.probe_path)
        self.podman("import", "--change", 'CMD ["probe","serve","tcp/80"]', str(tar_path), IMAGE)
        tar_path.unlink()

    def network(self, name: str, subnet4: str, subnet6: Optional[str] = None, *,
                internal: bool = False, options: Mapping[str, str] = {}) -> str:
        """Create a bridge network; the name that its bridge will have."""
        args = ["--ipv6", f"--subnet={subnet6}"] if subnet6 else []
        args += ["--internal"] if internal else []
        args += [f"--opt={key}={value}" for key, value in options.items()]
        self.podman("network", "create", f"--subnet={subnet4}", *args, name)
        return str(self.network_facts(name)["network_interface"])

    def network_facts(self, name: str) -> Dict[str, Any]:
        """What podman's own API tells of a network."""
        return dict(self.api("GET", f"/v4.0.0/libpod/networks/{name}/json"))

    def count_endpoints(self) -> int:
        """Of the containers that run; those that share another one's namespace have none."""
        return sum(len(container["Networks"] or [])
                   for container in self.api("GET", "/v4.0.0/libpod/containers/json"))
