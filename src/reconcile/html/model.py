"""What a page is made of. Data only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from reconcile.html.drawings import Drawing

if TYPE_CHECKING:
    from reconcile.explaining.model import Explanation
    from reconcile.matching.model import Reconciliation
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

ROWS = 10_000
"""Rows of one table that a page holds; the rest is counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What a comparison's page is made from. names: how the sides are called. text: the printed page."""

    command: str
    text: str
    data: str
    found: Reconciliation
    reference: Ledger
    candidate: Ledger
    names: tuple[str, str] = ("reference", "candidate")
    scenario: Scenario | None = None
    market: Market | None = None
    explanation: Explanation | None = None


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
    """A drawing with the table that says the same. note: one sentence below the title."""

    name: str
    title: str
    drawing: Drawing
    note: str = ""
    table: Grid | None = None


@dataclass(frozen=True, slots=True)
class MapCell:
    """Breaks of one stage in one stretch of time.

    roots: how many of them are roots. periods: the numbers of its first and last period; -1 before the first.
    """

    stage: str
    stretch: str
    count: int
    roots: int
    level: int
    periods: tuple[int, int]


@dataclass(frozen=True, slots=True)
class BreakMap:
    """Stages by stretches of time; `cells` has one tuple of cells per stage, None where nothing broke."""

    stages: tuple[str, ...]
    stretches: tuple[str, ...]
    cells: tuple[tuple[MapCell | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the semantics. text: as the page of the semantics has it; empty where it is not at hand."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class CloseUp:
    """The first divergence: what it is, both sides around it, the symbol's bars, and the rules that decide.

    lines: the market around it, as text.
    """

    sentence: str
    lines: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    grids: tuple[Grid, ...] = ()
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page about one thing, such as a pending golden.

    name: its anchor. facts: (label, value). before_after: (figure, before, after), with `heads` for the two.
    commands: to be typed.
    """

    name: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    before_after: tuple[tuple[str, str, str], ...] = ()
    heads: tuple[str, str] = ("before", "after")
    pictures: tuple[Picture, ...] = ()
    grids: tuple[Grid, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page. facts: (label, value) pairs shown below. figures: (label, reference, candidate).

    outcome: the verdict in a word or two, shown in the colour of `tone`. causes, leads, patterns:
    sentences.
    not_compared: what was left out and why. commands: to be typed next. sections: shown before `grids`.
    data: the JSON of the same answer, by the command's schema.
    """

    command: str
    title: str
    verdict: str
    tone: Tone
    outcome: str = ""
    figures: tuple[tuple[str, str, str], ...] = ()
    sides: tuple[str, str] = ("reference", "candidate")
    causes: tuple[str, ...] = ()
    causes_title: str = "Causes"
    leads: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    not_compared_title: str = "Not compared"
    commands: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    close_up: CloseUp | None = None
    break_map: BreakMap | None = None
    sections: tuple[Section, ...] = ()
    grids: tuple[Grid, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    text: str = ""
    data: str = "{}"
