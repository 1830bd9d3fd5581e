# SPDX-License-Identifier: GPL-2.0-or-later
"""A table of verdicts: rows are sources, columns are destinations.

It prints readably, reads its own print back (so a test can hold the expected
table as text), and says cell by cell where two tables differ.
"""
from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

Cell = Tuple[str, str]


class Matrix:
    """Verdicts by (row, column).  Rows and columns keep the order of first use."""

    def __init__(self) -> None:
        self.cells: Dict[Cell, str] = {}

    def __setitem__(self, cell: Cell, verdict: str) -> None:
        self.cells[cell] = verdict

    def __getitem__(self, cell: Cell) -> str:
        return self.cells[cell]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matrix) and self.cells == other.cells

    @property
    def rows(self) -> List[str]:
        """The row names."""
        return list(dict.fromkeys(row for row, _ in self.cells))

    @property
    def columns(self) -> List[str]:
        """The column names."""
        return list(dict.fromkeys(column for _, column in self.cells))

    @classmethod
    def parse(cls, text: str) -> "Matrix":
        """Read a table as text() prints it: first line the columns, "-" for no cell."""
        lines = [line.split() for line in text.strip().splitlines() if line.strip()]
        matrix = cls()
        columns = lines[0]
        for row, *verdicts in lines[1:]:
            if len(verdicts) != len(columns):
                raise ValueError(f"row {row}: {len(verdicts)} cells, {len(columns)} columns")
            for column, verdict in zip(columns, verdicts):
                if verdict != "-":
                    matrix[row, column] = verdict
        return matrix

    def text(self) -> str:
        """The table, columns aligned."""
        table = [["", *self.columns]]
        for row in self.rows:
            table.append([row, *(self.cells.get((row, c), "-") for c in self.columns)])
        return _align(table)

    def diff(self, expected: "Matrix") -> List[str]:
        """One line for each cell that is not as expected; empty when all are."""
        cells = dict.fromkeys([*expected.cells, *self.cells])
        return [
            f"{row} -> {column}: expected {expected.cells.get((row, column), 'no cell')}, "
            f"got {self.cells.get((row, column), 'no cell')}"
            for row, column in cells
            if expected.cells.get((row, column)) != self.cells.get((row, column))
        ]

    def check(self, expected: "Matrix") -> None:
        """Raise AssertionError with the differences and the whole table."""
        wrong = self.diff(expected)
        if wrong:
            raise AssertionError("\n".join([f"{len(wrong)} cells differ:", *wrong, self.text()]))


def _align(table: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in table)
