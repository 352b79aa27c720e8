"""From findings to roots: which findings are one mistake, and which breaks it covers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as made
from fractions import Fraction

import numpy as np

from reconcile.ledger.figures import decimal_of, scaled
from reconcile.matching.axis import Axis, cycles, periods
from reconcile.matching.breaks import NONE, TABLES, BreakColumns, Breaks
from reconcile.matching.cells import cell
from reconcile.matching.diff_tables import SHOWN_DIGITS, cell_type
from reconcile.matching.inexact_pairs import TIMED, WINDOW
from reconcile.matching.model import ROW, Break, BreakType, LedgerSide, Root, Stage, Value
from reconcile.matching.patterns import fit
from reconcile.matching.stages import COMPARED, COMPARED_KEYS, RANK, ROW_STAGE, ROW_VALUE, field_stage
from reconcile.roots.findings import Finding, FindingRun, alike
from reconcile.roots.rows import Cell, scale_of
from vocabulary.ledger import RUN_TABLES, Kind, Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

BOOK = (Stage.POSITION, Stage.MARK, Stage.CASH, Stage.EQUITY)
"""Stages of what a ledger reports of its book."""
CONSTANT = 0.25
"""The share of a table's rows that a constant pattern is wrong in; half of them may be of the other side."""
TIMES = ("timestamp", "decided_at")
Place = tuple[str, int, str | None, str | None]
"""(table, timestamp, symbol, side): the key of a row, in words that both ledgers share."""


@dataclass(slots=True)
class Cause:
    """One mistake.

    findings: in order of time. field, type: those shown. covers: further findings that it explains.
    """

    findings: list[Finding]
    field: str
    type: BreakType
    covers: list[Finding] = made(default_factory=list)

    @property
    def first(self) -> Finding:
        """The earliest finding."""
        return self.findings[0]

    @property
    def stage(self) -> Stage:
        """The stage of the row or of the field."""
        if self.field == ROW or self.type is BreakType.TIMING:
            return ROW_STAGE[self.first.table]
        return field_stage(self.first.table, self.field)


def causes_of(runs: Iterable[FindingRun], ledger: Ledger) -> list[Cause]:
    """Merge runs that are one mistake: cells of one row and stage, a moved row, one constant pattern, one
    diverging book."""
    causes = [Cause(list(run.findings), run.findings[0].field, run.findings[0].type) for run in runs]
    causes = _same_row(causes)
    causes = _moved_rows(causes)
    causes = _one_pattern(causes, ledger)
    return _one_book(causes)


def _one_pattern(causes: list[Cause], ledger: Ledger) -> list[Cause]:
    """Merge the causes about one column in which all numbers have one relation to what was expected.

    It has to go through the table: what comes now and then in equal amounts is not constant.
    """
    columns: dict[tuple[str, str, BreakType], list[Cause]] = defaultdict(list)
    for cause in causes:
        columns[cause.first.table, cause.field, cause.type].append(cause)
    merged: dict[int, Cause] = {}
    for group in columns.values():
        numbers = [[_number_pair(f) for f in cause.findings if f.field == cause.field] for cause in group]
        known = [cause for cause, each in zip(group, numbers, strict=True) if each and None not in each]
        pairs = [pair for each in numbers if None not in each for pair in each if pair is not None]
        if len(known) < 2 or len(pairs) < CONSTANT * ledger.tables[known[0].first.table].rows:
            continue
        expected, stated = np.array(pairs, np.float64).T
        found = fit(expected, stated, (1.0, 1.0))
        if found is not None and bool(found.fits.all()):
            one = Cause([], known[0].field, known[0].type)
            for cause in known:
                merged[id(cause)] = one
                one.findings += cause.findings
                one.covers += cause.covers
            one.findings.sort(key=lambda finding: finding.bar)
    out = [merged.get(id(cause), cause) for cause in causes]
    return list({id(cause): cause for cause in out}.values())


def _number_pair(finding: Finding) -> tuple[float, float] | None:
    """What was expected and what was found, None where one is no number."""
    a, b = finding.expected, finding.found
    return (float(a), float(b)) if isinstance(a, int | Fraction) and isinstance(b, int | Fraction) else None


def _same_row(causes: list[Cause]) -> list[Cause]:
    """Merge findings about one row and one stage; the first column gives the name."""
    out: dict[tuple[object, ...], Cause] = {}
    for place, cause in enumerate(causes):
        f = cause.first
        key = (f.table, f.bar, f.symbol, f.row, cause.stage) if f.field != ROW else (place,)
        if key in out:
            out[key].findings += cause.findings
        else:
            out[key] = cause
    return list(out.values())


def _moved_rows(causes: list[Cause]) -> list[Cause]:
    """Join a missing and an extra row that are one row under another symbol, or some bars off.

    This is decided row by row, because rows of one symbol may stand under several others. Rows that move from
    one cause to one other cause, again and again, are one mistake.
    """
    missing = [(c, f) for c in causes if c.type is BreakType.MISSING for f in c.findings]
    extra = [(c, f) for c in causes if c.type in (BreakType.EXTRA, BreakType.DUPLICATE) for f in c.findings]
    moved: dict[tuple[int, int, str], Cause] = {}
    paired: set[int] = set()
    for _, i, j, name in sorted(_moves([f for _, f in missing], [f for _, f in extra])):
        (source, gone), (target, new) = missing[i], extra[j]
        if id(gone) in paired or id(new) in paired:
            continue
        paired |= {id(gone), id(new)}
        kind = BreakType.TIMING if name in TIMES else cell_type(gone.table, name)
        cause = moved.setdefault((id(source), id(target), name), Cause([], name, kind))
        cause.findings.append(replace(gone, bar=min(gone.bar, new.bar), row=new.row, found=new.found))
        cause.covers += [gone, new]
    for cause in causes:
        cause.findings = [finding for finding in cause.findings if id(finding) not in paired]
    return [*(cause for cause in causes if cause.findings), *moved.values()]


def _moves(missing: list[Finding], extra: list[Finding]) -> list[tuple[int, int, int, str]]:
    """Candidates for a moved row: (bars apart, place in `missing`, place in `extra`, column that differs)."""
    near: dict[tuple[str, int], list[int]] = defaultdict(list)
    for j, new in enumerate(extra):
        near[new.table, new.bar].append(j)
    out = []
    for i, a in enumerate(missing):
        for bar in range(max(0, a.bar - WINDOW), a.bar + WINDOW + 1):
            for j in near.get((a.table, bar), []):
                b, apart = extra[j], abs(a.bar - bar)
                if a.side != b.side:
                    continue
                if apart == 0 and a.symbol != b.symbol and alike(a, b):
                    out.append((0, i, j, "symbol"))
                elif apart and a.symbol == b.symbol and _same_trade(a, b):
                    out.append((apart, i, j, COMPARED_KEYS[a.table][0]))
    return out


def _same_trade(a: Finding, b: Finding) -> bool:
    if a.table in TIMED:
        return (a.content or {}).get("quantity") == (b.content or {}).get("quantity")
    return alike(a, b)


def _one_book(causes: list[Cause]) -> list[Cause]:
    """Merge findings about the reported book that persist at the same time: one book diverged."""
    lasting = [c for c in causes if c.stage in BOOK and len({f.bar for f in c.findings}) > 1]
    lasting.sort(key=lambda cause: (cause.first.bar, RANK[cause.stage]))
    merged: set[int] = set()
    head: Cause | None = None
    end = -1
    for cause in lasting:
        if head is not None and cause.first.bar <= end:
            head.findings += cause.findings
            merged.add(id(cause))
        else:
            head = cause
        end = max(end, max(finding.bar for finding in cause.findings))
    return [cause for cause in causes if id(cause) not in merged]


@dataclass(frozen=True, slots=True)
class RootFrame:
    """What is needed to describe a root: the scenario, its market and the time axis."""

    scenario: Scenario
    market: Market
    axis: Axis

    def stamp(self, bar: int) -> int:
        """The timestamp of a bar of the market."""
        return int(self.market.timestamps[bar]) if bar >= 0 else 0


def label(
    breaks: Breaks, found: Sequence[tuple[list[Cause], bool]], frame: RootFrame
) -> tuple[Breaks, tuple[Root, ...]]:
    """The breaks with their labels, and the roots in order.

    found: the causes of one side, and whether that side is the candidate.

    A foreign ledger may state its account in part, or rounded. A value that contradicts that account but
    agrees with the other ledger is then no mistake, unless nothing else explains the breaks.
    """
    checked = [TABLES.index(name) for name in RUN_TABLES]
    labels = np.where(np.isin(breaks.columns.table, checked), 0, -1).astype(np.int8)
    roots: list[Root] = []
    doubtful: list[Root] = []
    for causes, is_candidate in found:
        side = breaks.candidate if is_candidate else breaks.reference
        index = _BreakIndex(breaks, frame, is_candidate)
        for cause in causes:
            places = sorted(
                {place for finding in (*cause.findings, *cause.covers) for place in index.of(finding)}
            )
            labels[places] = 1
            sure = bool(places) or side.manifest.semantics is not None
            (roots if sure else doubtful).append(_root(cause, frame, is_candidate, breaks, places))
    columns = {name: getattr(breaks.columns, name) for name in BreakColumns.__slots__} | {"root": labels}
    sides = (breaks.reference, breaks.candidate)
    labelled = Breaks(BreakColumns(**columns), breaks.names, breaks.symbols, breaks.specials, sides)
    if not roots:
        roots = sorted(doubtful, key=_in_order)[:1]
    return labelled, tuple(sorted(roots, key=_in_order))


def _in_order(root: Root) -> tuple[int, int, int, str, str, str]:
    one = root.first
    stage, table = RANK[one.stage], TABLES.index(one.table)
    return one.cycle, stage, table, one.symbol or "", one.field, str(one.key)


class _BreakIndex:
    """Looks up the breaks of a finding, by cell and by key."""

    def __init__(self, breaks: Breaks, frame: RootFrame, is_candidate: bool) -> None:
        self.frame = frame
        c = breaks.columns
        rows = c.candidate_row if is_candidate else c.reference_row
        self.by_cell: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        self.by_key: dict[Place, list[int]] = defaultdict(list)
        names = [breaks.names[code] for code in c.field.tolist()]
        for i, (table, row, name) in enumerate(zip(c.table.tolist(), rows.tolist(), names, strict=True)):
            if row >= 0:
                self.by_cell[TABLES[table], row, name].append(i)
            if name == ROW or name in COMPARED_KEYS[TABLES[table]]:
                for side, at in (
                    (breaks.reference, c.reference_row[i]),
                    (breaks.candidate, c.candidate_row[i]),
                ):
                    if at >= 0:
                        self.by_key[_place(side, TABLES[table], int(at))].append(i)

    def of(self, finding: Finding) -> list[int]:
        """The places, in the breaks, of a finding's breaks."""
        out = list(self.by_cell.get((finding.table, finding.row, finding.field), []))
        if finding.field == ROW or finding.field in COMPARED_KEYS[finding.table]:
            sides = {finding.side}
            if finding.field == "side":
                sides |= {str(finding.expected), str(finding.found)}
            for side in sides:
                out += self.by_key.get(self._key(finding, side), [])
        return out

    def _key(self, finding: Finding, side: str | None) -> Place:
        symbol = self.frame.market.symbols[finding.symbol] if finding.symbol >= 0 else None
        return (
            finding.table,
            self.frame.stamp(finding.bar),
            symbol,
            side if "side" in COMPARED_KEYS[finding.table] else None,
        )


def _place(side: LedgerSide, table: str, row: int) -> Place:
    columns = side.tables[table].columns
    stamp, symbol, way = (
        cell(columns[name], row) if name in columns and name in COMPARED_KEYS[table] else None
        for name in (COMPARED_KEYS[table][0], "symbol", "side")
    )
    return (
        table,
        stamp if isinstance(stamp, int) else NONE,
        None if symbol is None else str(symbol),
        None if way is None else str(way),
    )


def _root(cause: Cause, frame: RootFrame, is_candidate: bool, breaks: Breaks, places: list[int]) -> Root:
    """A cause as a Root. places: its breaks, ascending."""
    f = cause.first
    bars = [finding.bar for finding in (*cause.findings, *cause.covers)]
    twin = breaks[places[0]] if places else None
    stamp = frame.stamp(f.bar) if f.bar >= 0 or twin is None else twin.timestamp
    symbol = frame.market.symbols[f.symbol] if f.symbol >= 0 else (twin.symbol if twin else None)
    key: list[Value] = [
        stamp,
        *([symbol] if "symbol" in COMPARED_KEYS[f.table] else []),
        *([f.side] if "side" in COMPARED_KEYS[f.table] else []),
    ]
    cycle = int(cycles(frame.axis, f.table, f.field, np.array([stamp]))[0])
    decided = cycle - frame.axis.lag
    if twin is not None and (twin.table, twin.timestamp) == (f.table, stamp):
        cycle = twin.cycle  # X9: a close at a level executes in the bar that decides it
    period = int(periods(frame.axis, np.array([decided]))[0])
    bars_known = 0 <= decided < len(frame.axis.bars) and frame.axis.timed
    kind = COMPARED[f.table].get(ROW_VALUE[f.table] if f.field == ROW else f.field, Kind.WORD)
    values = (_value(f.expected, kind, frame.scenario), _value(f.found, kind, frame.scenario))
    if cause.field in COMPARED_KEYS[f.table] and cause.field not in ("side",) and twin is not None:
        kind, values = twin.kind, (twin.reference, twin.candidate)
        if not is_candidate:
            values = (values[1], values[0])
    swapped = {BreakType.MISSING: BreakType.EXTRA, BreakType.EXTRA: BreakType.MISSING}
    told = Break(
        table=f.table,
        key=tuple(key),
        field=cause.field,
        kind=kind,
        stage=cause.stage,
        type=cause.type if is_candidate else swapped.get(cause.type, cause.type),
        timestamp=stamp,
        decided_at=int(frame.axis.bars[decided]) if bars_known else None,
        cycle=cycle,
        rebalance=None if period < 0 else period,
        symbol=symbol,
        reference=values[0] if is_candidate else values[1],
        candidate=values[1] if is_candidate else values[0],
        reference_row=twin.reference_row if twin else None,
        candidate_row=twin.candidate_row if twin else None,
        root=True,
    )
    return Root(told, frame.stamp(max(bars)), len(cause.findings))


def _value(value: Cell, kind: Kind, scenario: Scenario) -> Value:
    """A value in the scenario's units, as a break shows it."""
    if isinstance(value, bool) or value is None or isinstance(value, str | float):
        return value
    if kind in (Kind.COUNT, Kind.TIMESTAMP) and isinstance(value, int):
        return value
    scale = scale_of(kind, scenario)
    return (
        scaled(value, scale)
        if isinstance(value, int)
        else decimal_of(Fraction(value) / 10**scale, SHOWN_DIGITS)
    )
