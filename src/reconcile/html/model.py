"""What a page is made of. Data only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

ROWS = 10_000
"""Rows of one table that a page holds; the rest is counted."""


class Tone(Enum):
    """How the verdict is coloured: a pass, a failure, or neither."""

    PASS = "pass"
    FAIL = "fail"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text and numbers.

    name: its anchor. columns: headings. rows: cells, None for an empty one. left_out: rows that the page does
    not hold. numeric: places of columns that are right-aligned and sorted as numbers.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    left_out: int = 0
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with the table that says the same. chart: a Bokeh model. note: one sentence below the title."""

    name: str
    title: str
    chart: Any
    note: str = ""
    table: Grid | None = None


@dataclass(frozen=True, slots=True)
class MapCell:
    """Breaks of one stage in one stretch of time. roots: how many of them are roots."""

    stage: str
    stretch: str
    count: int
    roots: int
    level: int


@dataclass(frozen=True, slots=True)
class BreakMap:
    """Stages by stretches of time; `cells` has one tuple of cells per stage, None where nothing broke."""

    stages: tuple[str, ...]
    stretches: tuple[str, ...]
    cells: tuple[tuple[MapCell | None, ...], ...]


@dataclass(frozen=True, slots=True)
class CloseUp:
    """The first divergence: what it is, both sides around it as text, and the symbol's bars as a picture."""

    sentence: str
    lines: tuple[str, ...]
    rule: str
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page. facts: (label, value) pairs shown below. figures: (label, reference, candidate).

    outcome: the verdict in a word or two, shown in the colour of `tone`. causes, leads: sentences.
    not_compared: what was left out and why. data: the JSON of the same answer, by the command's schema.
    """

    command: str
    title: str
    verdict: str
    tone: Tone
    outcome: str = ""
    figures: tuple[tuple[str, str, str], ...] = ()
    candidate: str = "candidate"
    causes: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    close_up: CloseUp | None = None
    break_map: BreakMap | None = None
    grids: tuple[Grid, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    text: str = ""
    data: str = "{}"
