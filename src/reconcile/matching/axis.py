"""Time as a backtest lives it: bars, cycles of decide, execute and book, and rebalance periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from reconcile.matching.codes import codes_in, distinct_values
from vocabulary.ledger import TIME_COLUMN, Ledger, Manifest, Table
from vocabulary.scenario import Timing

Ints = npt.NDArray[np.int64]
EMPTY: Ints = np.zeros(0, np.int64)
DECISIONS = ("targets", "orders")


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """bars: every timestamp of both ledgers, ascending, ns.

    lag: cycles between a bar and the cycle its decisions belong to: 1 when orders execute at the next
        bar, 0 with same_close or where timing is not known (`timed` False).
    starts: places in `bars` where either side decided a rebalance; every bar where no ledger tells.
    are_bars: whether the latter.
    stamps: the distinct timestamps of each side's (0, 1) tables and columns.
    """

    bars: Ints
    lag: int
    timed: bool
    starts: Ints
    are_bars: bool
    stamps: Mapping[tuple[int, str, str], Ints]

    def of(self, table: str) -> Ints:
        """The timestamps at which either side's table has rows, ascending."""
        return np.union1d(*(self.stamps.get((side, table, TIME_COLUMN[table]), EMPTY) for side in (0, 1)))


def make_axis(reference: Ledger, candidate: Ledger, timing: Timing | None) -> Axis:
    """The time axis two ledgers share; the same whichever comes first."""
    found = {
        (side, name, column): stamps(table, column)
        for side, ledger in enumerate((reference, candidate))
        for name, table in ledger.tables.items()
        for column in ("timestamp", "decided_at", "executes_at")
    }
    bars = np.unique(np.concatenate([EMPTY, *found.values()]))
    known = _lag(reference, candidate, timing)
    lag, timed = known or 0, known is not None
    told = [_rebalances(ledger) for ledger in (reference, candidate)]
    if all(times is None for times in told):
        return Axis(bars, lag, timed, np.arange(len(bars)), True, found)
    union = np.union1d(*(EMPTY if times is None else times for times in told))
    return Axis(bars, lag, timed, np.searchsorted(bars, union), False, found)


def stamps(table: Table, name: str) -> Ints:
    """Distinct timestamps of a column, ascending; none where it is lacking or empty."""
    column = table.columns.get(name)
    if column is None:
        return EMPTY
    values = column.values if column.missing is None else column.values[~column.missing]
    return distinct_values(values)


def _lag(reference: Ledger, candidate: Ledger, timing: Timing | None) -> int | None:
    """From the scenario, else the manifests, else what the ledgers show of themselves, else None."""
    if timing is not None:
        return int(timing is not Timing.SAME_CLOSE)
    told = {ledger.manifest.timing for ledger in (reference, candidate)} - {None}
    if told:
        return int(told != {Timing.SAME_CLOSE.value})
    shown = [late for late in (_executes_later(reference), _executes_later(candidate)) if late is not None]
    return int(any(shown)) if shown else None


def _executes_later(ledger: Ledger) -> bool | None:
    """Whether anything executes after the bar that decided it, None where no row tells."""
    seen = None
    for name, later in (("fills", "timestamp"), ("orders", "executes_at")):
        table = ledger.tables.get(name)
        if table is not None and table.rows and "decided_at" in table.columns and later in table.columns:
            decided, done = table.columns["decided_at"], table.columns[later]
            known = np.ones(table.rows, np.bool_)
            for column in (decided, done):
                if column.missing is not None:
                    known &= ~column.missing
            seen = bool(seen) or bool(np.any(done.values[known] > decided.values[known]))
    return seen


def _rebalances(ledger: Ledger) -> Ints | None:
    """Bars at which a side decided a rebalance, None where its ledger does not tell."""
    for name, time in (("equity", "timestamp"), ("targets", "decided_at"), ("orders", "decided_at")):
        table = ledger.tables.get(name)
        if table is not None and "rebalance" in table.columns and time in table.columns:
            column, at = table.columns["rebalance"], table.columns[time]
            empty = np.zeros(table.rows, np.bool_)
            for part in (column, at):
                if part.missing is not None:
                    empty |= part.missing
            return distinct_values(at.values[~empty])
    return None


def cycles(axis: Axis, table: str, field: str, times: Ints) -> Ints:
    """The cycle of rows stamped `times`: a decision belongs to the cycle that executes it."""
    late = table in DECISIONS or (table == "equity" and field == "rebalance")
    return codes_in(times, axis.bars) + (axis.lag if late else 0)


def periods(axis: Axis, decision_bars: Ints) -> Ints:
    """The period of a decision bar: the last rebalance at or before it, -1 before the first."""
    if len(decision_bars) < 1024:
        return np.searchsorted(axis.starts, decision_bars, "right").astype(np.int64) - 1
    # Decision bars are small numbers: look each up once.
    low, high = int(decision_bars.min()), int(decision_bars.max())
    table = np.searchsorted(axis.starts, np.arange(low, high + 1), "right").astype(np.int64) - 1
    return table[decision_bars - low]


def manifest_notes(reference: Manifest, candidate: Manifest) -> tuple[str, ...]:
    """What two ledgers say differently of themselves, where both say it."""
    words = {
        "timing": "name different timings",
        "scenario": "were made from different scenarios",
        "market": "were made on different markets",
        "semantics": "follow different semantics",
        "timezone": "show their timestamps in different zones",
    }
    notes = [
        f"The two ledgers {words[name]}."
        for name in words
        if None not in (getattr(reference, name), getattr(candidate, name))
        and getattr(reference, name) != getattr(candidate, name)
    ]
    started = [_initial_cash(manifest) for manifest in (reference, candidate)]
    if None not in started and started[0] != started[1]:
        notes.append("The two ledgers started with different cash.")
    zones = {"reference": reference.timezone, "candidate": candidate.timezone}
    for name, other in zip(zones, reversed(zones), strict=True):
        if zones[name] is None and zones[other] is not None:
            notes.append(
                f"The {name}'s times are clock times without a zone, the {other}'s instants of"
                f" {zones[other]}: the clock times were compared as if they were UTC."
            )
    return tuple(notes)


def _initial_cash(manifest: Manifest) -> Fraction | None:
    """In currency units, None where the manifest does not say."""
    if manifest.initial_cash is None or manifest.price_decimals is None or manifest.quantity_decimals is None:
        return None
    return Fraction(manifest.initial_cash, 10 ** (manifest.price_decimals + manifest.quantity_decimals))
