"""Roots of the breaks that no cause accounts for, grouped by what they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from reconcile.explaining.evidence import axes_of, bars_of
from reconcile.explaining.model import RootGroup, Subject
from reconcile.matching.model import Break, Reconciliation
from vocabulary.ledger import Column, Kind
from vocabulary.scenario import TopN

MOST = 2_000
FEW = 4
"""A trait is listed when at least so many roots share it: two on a Thursday mean nothing."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def root_groups(subject: Subject, found: Reconciliation) -> tuple[RootGroup, ...]:
    """Roots by their kind, then by what they share. Where roots cannot be decided, the first divergence."""
    if found.first is None:
        return ()
    if not found.roots:
        return (RootGroup("the first divergence", 1, in_words(subject, found.first)),)
    firsts = [root.first for root in found.roots[:MOST]]
    counts: Counter[str] = Counter()
    example: dict[str, Break] = {}
    for first in firsts:
        for trait in _traits(subject, first):
            counts[trait] += 1
            example.setdefault(trait, first)
    least = max(FEW, len(firsts) // 2)
    shared = (
        [(trait, count) for trait, count in counts.most_common() if count >= least] if len(firsts) > 1 else []
    )
    kinds = Counter(_kind(first) for first in firsts)
    groups = [RootGroup(kind, count, _example(subject, firsts, kind)) for kind, count in kinds.most_common(5)]
    groups += [RootGroup(trait, count, in_words(subject, example[trait])) for trait, count in shared[:5]]
    return tuple(groups)


def _kind(first: Break) -> str:
    return f"{first.stage.value}: {first.type.value} in {first.table}.{first.field}"


def _example(subject: Subject, firsts: Sequence[Break], kind: str) -> str:
    return in_words(subject, next(first for first in firsts if _kind(first) == kind))


def _traits(subject: Subject, first: Break) -> Iterator[str]:
    """What a root may share with others: symbol, rule, weekday, ties, gaps."""
    market = subject.market
    if first.symbol is not None:
        yield f"symbol {first.symbol}"
    if first.field == "reason":
        yield f"rule {first.candidate if first.candidate is not None else first.reference}"
    column = Column(Kind.TIMESTAMP, np.array([first.timestamp], np.int64))
    t = int(bars_of(column, axes_of(subject.scenario, market))[0])
    if t >= len(market.timestamps):
        yield "at no bar of the market"
        return
    day = int(market.wall[t]) // 86_400_000_000_000
    yield f"on a {DAYS[(day + 3) % 7]}"
    if first.symbol in market.symbols:
        s = market.symbols.index(first.symbol)
        around = market.present[max(0, t - 2) : t + 2, s]
        if not around.all():
            yield "at a gap: the symbol is absent at this bar or next to it"
        top = subject.scenario.strategy.selection
        if isinstance(top, TopN) and top.score in market.features:
            rows = market.features[top.score][max(0, t - 1) : t + 1]
            if any((row == row[s]).sum() > 1 for row in rows):
                yield "at a tie: another symbol has the same score"


def in_words(subject: Subject, first: Break) -> str:
    """One break in a line."""
    from reconcile.comparing.wording import describe
    from reconcile.text.times import short_clock

    return describe(first, short_clock(subject.market))
