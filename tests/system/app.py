# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs on a booted host in its tests: a server, its client, and who floods what it may not reach."""
from __future__ import annotations

from typing import Sequence

from machine import SystemHost

FILE = "/etc/netd/policy.d/first.yaml"  # the one that README.md tells to make one's own
TIERS = """version: 1
tiers:
  server: {match: [{label: {role: server}}]}
  client: {match: [{label: {role: client}}]}
  flood:  {match: [{label: {role: flood}}]}
"""
SERVER, INTERNET = "172.31.1.10", "203.0.113.10"
# Both targets are denied: a container on the same bridge, and the internet.
FLOOD = f"probe flood --seconds 3600 --pause-us 1000 udp {SERVER} 9 & " \
        f"exec probe flood --seconds 3600 --pause-us 1000 udp {INTERNET} 9"


def run_containers(host: SystemHost, server: Sequence[str] = (), client: Sequence[str] = ()) -> None:
    """All three, on a network of their own; further options of docker run for @server and @client."""
    serve = ("probe", "serve", "tcp/80")
    host.import_image()
    host.exec("docker", "network", "create", "--subnet=172.31.1.0/24", "app")
    host.run_container("server", f"--ip={SERVER}", *server, cmd=serve)
    host.run_container("client", *client, cmd=serve)
    host.run_container("flood", cmd=("sh", "-c", FLOOD))
