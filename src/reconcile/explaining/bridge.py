"""From the reference's final equity to the candidate's: the difference taken apart in four ways, exactly.

By cause: each cause is added to those before it, in the order listed, and the final equity of that run is
read; what the last run leaves is `unexplained`. By stage and by symbol: final equity is initial cash plus the
worth of every fill at the final marks, so the fills of both ledgers are matched by bar, symbol and side, and
their differences are summed. By month: the equity of both ledgers moves month by month.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from reconcile.explaining.evidence import EMPTY, Rows, Target
from reconcile.explaining.hypotheses.features import carried
from reconcile.explaining.model import Bridge, Line, Subject
from vocabulary.market import Market

UNEXPLAINED = "unexplained"
ACCOUNT = "(account)"
CAPITAL, PRICE, QUANTITY, MISSING, EXTRA, COSTS, MARKS = (
    "capital", "price", "quantity", "missing trades", "extra trades", "costs", "marks and booking",
)  # fmt: skip
STAGES = (CAPITAL, MISSING, EXTRA, QUANTITY, PRICE, COSTS, MARKS)

Trade = tuple[int, int, int]
"""Signed quantity, price, commission."""


def final_equity(target: Target) -> int | None:
    """The last reported equity, None where there is none."""
    rows = target.tables.get("equity")
    if rows is None or "equity" not in rows.cells or not len(rows.cycle):
        return None
    last = int(rows.cells["equity"][-1])
    return None if last == EMPTY else last


def bridge(
    subject: Subject,
    reference: Target,
    candidate: Target,
    steps: Sequence[tuple[str, int]],
    bases: tuple[int, int],
    began: int,
) -> Bridge | None:
    """The bridge; None where a ledger reports no equity.

    steps: by cause, its label and the final equity with it and the causes before it, in money units. bases:
    what the two returns are measured against. began: the cash that the candidate started with.
    """
    start, end = final_equity(reference), final_equity(candidate)
    if start is None or end is None:
        return None
    lines, before = [], start
    for label, equity in steps:
        lines.append(Line(label, equity - before, equity))
        before = equity
    lines.append(Line(UNEXPLAINED, end - before, end))
    by_stage, by_symbol = _apart(subject, reference, candidate, start, end, began)
    return Bridge(
        scale=subject.scenario.market.price_decimals + subject.scenario.market.quantity_decimals,
        reference=start,
        candidate=end,
        base=bases[0],
        candidate_base=bases[1],
        by_cause=tuple(lines),
        by_stage=by_stage,
        by_symbol=by_symbol,
        by_month=_by_month(subject, reference, candidate, began),
    )


def _apart(
    subject: Subject, reference: Target, candidate: Target, start: int, end: int, began: int
) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
    """The difference by stage and by symbol."""
    stages: Counter[str] = Counter({CAPITAL: began - subject.scenario.initial_cash})
    symbols: Counter[str] = Counter({ACCOUNT: stages[CAPITAL]})
    ours, theirs = _trades(reference), _trades(candidate)
    if ours is not None and theirs is not None:
        names = (*subject.market.symbols, ACCOUNT)
        marks = final_marks(subject.market)
        for key in ours.keys() | theirs.keys():
            s = min(key[1], len(names) - 1)
            mark = marks[s] if s < len(marks) else 0
            for stage, amount in _gaps(ours.get(key, []), theirs.get(key, []), mark):
                stages[stage] += amount
                symbols[names[s]] += amount
    rest = end - start - sum(stages.values())
    stages[MARKS] += rest
    symbols[ACCOUNT] += rest
    by_symbol = sorted(
        ((name, amount) for name, amount in symbols.items() if amount), key=lambda e: (-abs(e[1]), e[0])
    )
    return tuple((stage, stages[stage]) for stage in STAGES if stages[stage]), tuple(by_symbol)


def _trades(target: Target) -> Mapping[tuple[int, int, int], list[Trade]] | None:
    """Fills by bar, symbol and side."""
    rows = target.tables.get("fills")
    if rows is None or not {"price", "quantity"} <= rows.cells.keys():
        return None
    out: dict[tuple[int, int, int], list[Trade]] = {}
    nothing = np.zeros(len(rows.cycle), np.int64)
    for t, s, side, quantity, price, commission in zip(
        rows.cycle.tolist(),
        rows.symbol.tolist(),
        rows.side.tolist(),
        rows.cells["quantity"].tolist(),
        rows.cells["price"].tolist(),
        rows.cells.get("commission", nothing).tolist(),
        strict=True,
    ):
        trade = (quantity if side == 0 else -quantity, price, 0 if commission == EMPTY else commission)
        out.setdefault((t, s, side), []).append(trade)
    return out


def _gaps(ours: Sequence[Trade], theirs: Sequence[Trade], mark: int) -> list[tuple[str, int]]:
    """The differences between fills of one bar, symbol and side, by stage, valued at the final mark."""
    out = []
    for (quantity, price, fee), (other, paid, charged) in zip(ours, theirs, strict=False):
        out += [
            (QUANTITY, (other - quantity) * (mark - price)),
            (PRICE, -other * (paid - price)),
            (COSTS, fee - charged),
        ]
    common = min(len(ours), len(theirs))
    out += [(MISSING, -quantity * (mark - price) + fee) for quantity, price, fee in ours[common:]]
    out += [(EXTRA, quantity * (mark - price) - fee) for quantity, price, fee in theirs[common:]]
    return out


def final_marks(market: Market) -> list[int]:
    """Each symbol's last present close (M3)."""
    marks: list[int] = carried(market.close, market.present)[-1].tolist()
    return marks


def _by_month(
    subject: Subject, reference: Target, candidate: Target, began: int
) -> tuple[tuple[str, int], ...]:
    """How much more the candidate's equity moved in each month than the reference's; a difference in what
    they began with stands first."""
    months = subject.market.wall.astype("datetime64[ns]").astype("datetime64[M]").astype(str)
    ours = _moves(reference.tables["equity"], subject.scenario.initial_cash, months)
    theirs = _moves(candidate.tables["equity"], began, months)
    gap = began - subject.scenario.initial_cash
    out = [("at the start", gap)] if gap else []
    out += [(month, theirs[month] - ours[month]) for month in sorted({*ours, *theirs})]
    return tuple((month, amount) for month, amount in out if amount)


def _moves(rows: Rows, before: int, months: np.ndarray) -> Counter[str]:
    moves: Counter[str] = Counter()
    for t, equity in zip(rows.cycle.tolist(), rows.cells["equity"].tolist(), strict=True):
        if equity == EMPTY:
            continue
        moves[str(months[min(t, len(months) - 1)])] += equity - before
        before = equity
    return moves
