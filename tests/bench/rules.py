# SPDX-License-Identifier: GPL-2.0-or-later
"""What other filters load on the host of street.py: nothing but connection tracking, one rule a
container, what Docker writes, and what tools that follow containers write on top of it."""
from __future__ import annotations

from typing import Dict, List, Tuple

from lab import HostOptions, Lab
from street import (BACK, CLOSED, FRONT, HOST_TCP, HOST_UDP, MIXED, PUBLISHED, PUBLISHED_CLOSED,
                    PUBLISHED_TCP, TCP, UDP, WEB, Street, address)

CONNTRACK = """
table inet other {
  chain forward { type filter hook forward priority filter; policy accept;
    ct state established,related accept
  }
}
"""

NAT = """
table {table} nat {{
  map published {{
    type inet_proto . inet_service : {type} . inet_service
    elements = {{ {elements} }}
  }}
  chain prerouting {{ type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local dnat {table} to meta l4proto . th dport map @published
  }}
  chain postrouting {{ type nat hook postrouting priority srcnat; policy accept;
    oifname "lan0" masquerade
  }}
}}
"""


def nat(street: Street) -> str:
    """Published ports and the way out, as one lookup each: the same for all but Docker's own."""
    text = ""
    for family, table, kind in ((4, "ip", "ipv4_addr"), (6, "ip6", "ipv6_addr")):
        targets = [("udp", PUBLISHED + k, k, UDP) for k in range(street.active)]
        targets += [("udp", PUBLISHED_CLOSED, 0, CLOSED),
                    ("tcp", PUBLISHED_TCP, street.talker[1], TCP)]
        text += NAT.format(table=table, type=kind, elements=", ".join(
            f"{proto} . {number} : {address(BACK, k, family)} . {target}"
            for proto, number, k, target in targets))
    return text


def _allowed(street: Street, family: int) -> List[str]:
    """The rules that our own containers need, as conditions."""
    ip = {4: "ip", 6: "ip6"}[family]
    rules = []
    for k in range(street.active + 2):
        rules.append(f"{ip} daddr {address(BACK, k, family)} meta l4proto {{ tcp, udp }} "
                     f"th dport {{ {UDP}, {TCP} }}")
        if k % 2 == 0:
            rules.append(f"{ip} saddr {address(FRONT, k, family)} meta l4proto {{ tcp, udp }} "
                         f"th dport {WEB}")
        else:
            rules += [f"{ip} daddr {address(n, k, family)} meta l4proto {{ tcp, udp }} "
                      f"th dport {{ {UDP}, {TCP} }}" for n in (FRONT, MIXED)]
    return rules


def _spread(own: List[str], n: int, other: str) -> List[str]:
    """@own in equal distances among @n rules; the rest is about addresses that nobody has."""
    every = max(n // max(len(own), 1), 1)
    lines, waiting = [], list(own)
    for i in range(max(n, len(own))):
        if waiting and i % every == every // 2:
            lines.append(waiting.pop(0))
        else:
            lines.append(other.format(i // 250, i % 250 + 1, f"{i + 1:x}"))
    return lines + waiting


def linear(street: Street, n: int) -> str:
    """One rule after the other, as people write them, behind connection tracking; the host's input as
    well."""
    text = ""
    for family, table, other in ((4, "ip", f"ip daddr 10.200.{{0}}.{{1}} udp dport {UDP}"),
                                 (6, "ip6", f"ip6 daddr fd00:ff::{{2}} udp dport {UDP}")):
        body = "\n".join(f"    {rule} accept"
                         for rule in _spread(_allowed(street, family), n, other))
        host = f"meta l4proto {{ tcp, udp }} th dport {{ {HOST_UDP}, {HOST_TCP} }} accept"
        text += f"""
table {table} linear {{
  chain forward {{ type filter hook forward priority filter; policy drop;
    ct state established,related accept
{body}
  }}
  chain input {{ type filter hook input priority filter; policy accept;
    ct state established,related accept
    {host}
    iifname "br*" udp dport {CLOSED} drop
  }}
}}
"""
    return text


def labelled(street: Street, n: int) -> str:
    """As tools write them that follow labels: for each published port a rule that all packets pass,
    then by address into a chain for each container; without a rule that connections which are
    known pass."""
    text = ""
    for family, table, kind in ((4, "ip", "ipv4_addr"), (6, "ip6", "ipv6_addr")):
        loopback = {4: "127.0.0.0/8", 6: "::1"}[family]
        first = "\n".join(f"    {table} saddr {loopback} tcp dport {20000 + i} drop"
                          for i in range(n))
        chains, elements = "", []
        for network in (FRONT, BACK, MIXED):
            for k in range(street.active + 2):
                own, name = address(network, k, family), f"c{network}_{k}"
                chains += f"  chain {name} {{\n" + "".join(
                    f"    {table} {here} {own} {proto} {there} {number} ct state {state} accept\n"
                    for proto in ("udp", "tcp")
                    for here, there, state in (
                        ("daddr", "dport", "new,established"), ("saddr", "sport", "established"))
                    for number in ({"udp": UDP, "tcp": TCP}[proto],)) + "".join(
                    f"    {table} {here} {own} {proto} {there} {{ {WEB}, "
                    f"{UDP}, {TCP}, {HOST_UDP}, {HOST_TCP} }} ct state {state} accept\n"
                    for proto in ("udp", "tcp")
                    for here, there, state in (
                        ("saddr", "dport", "new,established"), ("daddr", "sport", "established"))
                    ) + "    counter drop\n  }\n"
                elements.append(f"{own} : jump {name}")
        text += f"""
table {table} labelled {{
{chains}
  map containers {{ type {kind} : verdict; elements = {{ {", ".join(elements)} }} }}
  chain labels {{
{first}
    {table} saddr vmap @containers
    {table} daddr vmap @containers
  }}
  chain forward {{ type filter hook forward priority filter - 1; policy accept; counter jump labels; }}
  chain input {{ type filter hook input priority filter - 1; policy accept; counter jump labels; }}
  chain output {{ type filter hook output priority filter - 1; policy accept; counter jump labels; }}
}}
"""
    return text


# ---- Docker's own ----

Saved = Dict[int, str]  # by family, as iptables-save prints it
ONE, ANOTHER = 7, 9  # endpoints whose numbers stand nowhere else


def docker_rules() -> Tuple[str, Saved]:
    """What a real engine writes for two containers that publish ports; its version."""
    with Lab(HostOptions(docker=True), ()) as lab:
        for n, name in ((FRONT, "front"), (BACK, "back"), (MIXED, "mixed")):
            lab.host.network(name, f"10.{64 + n}.0.0/16", f"fd00:{64 + n}::/64",
                             options={"com.docker.network.bridge.name": f"br{n}"})
        for k, ports in ((ONE, [f"{PUBLISHED + ONE}:{UDP}/udp"]),
                         (ANOTHER, [f"{PUBLISHED_CLOSED}:{CLOSED}/udp",
                                    f"{PUBLISHED_TCP}:{TCP}/tcp"])):
            lab.host.run(f"c{k}", "back", ip=address(BACK, k), ip6=address(BACK, k, 6),
                         publish=ports)
        version = lab.host.docker("version", "--format", "{{.Server.Version}}")
        saved = {4: lab.host.netns_exec(["iptables-nft-save"]),
                 6: lab.host.netns_exec(["ip6tables-nft-save"])}
        if "DOCKER" not in saved[4]:
            saved = {4: lab.host.netns_exec(["iptables-legacy-save"]),
                     6: lab.host.netns_exec(["ip6tables-legacy-save"])}
    return version, saved


def for_all(saved: Saved, street: Street) -> Saved:
    """The same for each container that publishes a port here."""
    result: Saved = {}
    for family, text in saved.items():
        one, another = address(BACK, ONE, family), address(BACK, ANOTHER, family)
        lines: List[str] = []
        for line in text.splitlines():
            if one in line:
                lines += [line.replace(one, address(BACK, k, family)).replace(
                    str(PUBLISHED + ONE), str(PUBLISHED + k)) for k in range(street.active)]
            else:
                own = address(BACK, 0 if str(CLOSED) in line else street.talker[1], family)
                lines.append(line.replace(another, own))
        result[family] = "\n".join(lines) + "\n"
    return result


def per_container(saved: Saved, street: Street, n: int) -> Saved:
    """Docker's rules, and in DOCKER-USER an accept for each container's port before what is known
    passes: as the tools write them that make ufw know of containers."""
    result: Saved = {}
    for family, text in for_all(saved, street).items():
        if "DOCKER-USER" not in text:
            result[family] = text
            continue
        private = {4: ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"), 6: ("fd00::/8",)}[family]
        other = {4: f"-p udp -d 10.200.{{0}}.{{1}} --dport {UDP}",
                 6: f"-p udp -d fd00:ff::{{2}} --dport {UDP}"}[family]
        own = [f"-p udp -d {address(BACK, k, family)} --dport {UDP}"
               for k in range(street.active)]
        own.append(f"-p tcp -d {address(BACK, street.talker[1], family)} --dport {TCP}")
        rules = [f"-A user-forward {rule} -j ACCEPT" for rule in _spread(own, n, other)]
        rules += ["-I DOCKER-USER 1 -j user-forward",
                  "-I DOCKER-USER 2 -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
                  "-I DOCKER-USER 3 -m conntrack --ctstate INVALID -j DROP"]
        at = 4
        for net in private:
            rules.append(f"-I DOCKER-USER {at} -s {net} -j RETURN")
            at += 1
        for net in private:
            rules.append(f"-I DOCKER-USER {at} -m conntrack --ctstate NEW -d {net} -j DROP")
            at += 1
        head, tail = text.split("*filter\n", 1)
        table, rest = tail.split("COMMIT", 1)
        result[family] = (head + "*filter\n:user-forward - [0:0]\n" + table + "\n".join(rules) +
                          "\nCOMMIT" + rest)
    return result


__all__ = ["CONNTRACK", "docker_rules", "for_all", "labelled", "linear", "nat", "per_container"]
