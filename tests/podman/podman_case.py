# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests with podman share: a host of podman's, and containers started by its own command line."""
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Mapping, Sequence

os.environ.setdefault("ENGINE", "podman-5.4")
TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "docker"))

# pylint: disable=wrong-import-position
from netd import Container, DockerCase, HostOptions, Netd, PodmanHost, Probe, figure, run, wait_until

__all__ = ["Container", "HostOptions", "Netd", "PodmanCase", "PodmanHost", "Probe", "figure", "run",
           "wait_until"]


class PodmanCase(DockerCase):
    """One lab for all tests of a class."""

    options = HostOptions(ip_forward=True)

    @property
    def host(self) -> PodmanHost:
        """The host."""
        assert isinstance(self.lab.host, PodmanHost)
        return self.lab.host

    def run_podman(self, name: str, *args: str, labels: Mapping[str, str] = {},
                   cmd: Sequence[str] = ("probe", "serve", "--log", "tcp/80", "udp/80"),
                   wait: str = "ready") -> Container:
        """podman run, without the service; until the end of this test."""
        words = [f"--label={key}={value}" for key, value in labels.items()]
        # One that could not be started is there, too, and has its name.
        self.addCleanup(self.host.podman, "rm", "--force", "--time=0", name, check=False)
        container = Container(name, self.host.podman(
            "run", "--detach", f"--name={name}", *words, *args, "netd-probe", *cmd), self.host)
        self.addCleanup(container.stop_children)
        if wait:
            container.wait_for_log(wait)
        return container

    def endpoint(self, netd: Netd, name: str) -> Mapping[str, Any]:
        """What netd says of a container that is on one network."""
        found = [e for e in netd.ask("endpoints")["endpoints"] if e["container"] == name]
        self.assertEqual(1, len(found), found)
        return dict(found[0])
