"""The catalogue: every hypothesis, in the order of preference between causes that a ledger cannot tell apart.

A hypothesis is one object in the file of its family, and its place in this list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from reconcile.explaining.evidence import Window
from reconcile.explaining.hypotheses import (
    books,
    costs,
    execution,
    exits,
    features,
    fees,
    frames,
    levels,
    prices,
    queue,
    reports,
    rounding,
    sizing_base,
)
from reconcile.explaining.hypotheses import selection as choosing
from reconcile.explaining.hypotheses import sizing as sizes
from reconcile.explaining.model import EVERY, Change, Changes, Hypothesis, Subject, Value


class Catalogue:
    """Hypotheses in their order of preference."""

    def __init__(self, hypotheses: Iterable[Hypothesis]) -> None:
        self.hypotheses = tuple(hypotheses)
        self._place = {hypothesis: place for place, hypothesis in enumerate(self.hypotheses)}

    def __iter__(self) -> Iterator[Hypothesis]:
        return iter(self.hypotheses)

    def values(self, subject: Subject, window: Window) -> list[tuple[Hypothesis, Value]]:
        """Every hypothesis with each of the values worth trying."""
        return list(chain.from_iterable(((h, v) for v in h.values(subject, window)) for h in self))

    def ordered(self, changes: Iterable[Change]) -> Changes:
        """The order in which changes are applied: as listed here, then as they begin. Each stands once."""
        return tuple(
            sorted(set(changes), key=lambda c: (self._place[c.hypothesis], c.since, repr(c.value), repr(c)))
        )

    def plainness(self, change: Change) -> tuple[int, ...]:
        """Sorts the plainer of two changes first: fewer limits, then the order listed here."""
        limits = (change.since > 0) + (change.until is not None) + (change.symbols is not None)
        return (limits + (change.side is not None), self._place[change.hypothesis])


CATALOGUE = Catalogue(
    (
        sizes.CAPITAL,
        execution.TIMING,
        rounding.COMMISSION_ROUNDED,
        rounding.SLIPPAGE_ROUNDED,
        rounding.PRICE_ROUNDED,
        rounding.QUANTITY_ROUNDED,
        costs.COMMISSION,
        costs.SLIPPAGE,
        sizes.SIZING,
        sizes.SIZE_AT,
        execution.SEQUENCE,
        execution.CASH,
        choosing.GATE,
        choosing.SCHEDULE,
        choosing.NO_REBALANCE,
        choosing.SELECTION,
        choosing.NAMES_AT_WEIGHT,
        sizes.BAND,
        choosing.COOLDOWN,
        execution.SHORT,
        exits.EXIT_UNUSED,
        exits.EXIT_SETTING,
        exits.EXITS_REVERSED,
        levels.GAP,
        levels.PATH,
        levels.TRAIL,
        levels.TOUCH,
        levels.ARMED_FROM,
        levels.EXIT_AT,
        features.CONTEXT_ZERO,
        features.CONTEXT_ZERO_FILLED,
        features.CONTEXT_CARRIED,
        features.CONTEXT_SHIFTED,
        prices.EXECUTION_PRICE,
        features.FEATURE_SHIFTED,
        features.FEATURE_REVERSED,
        features.FEATURE_ZERO_FILLED,
        features.FEATURE_CARRIED,
        features.FEATURE_MISALIGNED,
        features.FEATURE_SCALED,
        prices.PRICES_ROUNDED,
        prices.PRICES_SHIFTED,
        prices.PRICES_FIELD,
        prices.PRICES_CARRIED,
        prices.PRICES_MISALIGNED,
        prices.SPLIT,
        frames.FEATURE_PUT_BACK,
        frames.FEATURE_OWN_ROWS,
        frames.FEATURE_ROLLED,
        frames.FEATURE_CALENDAR,
        frames.FEATURE_REORDERED,
        frames.FEATURE_DROPPED,
        frames.CONTEXT_ROLLED,
        frames.CONTEXT_CALENDAR,
        frames.PRICES_PUT_BACK,
        frames.PRICES_OWN_ROWS,
        frames.PRICES_ROLLED,
        frames.PRICES_CALENDAR,
        frames.PRICES_REORDERED,
        frames.PRICES_DROPPED,
        fees.COMMISSION_FACTOR,
        fees.FEE_IN_PRICE,
        sizes.LOT,
        sizing_base.SIZING_BASE,
        choosing.BARRED_RANKED,
        execution.BUYS_FIRST,
        queue.QUEUE,
        queue.CHECKED_AT_SUBMISSION,
        queue.OWN_OPEN,
        exits.EXIT_LOOKS_AT,
        exits.EXIT_UNSENT,
        execution.ORDER_LOST,
        execution.ORDER_LATE,
        execution.FILL_DROPPED,
        execution.FILL_UNBOOKED,
        execution.FILL_DOUBLED,
        execution.FILL_BOOKED_TWICE,
        execution.CASH_NOT_CREDITED,
        execution.CASH_NOT_DEBITED,
        execution.COMMISSION_NOT_PAID,
        reports.FROZEN_BOOK,
        reports.SIGN_FLIPPED,
        reports.MARKED_OTHERWISE,
        reports.EQUITY_LATE,
        books.BEFORE_TRADES,
        books.ROWS_DATED,
        books.CLOSED_ALONE,
        books.BALANCE,
        reports.REPORTED_ZERO,
        reports.UNREPORTED,
    )
)


def same_object(a: Change, b: Change) -> bool:
    """Whether two changes are about one setting or datum, so that one may stand in the other's place."""
    if a.hypothesis is not b.hypothesis:
        return False
    return not a.hypothesis.names_its_object or _object(a) == _object(b)


def _object(change: Change) -> Value:
    """What a change's value names: a setting, a column, an exit rule."""
    return change.value[0] if isinstance(change.value, tuple) else change.value


def akin(old: Change, new: Change) -> bool:
    """Whether one change may stand in the other's place."""
    if old.hypothesis is new.hypothesis:
        return EVERY in (old.value, new.value) or same_object(old, new)
    family = old.hypothesis.family
    return family is not None and family is new.hypothesis.family
