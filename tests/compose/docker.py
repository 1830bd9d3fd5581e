# SPDX-License-Identifier: GPL-2.0-or-later
"""What `docker compose config` and `netdctl inventory --compose` make of one project, in the same
words: for docker compose the facts that `docker compose up` would make of its answer."""
from __future__ import annotations

import ipaddress
import json
import os
import subprocess
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

COMPOSE = os.environ.get("COMPOSE", "")
NETDCTL = os.environ.get("NETDCTL", "build/netdctl")
CAPABILITIES = {"NET_ADMIN", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO",
                "DAC_READ_SEARCH", "BPF"}
SOCKETS = {"/", "/run", "/var", "/var/run", "/run/docker.sock", "/var/run/docker.sock"}

Facts = Dict[str, Any]


class Answer(NamedTuple):
    facts: Optional[Facts]  # None: refused
    said: str
    config: str = ""  # docker compose's JSON


class Project(NamedTuple):
    """A folder, and the command line in it: files, variables, services to start."""

    folder: str
    files: Tuple[str, ...] = ()
    env: Tuple[Tuple[str, str], ...] = ()
    services: Tuple[str, ...] = ()
    env_files: Tuple[str, ...] = ()


def environment(project: Project) -> Dict[str, str]:
    clean = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "PWD": project.folder}
    return {**clean, **dict(project.env)}


def run(argv: List[str], project: Project, given: str = "") -> Tuple[int, str, str]:
    done = subprocess.run(argv, cwd=project.folder, env=environment(project), text=True,
                          input=given, capture_output=True, timeout=120, check=False,
                          errors="replace")
    return done.returncode, done.stdout, done.stderr


# ---- docker compose ----


def split_range(text: str) -> Tuple[int, int]:
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def address(text: Any) -> str:
    try:
        return str(ipaddress.ip_address(str(text)))
    except ValueError:
        return f"not an address: {text}"


def published(ports: List[Dict[str, Any]]) -> List[str]:
    """As the engine publishes them: without an address on both families, a range for one port on
    a port of it that the engine chooses."""
    found = set()
    for port in ports:
        low, high = split_range(str(port.get("published") or "0"))
        host = low if low == high else 0
        for ip in [port["host_ip"]] if port.get("host_ip") else ["0.0.0.0", "::"]:
            found.add(f"{address(ip)} {host} {port['target']}/"
                      f"{port.get('protocol', 'tcp').lower()}")
    return sorted(found)


def traits(service: Dict[str, Any], host_network: bool) -> List[str]:
    found = set()
    if service.get("privileged"):
        found.add("privileged")
    if service.get("pid") == "host":
        found.add("host-pid")
    if host_network:
        found.add("host-network")
    for cap in service.get("cap_add") or []:
        name = cap.upper().removeprefix("CAP_")
        if name == "ALL":
            found |= {"cap-" + each.lower().replace("_", "-") for each in CAPABILITIES}
        elif name in CAPABILITIES:
            found.add("cap-" + name.lower().replace("_", "-"))
    for volume in service.get("volumes") or []:
        if volume.get("type") == "bind" and volume.get("source", "").rstrip("/") in SOCKETS - {"/"}:
            found.add("docker-socket")
        if volume.get("type") == "bind" and volume.get("source") == "/":
            found.add("docker-socket")
    return sorted(found)


def replicas(service: Dict[str, Any]) -> int:
    deploy = service.get("deploy") or {}
    count = service.get("scale", deploy.get("replicas", 1))
    return 0 if service.get("provider") else 1 if count is None else int(count)


def container_name(project: str, name: str, service: Dict[str, Any], number: int) -> str:
    return service.get("container_name") or f"{project}-{name}-{number}"


def network_facts(network: Dict[str, Any]) -> Facts:
    if network.get("external"):
        return {"driver": "bridge", "internal": False, "icc": True, "subnets": []}
    options = network.get("driver_opts") or {}
    wanted = [4] * (network.get("enable_ipv4") is not False) + [6] * bool(
        network.get("enable_ipv6"))
    subnets = []
    for one in (network.get("ipam") or {}).get("config") or []:
        if one.get("subnet"):
            try:
                subnet = ipaddress.ip_network(one["subnet"], strict=False)
            except ValueError:
                continue
            if subnet.version in wanted:
                gateway = one.get("gateway") or subnet.network_address + 1
                subnets.append(f"{subnet} {address(gateway)}")
    icc = str(options.get("com.docker.network.bridge.enable_icc", "true")).lower()
    driver = network.get("driver") or "bridge"
    return {"driver": "bridge" if driver == "default" else driver,
            "internal": bool(network.get("internal")), "icc": icc == "true",
            "subnets": sorted(subnets)}


def service_networks(config: Dict[str, Any], service: Dict[str, Any]) -> Dict[str, Any]:
    """Real name to the attachment."""
    known = config.get("networks") or {}
    return {known[key]["name"]: attachment or {}
            for key, attachment in (service.get("networks") or {}).items()}


def mode_of(config: Dict[str, Any], service: Dict[str, Any]) -> Tuple[str, Dict[str, Any]]:
    """network_mode as the engine has it, and the networks."""
    mode = service.get("network_mode") or ""
    project = config["name"]
    if mode.startswith("service:"):
        other = mode.removeprefix("service:")
        return "container:" + container_name(project, other, config["services"][other], 1), {}
    if mode.startswith("container:"):
        return mode, {}
    if mode in ("host", "none"):
        return mode, {}
    if mode:
        return "network", {"bridge" if mode == "default" else mode: {}}
    networks = service_networks(config, service)
    for special in ("host", "none"):
        if special in networks:
            return special, {name: a for name, a in networks.items()
                             if name not in ("host", "none")}
    return "network", networks


class Gateway(NamedTuple):
    """The network through which the engine publishes; of several the first in this order."""

    one_family: bool
    priority: int
    name: str
    driver: str
    binding: Optional[str]  # host_binding_ipv4


def gateway_of(config: Dict[str, Any], networks: Dict[str, Any]) -> Optional[Gateway]:
    """The network with the default route, which is never an internal one."""
    defined = {network["name"]: network for network in (config.get("networks") or {}).values()
               if not network.get("external")}
    found = []
    for name, attachment in networks.items():
        network = defined.get(name, {})
        if not network.get("internal"):
            families = [network.get("enable_ipv4") is not False, bool(network.get("enable_ipv6"))]
            options = network.get("driver_opts") or {}
            found.append(Gateway(not all(families), -int(attachment.get("gw_priority") or 0), name,
                                 network.get("driver") or "bridge",
                                 options.get("com.docker.network.bridge.host_binding_ipv4")))
    return min(found, default=None)


def ports_of(config: Dict[str, Any], service: Dict[str, Any],
             networks: Dict[str, Any]) -> List[str]:
    gateway = gateway_of(config, networks)
    if not gateway or gateway.driver in ("macvlan", "ipvlan"):
        return []
    ports = service.get("ports") or []
    if gateway.binding and address(gateway.binding) != "0.0.0.0":
        ports = [{**port, "host_ip": port.get("host_ip") or gateway.binding} for port in ports]
    return published(ports)


def containers_of(config: Dict[str, Any], name: str, service: Dict[str, Any]) -> Dict[str, Facts]:
    mode, networks = mode_of(config, service)
    labels = dict(service.get("labels") or {})
    labels.update({"com.docker.compose.project": config["name"],
                   "com.docker.compose.service": name})
    labels.pop("", None)
    facts = {
        "service": name,
        "image": service.get("image") or (f"{config['name']}-{name}" if service.get("build")
                                          else ""),
        "mode": mode,
        "networks": sorted(networks),
        "fixed": sorted(f"{each} {address(a[key])}" for each, a in networks.items()
                        for key in ("ipv4_address", "ipv6_address") if a.get(key)),
        "labels": labels,
        "published": ports_of(config, service, networks) if mode == "network" else [],
        "traits": traits(service, mode == "host"),
    }
    return {container_name(config["name"], name, service, number): facts
            for number in range(1, replicas(service) + 1)}


def unescape(value: Any) -> Any:
    """`config` writes `$$` for a dollar sign, so that its output can be read again."""
    if isinstance(value, dict):
        return {unescape(key): unescape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [unescape(each) for each in value]
    return value.replace("$$", "$") if isinstance(value, str) else value


def facts_of_config(config: Dict[str, Any]) -> Facts:
    drivers = {network["name"]: network_facts(network)
               for network in (config.get("networks") or {}).values()}
    containers: Dict[str, Facts] = {}
    for name, service in (config.get("services") or {}).items():
        containers.update(containers_of(config, name, service))
    used = {name for service in (config.get("services") or {}).values()
            for name in mode_of(config, service)[1]}
    return {"containers": containers,
            "networks": {name: drivers.get(name) or network_facts({"external": True})
                         for name in used}}


def ask_compose(project: Project) -> Answer:
    argv = [COMPOSE]
    for name in project.files:
        argv += ["-f", name]
    for name in project.env_files:
        argv += ["--env-file", name]
    code, out, said = run(argv + ["config", "--format", "json", *project.services], project)
    if code:
        return Answer(None, said)
    config = unescape(json.loads(out))
    config.setdefault("name", "")
    return Answer(facts_of_config(config), said, out)


# ---- netdctl ----


def forget_unknown(theirs: Facts, ours: Facts) -> None:
    """Compose takes a variable without a value for an empty text; netdctl leaves out what depends
    on it, and says so."""
    for name, facts in theirs["containers"].items():
        known = ours["containers"].get(name, {"labels": {}, "image": ""})
        facts["labels"] = {key: value for key, value in facts["labels"].items()
                           if key in known["labels"]}
        facts["image"] = facts["image"] if known["image"] else ""


def facts_of_inventory(inventory: Dict[str, Any], fixed: Facts) -> Facts:
    """@fixed: what docker compose says, for addresses: netd gives everybody one."""
    names = {one["id"]: one["name"] for one in inventory["containers"]}
    containers = {}
    for one in inventory["containers"]:
        mode = one["network_mode"]
        if mode.startswith("container:"):
            mode = "container:" + names.get(mode.removeprefix("container:"),
                                            mode.removeprefix("container:"))
        elif mode not in ("host", "none"):
            mode = "network"
        other = fixed["containers"].get(one["name"], {})
        addresses = {f"{end['network']} {end[key]}" for end in one["endpoints"]
                     for key in ("ipv4", "ipv6") if key in end}
        containers[one["name"]] = {
            "service": one["labels"]["com.docker.compose.service"],
            "image": one.get("image", ""),
            "mode": mode,
            "networks": sorted(end["network"] for end in one["endpoints"]),
            "fixed": [each for each in other.get("fixed", []) if each in addresses],
            "labels": one["labels"],
            "published": sorted({f"{port['host_ip']} {port.get('host_port', 0)} {port['port']}"
                                 for port in one["published"]}),
            "traits": sorted(one["traits"]),
        }
    given = {name: facts["subnets"] for name, facts in fixed["networks"].items()}
    networks = {}
    for one in inventory["networks"]:
        both = sorted(f"{subnet} {gateway}"
                      for subnet, gateway in zip(one["subnets"], one["gateways"]))
        networks[one["name"]] = {
            "driver": one["driver"], "internal": one["internal"],
            "icc": one.get("icc", True),
            "subnets": [each for each in both if each in given.get(one["name"], both)
                        or not each.startswith(("198.18.", "198.19.", "100::", "100:0"))],
        }
    return {"containers": containers, "networks": networks}


def ask_netdctl(project: Project, fixed: Facts, config: str = "") -> Answer:
    """@config: docker compose's JSON instead of the files."""
    argv = [NETDCTL, "inventory"] + (["--compose", "-"] if config else [])
    for name in (project.files or (".",)) if not config else ():
        argv += ["--compose", name]
    for name in project.env_files if not config else ():
        argv += ["--env-file", name]
    for name in project.services if not config else ():
        argv += ["--service", name]
    code, out, said = run(argv, project, config)
    if code not in (0, 1):
        return Answer(None, said + f"exit status {code}")
    return Answer(facts_of_inventory(json.loads(out), fixed) if code == 0 else None, said)
