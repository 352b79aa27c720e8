"""freqtrade: the JSON of a backtest's result, alone or in its zip.

Truth: freqtrade/optimize/optimize_reports, persistence/trade_model.py (2026.9). Fills are the orders of
each trade, not the trade. `fee_open` and `fee_close` are rates. A stamp is the open of the candle, in
milliseconds, UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, Tables, time_rules
from reconcile.formats.peek import Peek
from reconcile.tables.unpack import members, text_of
from reconcile.text.escape import printable
from vocabulary.errors import InputError

FORCED = "force_exit"
"""The tag of the exits by which a backtest closes at its end what is still open."""

MOST_DIGITS = 40
"""Digits before and behind the point that an amount may have."""


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    return {"tables": {name: {"file": name} for name in columns}, **time_rules(options, "UTC")}


def is_result(peek: Peek) -> bool:
    """Whether a file is one: a zip or JSON that holds `strategy` and its trades."""
    if peek.ending not in (".zip", ".json"):
        return False
    try:
        return bool(_strategies(peek.path))
    except (InputError, OSError, ValueError, KeyError):
        return False


def tables_of(path: Path, options: Options | None = None) -> Tables:
    """Fills and funding of a result. Amounts keep the digits of the file.

    Raises InputError: no result, several strategies and none named, an order without its numbers.
    """
    found = _strategies(path)
    strategy = options.strategy if options is not None else None
    if strategy is None and len(found) == 1:
        strategy = next(iter(found))
    if strategy not in found:
        names = printable(", ".join(sorted(found)), 200)
        remedy = "Name it: --strategy NAME, in Python strategy='NAME'."
        raise InputError(str(path), f"the strategies {names}", "the one to read", remedy)
    chosen = found[strategy]
    return Tables(_tables(chosen["trades"], str(path)))


def _tables(trades: Sequence[Mapping[str, Any]], origin: str) -> dict[str, Any]:
    """Fills of the orders of trades, and their funding. origin: what errors call them."""
    import pandas as pd

    fills, flows = [], []
    for trade in trades:
        fills += list(_fills(trade, origin))
        if trade.get("funding_fees"):
            flows.append(_funding(trade, origin))
    fills.sort(key=lambda row: row[0])
    columns = ["timestamp", "symbol", "side", "quantity", "price", "commission"]
    tables = {"fills": pd.DataFrame(fills, columns=columns)}
    if flows:
        tables["flows"] = pd.DataFrame(flows, columns=["timestamp", "symbol", "kind", "amount"])
    return tables


def tables_of_trades(trades: Any, forced_exits: bool = True) -> dict[str, Any]:
    """Fills and funding of trades, as a frame or a list with one record per trade.

    forced_exits: with those by which a backtest closes at its end what is still open.
    """
    import pandas as pd

    rows: list[Any] = trades.to_dict("records") if isinstance(trades, pd.DataFrame) else list(trades)
    if not forced_exits:
        rows = [{**trade, "orders": [one for one in trade["orders"] if not _forced(one)]} for trade in rows]
    tables = _tables(rows, "trades")
    return {name: frame.assign(timestamp=_clock(frame["timestamp"])) for name, frame in tables.items()}


def _clock(stamps: Any) -> Any:
    """Instants as clock times in UTC."""
    import pandas as pd

    return pd.to_datetime(stamps, utc=True).dt.tz_localize(None)


def _forced(order: Mapping[str, Any]) -> bool:
    return not order["ft_is_entry"] and order.get("ft_order_tag") == FORCED


def _funding(trade: Mapping[str, Any], origin: str) -> tuple[Any, ...]:
    import pandas as pd

    try:
        stamp = pd.Timestamp(int(trade["close_timestamp"]), unit="ms", tz="UTC")
        return stamp, trade["pair"], "funding", f"{_exact(trade['funding_fees']):f}"
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        found = f"funding in which {error} is missing or no number"
        remedy = "Export it again with --export trades."
        raise InputError(origin, found, "funding_fees, close_timestamp and pair", remedy) from None


def _fills(trade: Mapping[str, Any], origin: str) -> Iterator[tuple[Any, ...]]:
    import pandas as pd

    try:
        for order in trade["orders"] if "orders" in trade else _of_old(trade):
            if order.get("order_filled_timestamp") is None:
                continue
            rate = _fee(trade, "open" if order["ft_is_entry"] else "close")
            amount, price = _exact(order["amount"]), _exact(order["safe_price"])
            stamp = pd.Timestamp(int(order["order_filled_timestamp"]), unit="ms", tz="UTC")
            side = order["ft_order_side"]
            fee = (amount * price * _exact(rate)).normalize()
            yield stamp, trade["pair"], side, f"{amount:f}", f"{price:f}", f"{fee:f}"
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        found = f"a trade of {trade.get('pair', 'no pair')} in which {error} is missing or no number"
        expected = "orders with amount, safe_price, ft_order_side and order_filled_timestamp"
        raise InputError(origin, found, expected, "Export it again with --export trades.") from None


def _exact(number: Any) -> Decimal:
    """A number with the digits that the file gives it. Raises ValueError, TypeError: none of such a size."""
    if isinstance(number, bool) or not isinstance(number, int | float | str | Decimal):
        raise TypeError(f"{number!r}")
    try:
        exact = Decimal(str(number))
    except InvalidOperation:
        raise ValueError(f"{number!r}") from None
    sized = exact.is_finite() and int(exact.as_tuple().exponent) >= -MOST_DIGITS
    if not sized or exact.adjusted() > MOST_DIGITS:
        raise ValueError(f"{number!r}")
    return exact


def _fee(trade: Mapping[str, Any], end: str) -> Any:
    """The rate of a fee; results of 2020 call it the other way round."""
    return trade[f"fee_{end}"] if f"fee_{end}" in trade else trade[f"{end}_fee"]


def _of_old(trade: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The entry and the exit of a trade that has no orders, as results of before 2022 are, as two orders.

    A trade that is still open has no exit.
    """
    import pandas as pd

    for end, entry in (("open", True), ("close", False)):
        if not entry and (trade.get("is_open") or trade.get("open_at_end")):
            return
        stamp = trade.get(f"{end}_timestamp")
        if stamp is None:
            stamp = pd.to_datetime(trade[f"{end}_date"], utc=True).value // 10**6
        yield {
            "amount": trade["amount"],
            "safe_price": trade[f"{end}_rate"],
            "ft_order_side": "sell" if bool(trade.get("is_short")) == entry else "buy",
            "order_filled_timestamp": stamp,
            "ft_is_entry": entry,
        }


def _strategies(path: Path) -> dict[str, Any]:
    """The results by strategy."""
    raw = _json_of(path)
    found = raw.get("strategy") if isinstance(raw, dict) else None
    if not isinstance(found, dict) or not all(map(_has_trades, found.values())):
        expected = "an object with `strategy`, and `trades` in each"
        raise InputError(str(path), "JSON of another kind", expected, "Name the result, not its .meta.json.")
    return found


def _has_trades(strategy: Any) -> bool:
    trades = strategy.get("trades") if isinstance(strategy, dict) else None
    return isinstance(trades, list) and all(isinstance(one, dict) for one in trades)


def _json_of(path: Path) -> Any:
    """The JSON of a file, or of the result in a zip. Raises InputError: it cannot be read."""
    try:
        return _loaded(path)
    except (OSError, ValueError, RecursionError) as error:
        kind = "a zip" if path.suffix.lower() == ".zip" else "JSON"
        found = f"{kind} that cannot be read ({type(error).__name__})"
        remedy = "Export it again with --export trades."
        raise InputError(str(path), found, "the result of a backtest of freqtrade", remedy) from None


def _loaded(path: Path) -> Any:
    """The parsed JSON; of a zip that of its shortest name, as the others are named after strategies."""
    held = [one for one in members(path) if one.name.endswith(".json") and "_config" not in one.name]
    held = [one for one in held if not one.name.endswith(".meta.json")]
    if not held:
        raise InputError(str(path), "no JSON", "a result of freqtrade", "Name the zip of a backtest.")
    return json.loads(text_of(min(held, key=lambda one: len(one.name)), "utf-8"), parse_float=Decimal)


FORMAT = Format(
    name="freqtrade",
    title="freqtrade",
    export="freqtrade backtesting --export trades (user_data/backtest_results/*.zip)",
    recognises=lambda columns: False,  # by its JSON, see `is_result`
    rules=_rules,
    holds=("every filled order of every trade, partial exits among them", "the funding of each trade"),
    mind=(
        "A stamp is the open of the candle, also of a stop inside it.",
        "Fees are rates of the amount; `funding_fees` above 0 were received.",
        "Results of before 2022 have no orders: their trades are read, each as one entry and one exit.",
    ),
    lacks=("orders that were not filled", "equity per candle", "the path inside a candle"),
    owns=is_result,
    tables=tables_of,
)
