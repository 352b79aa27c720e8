"""Checks of an account without its market: the flat book, phantom shorts, and cash below zero."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import (
    NOISE,
    Amounts,
    Ints,
    Mask,
    add,
    apart,
    as_doubles,
    minus,
    only,
    signed,
    take,
    totals,
    value,
)
from reconcile.auditing.equity import EquityByBar
from reconcile.auditing.holdings import Holdings, holdings, sign_of
from reconcile.auditing.ledger_index import PlacedTable, repeated
from reconcile.auditing.model import Check, Finding, FindingKind, Why
from reconcile.auditing.recorder import Recorder
from reconcile.auditing.sums import (
    cash_beside_fills,
    cash_of_fills,
    costs_apart,
    fill_notional,
    finite,
    value_of_bars,
    without_echo,
)
from reconcile.matching.model import Value


def check_oversold(recorder: Recorder, *, allowed: bool) -> None:
    """No more of a symbol is sold than was ever bought, or held at the start: a phantom short.

    A short that is closed again is none, and neither is one that positions show. allowed: shorts are.
    """
    found = holdings(recorder, Check.OVERSOLD)
    if found is None:
        return
    recorder.made(Check.OVERSOLD, len(found.row))
    fills = recorder.index.tables["fills"]
    for place in () if allowed else _phantoms(recorder, found):
        if recorder.is_full(FindingKind.OVERSOLD):
            recorder.count_more(Check.OVERSOLD, FindingKind.OVERSOLD, 1)
            continue
        recorder.add(
            Finding(
                Check.OVERSOLD,
                FindingKind.OVERSOLD,
                "fills.quantity",
                (recorder.row_name(fills, int(found.row[place])),),
                int(found.time[place]),
                recorder.index.symbols[int(found.symbol[place])],
                value(found.held, place),
                None,
                detail=_oversold_words(found, place),
            )
        )


def _phantoms(recorder: Recorder, found: Holdings) -> list[int]:
    """For each symbol that ends short, the entry at which it became so; without those that positions show."""
    sign, count = sign_of(found.held), len(found.symbol)
    last = np.append(found.symbol[1:] != found.symbol[:-1], True)[:count]
    starts = (sign < 0) & (sign_of(found.before) >= 0)
    start = np.maximum.accumulate(np.where(starts, np.arange(count), -1)) if count else np.zeros(0, np.int64)
    places = start[last & (sign < 0)]
    positions = recorder.index.get("positions")
    told = [name for name in ("quantity", "market_value") if positions is not None and name in positions]
    if positions is None or not told:
        return [int(place) for place in places]
    short = positions.full(told[0]) & (sign_of(positions.amounts(told[0])) < 0)
    width = max(len(recorder.index.bars), 1)
    shown = positions.symbol[short] * width + positions.bar[short]
    return [int(place) for place in places[~np.isin(found.symbol[places] * width + found.bar[places], shown)]]


def _oversold_words(found: Holdings, place: int) -> str:
    at = np.array([place])
    sold = value(minus(take(found.before, at), take(found.held, at)), 0)
    held, after = value(found.before, place), value(found.held, place)
    return (
        f"sells {_plain(sold)} where {_plain(held)} are held: a short of {_plain(after)} that nothing closes"
    )


def _plain(amount: Value) -> str:
    text = f"{amount:,.10g}" if isinstance(amount, float) else f"{amount:,}"
    return text.removeprefix("-")


def check_negative_cash(recorder: Recorder, books: EquityByBar, *, allowed: bool) -> None:
    """Cash is not below zero at any bar. All such bars are one finding. allowed: cash may be below."""
    equity = recorder.need(Check.NEGATIVE_CASH, "equity", "timestamp", "cash")
    if equity is None:
        return
    rows = books.row[books.row >= 0]
    rows = rows[equity.full("cash")[rows]]
    recorder.made(Check.NEGATIVE_CASH, len(rows))
    if allowed or not len(rows):
        return
    cash = take(equity.amounts("cash"), rows)
    below = np.asarray(cash.values < 0, np.bool_)
    if cash.scale is None:
        scale = NOISE * np.maximum.accumulate(np.abs(cash.values))
        below &= cash.values < -scale
    places = np.flatnonzero(below)
    if not len(places):
        return
    row, lowest = int(rows[places[0]]), int(np.argmin(cash.values))
    words = [_weight_words(recorder, equity, row)]
    if len(places) > 1:
        words.append(
            f"below zero at {len(places):,} of {len(rows):,} bars, at the lowest {value(cash, lowest)}"
        )
    recorder.add(
        Finding(
            Check.NEGATIVE_CASH,
            FindingKind.NEGATIVE_CASH,
            "equity.cash",
            (recorder.row_name(equity, row),),
            int(equity.time[row]),
            None,
            value(cash, int(places[0])),
            None,
            until=int(equity.time[rows[places[-1]]]),
            bars=len(places),
            detail="; ".join(word for word in words if word),
        )
    )


def _weight_words(recorder: Recorder, equity: PlacedTable, row: int) -> str:
    """The market value as a share of equity, if both are known."""
    worth = equity.amounts("market_value") if "market_value" in equity else value_of_bars(recorder, equity)
    if worth is None or "equity" not in equity or not equity.full("equity")[row]:
        return ""
    held, whole = as_doubles(worth).values[row], as_doubles(equity.amounts("equity")).values[row]
    return f"the positions are {held / whole:.2%} of equity" if whole > 0 else ""


def check_flat(
    recorder: Recorder, books: EquityByBar, initial: Amounts | None, *, shorts_allowed: bool
) -> None:
    """A3: at a bar where nothing is held, equity = initial cash + the net of fills and flows.

    Between two such bars, equity changes by the net of the fills and flows between them.
    """
    equity = recorder.need(Check.FLAT, "equity", "timestamp", "equity")
    fills = recorder.need(Check.FLAT, "fills", "timestamp", "symbol", "side", "quantity")
    if equity is None or fills is None:
        return
    moved = cash_of_fills(fills)
    if moved is None:
        recorder.need(Check.FLAT, "fills", "price")
        return
    if initial is None:
        recorder.not_made(Check.FLAT, "initial cash", Why.NO_OPENING)
        return
    held = holdings(recorder, Check.FLAT)
    if held is None or not bool(moved[1].all()):
        return
    flat = None if _starts_open(recorder, held, shorts_allowed=shorts_allowed) else _flat_bars(recorder, held)
    if flat is None:
        recorder.not_made(Check.FLAT, "fills", Why.NOT_FLAT_AT_START)
        return
    bars = np.flatnonzero(flat & np.append(equity.full("equity"), False)[books.row])
    if not len(bars):
        recorder.not_made(Check.FLAT, "equity", Why.NEVER_FLAT)
        return
    by_bar = totals(moved[0], fills.bar, len(flat))
    flows = cash_beside_fills(recorder)
    if flows is not None:
        by_bar = add(by_bar, flows)
    _hold_flat(
        recorder, equity, books.row[bars], bars, totals(by_bar, _next(bars, len(flat)), len(bars)), initial
    )


def _next(bars: Ints, count: int) -> Ints:
    """For each bar, the place in `bars` of the next one at or after it; -1 after the last."""
    at = np.searchsorted(bars, np.arange(count))
    return np.where(at < len(bars), at, -1).astype(np.int64)


def _hold_flat(
    recorder: Recorder, equity: PlacedTable, rows: Ints, bars: Ints, moved: Amounts, initial: Amounts
) -> None:
    """Compare equity at the flat bars. rows: of equity. moved: change of cash since the flat bar before."""
    found = take(equity.amounts("equity"), rows)
    count = len(rows)
    first = np.arange(count) == 0
    before = add(take(found, np.arange(count) - 1), only(take(initial, np.zeros(count, np.int64)), first))
    expected = add(before, moved)
    where = ~_already_found(recorder, bars)
    places = recorder.disagreements(Check.FLAT, "equity.equity", found, expected, where)
    for place in without_echo(places, minus(found, expected), None, np.arange(count)).tolist():
        field = equity.field("equity")
        if recorder.is_full(FindingKind.FLAT):
            recorder.count_more(Check.FLAT, FindingKind.FLAT, 1)
            continue
        row = int(rows[place])
        recorder.add_row(
            Check.FLAT, FindingKind.FLAT, field, row, value(found, place), value(expected, place)
        )


def _already_found(recorder: Recorder, bars: Ints) -> Mask:
    """The flat bars that have another finding of equity or cash since the flat bar before."""
    told = (Check.EQUITY, Check.CASH, Check.OPENING, Check.FROZEN, Check.MARKET_VALUE)
    out = np.zeros(len(bars), np.bool_)
    stamps = recorder.index.bars
    after = np.append(-1, bars[:-1]) if len(bars) else bars
    for one in recorder.findings:
        if one.check in told and one.timestamp is not None:
            start = np.searchsorted(stamps, one.timestamp)
            stop = np.searchsorted(stamps, one.timestamp if one.until is None else one.until)
            out |= (start <= bars) & (stop > after)
    return out


def _flat_bars(recorder: Recorder, held: Holdings) -> Mask:
    """The bars at whose end nothing is held."""
    count = len(recorder.index.bars)
    sign = np.abs(sign_of(held.held))
    inside = held.bar >= 0
    symbol, bar, sign = held.symbol[inside], held.bar[inside], sign[inside]
    last = np.append((symbol[1:] != symbol[:-1]) | (bar[1:] != bar[:-1]), True)[: len(bar)]
    symbol, bar, sign = symbol[last], bar[last], sign[last]
    new = np.append(True, symbol[1:] != symbol[:-1])[: len(symbol)]
    change = np.where(new, sign, sign - np.append(0, sign[:-1])[: len(sign)])
    open_after = np.zeros(count, np.int64)
    np.add.at(open_after, bar, change)
    flat = np.cumsum(open_after) == 0
    positions = recorder.index.get("positions")
    if positions is not None and "timestamp" in positions and "quantity" in positions:
        holding = positions.full("quantity") & (sign_of(positions.amounts("quantity")) != 0)
        flat[positions.bar[holding & (positions.bar >= 0)]] = False
    return np.asarray(flat, np.bool_)


def _starts_open(recorder: Recorder, held: Holdings, *, shorts_allowed: bool) -> bool:
    """Whether something is held before the first fill of its symbol, or is sold that was never bought."""
    first = ~repeated(held.symbol) if len(held.symbol) else np.zeros(0, np.bool_)
    if bool((sign_of(held.before)[first] != 0).any()):
        return True
    return not shorts_allowed and bool(_phantoms(recorder, held))


def note_equity(recorder: Recorder, books: EquityByBar, initial: Amounts | None) -> None:
    """Note the last equity as a sum of its parts, if all of them are known and they add up."""
    equity, fills = recorder.index.get("equity"), recorder.index.get("fills")
    if (
        initial is None
        or equity is None
        or fills is None
        or not {"timestamp", "equity"} <= set(equity.table.columns)
    ):
        return
    notional = fill_notional(fills) if "side" in fills else None
    worth = value_of_bars(recorder, equity)
    rows = books.row[books.row >= 0]
    if notional is None or worth is None or not len(rows) or not bool(notional[1].all()):
        return
    zero = np.zeros(fills.table.rows, np.int64)
    bought = totals(finite(signed(notional[0], fills.sells)), zero, 1)
    parts = [("initial", initial, 1), ("net bought", bought, -1)]
    if "commission" in fills and bool(fills.full("commission").all()):
        parts.append(("commission", totals(fills.amounts("commission"), zero, 1), -1))
    flows = cash_beside_fills(recorder)
    if flows is not None:
        label = "flows" if costs_apart(recorder) is None else "flows and fees"
        parts.append((label, totals(flows, np.zeros(len(flows), np.int64), 1), 1))
    at = np.array([rows[-1]])
    parts.append(("open positions", take(worth, at), 1))
    total = parts[0][1]
    for _, amount, sign in parts[1:]:
        total = add(total, amount) if sign > 0 else minus(total, amount)
    last = take(equity.amounts("equity"), at)
    if bool(apart(last, total)[0]) or not bool(equity.full("equity")[at[0]]):
        return
    recorder.notes.append(f"equity {_money(value(last, 0))} = {_sum_words(parts)}.")


def _sum_words(parts: list[tuple[str, Amounts, int]]) -> str:
    words: list[str] = []
    for label, amount, sign in parts:
        shown = value(amount, 0)
        negative = not isinstance(shown, str) and shown is not None and shown < 0
        mark = "" if not words else (" + " if (sign > 0) != negative else " - ")
        words.append(f"{mark}{label} {_money(shown) if not words else _money(shown).removeprefix('-')}")
    return "".join(words)


def _money(amount: Value) -> str:
    """An amount with all its decimals, at least two."""
    if isinstance(amount, float):
        return f"{amount:,.2f}"
    text = f"{amount:,}"
    whole, point, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}" if point else f"{whole}.00"
