# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of tests/bench/packets as SVG: a picture for each way and family, a bar for each host."""
from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

BAR, GAP, LABEL, UNIT, TOP = 14, 10, 150, 420, 30  # pixels; UNIT: of a ratio of 1
MOST = 1.3  # ratios beyond are cut off, and said


def _bar(y: int, name: str, entry: Dict[str, Any]) -> List[str]:
    ratio = entry["ratio"]
    low, high = (min(value, MOST) for value in ratio["quartiles"])
    colour = "#2b6cb0" if name.startswith("netd") else "#a0aec0"
    middle = y + BAR // 2
    return [
        f'<text x="{LABEL - 6}" y="{y + BAR - 3}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{LABEL}" y="{y}" width="{min(ratio["median"], MOST) * UNIT:.0f}" '
        f'height="{BAR}" fill="{colour}"/>',
        f'<path d="M{LABEL + low * UNIT:.0f} {middle}H{LABEL + high * UNIT:.0f}" '
        'stroke="#1a202c" stroke-width="2"/>',
        f'<text x="{LABEL + min(max(ratio["median"], high), MOST) * UNIT + 6:.0f}" '
        f'y="{y + BAR - 3}">{ratio["median"]:.2f}</text>',
    ]


def _group(y: int, row: Dict[str, Any]) -> Tuple[int, List[str]]:
    parts = [f'<text x="4" y="{y + 12}" font-weight="bold">{escape(str(row["figure"]))}</text>']
    y += 18
    for name, entry in row["hosts"].items():
        if "ratio" in entry:
            parts += _bar(y, name, entry)
            y += BAR + 2
    return y + GAP, parts


def picture(title: str, rows: Sequence[Dict[str, Any]]) -> str:
    """Ratios to connection tracking alone, with a line at 1."""
    y, parts = TOP, []
    for row in rows:
        y, group = _group(y, row)
        parts += group
    width = LABEL + int(MOST * UNIT) + 60
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{y}" fill="white"/>',
        f'<text x="4" y="16" font-size="14">{escape(title)}</text>', *parts,
        f'<path d="M{LABEL + UNIT} {TOP}V{y}" stroke="#c53030" stroke-dasharray="4 3"/>',
        "</svg>", ""])


def write_all(folder: Path, rows: Sequence[Dict[str, Any]]) -> None:
    """A file for each way and family."""
    folder.mkdir(parents=True, exist_ok=True)
    groups: Dict[Tuple[str, int], List[Dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["way"], row["family"]), []).append(row)
    for (way, family), group in groups.items():
        title = f"{way}, IPv{family}: rates, connection tracking alone = 1"
        (folder / f"{way}-ipv{family}.svg").write_text(picture(title, group), encoding="utf-8")


__all__ = ["picture", "write_all"]
