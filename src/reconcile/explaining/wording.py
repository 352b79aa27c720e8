"""How a change reads: one sentence, the setting or datum, and both its values."""

from __future__ import annotations

from typing import Any

from reconcile.explaining.model import Subject, Value, Wording
from reconcile.explaining.wording_settings import EXECUTES_AT
from vocabulary.scenario import Bound


def exit_unused(subject: Subject, value: Value) -> Wording:
    if value == "*":
        return Wording("no exit ever fires", "exits", "in use", "missing")
    return Wording(f"the exit {value} never fires", f"exits.{value}", "in use", "missing")


def exits_reversed(subject: Subject, value: Value) -> Wording:
    names = [rule.name for rule in subject.scenario.exits]
    return Wording("exits are tried in reverse order", "exits", ", ".join(names), ", ".join(reversed(names)))


def pair(value: Value) -> tuple[Any, Any]:
    """A value of two parts: a name and a number, a table and a column, a field and a lag."""
    assert isinstance(value, tuple)
    first, second = value
    return first, second


def bars(number: int) -> str:
    """How far off: `2 bars late`, `1 bar early`."""
    count = abs(number)
    return f"{count} bar{'s' if count > 1 else ''} {'late' if number > 0 else 'early'}"


def _of(prefix: str, name: str) -> str:
    return f"{prefix}.{name}"


def feature_shifted(subject: Subject, value: Value) -> Wording:
    name, number = pair(value)
    return Wording(f"{name} is read {bars(number)}", _of("features", name), "this bar's", bars(number))


def feature_reversed(subject: Subject, value: Value) -> Wording:
    return Wording(
        f"{value} is read with its sign reversed, so the ranking is upside down",
        _of("features", str(value)),
        "as given",
        "negated",
    )


def feature_zero_filled(subject: Subject, value: Value) -> Wording:
    return Wording(f"a missing {value} was read as zero", _of("features", str(value)), "missing", "0")


def feature_carried(subject: Subject, value: Value) -> Wording:
    return Wording(
        f"a missing {value} was filled with its last value",
        _of("features", str(value)),
        "missing",
        "carried forward",
    )


def feature_misaligned(subject: Subject, value: Value) -> Wording:
    name, places = pair(value)
    whose = "the previous symbol's" if places > 0 else "the next symbol's"
    return Wording(
        f"{name} is misaligned by one symbol: each reads {whose}", _of("features", name), "its own", whose
    )


def feature_scaled(subject: Subject, value: Value) -> Wording:
    name, factor = pair(value)
    return Wording(f"{name} is read times {factor}", _of("features", name), "as given", f"times {factor}")


def _gate_says(subject: Subject, name: str, so: str) -> str:
    gate = subject.scenario.strategy.gate
    return so if gate is not None and gate.context == name else ""


def _gate_at_zero(subject: Subject) -> str:
    """What a gate does with a zero (R3)."""
    gate = subject.scenario.strategy.gate
    if gate is None:
        return "is not there"
    is_open = gate.value >= 0 if gate.bound is Bound.MAX else gate.value <= 0
    return "never closed" if is_open else "never opened"


def context_zero_filled(subject: Subject, value: Value) -> Wording:
    so = _gate_says(subject, str(value), f", so the gate {_gate_at_zero(subject)}")
    return Wording(f"a missing {value} was read as zero{so}", _of("context", str(value)), "missing", "0")


def context_zero(subject: Subject, value: Value) -> Wording:
    so = _gate_says(subject, str(value), f", so the gate {_gate_at_zero(subject)}")
    return Wording(f"the {value} was read as zero{so}", _of("context", str(value)), "as given", "0")


def context_carried(subject: Subject, value: Value) -> Wording:
    return Wording(
        f"a missing {value} was filled with its last value",
        _of("context", str(value)),
        "missing",
        "carried forward",
    )


def context_shifted(subject: Subject, value: Value) -> Wording:
    name, number = pair(value)
    return Wording(f"the {name} is read {bars(number)}", _of("context", name), "this bar's", bars(number))


def prices_shifted(subject: Subject, value: Value) -> Wording:
    assert isinstance(value, int)
    return Wording(f"prices are {bars(value)}", "prices", "this bar's", bars(value))


def prices_carried(subject: Subject, value: Value) -> Wording:
    return Wording(
        "bars that are not there were filled with the last close and traded",
        "prices",
        "absent",
        "carried forward",
    )


def prices_misaligned(subject: Subject, value: Value) -> Wording:
    assert isinstance(value, int)
    whose = "the previous symbol's" if value > 0 else "the next symbol's"
    return Wording(f"prices are misaligned by one symbol: each reads {whose}", "prices", "its own", whose)


def split(subject: Subject, value: Value) -> Wording:
    up, down = pair(value)
    factor = f"{up}" if down == 1 else f"{up}/{down}"
    return Wording(
        f"prices are {factor} times what they should be, as before an unadjusted split",
        "prices",
        "adjusted",
        f"times {factor}",
    )


def execution_price(subject: Subject, value: Value) -> Wording:
    field, lag = pair(value)
    was = EXECUTES_AT[subject.scenario.execution.timing]
    when = {
        0: "the fill bar's",
        1: "the decision bar's",
        -1: "the bar after the fill's",
        2: "the bar before the decision's",
    }
    new = f"{when[lag]} {field}"
    return Wording(f"fills use {new} instead of {was}", "execution.price", was, new)


FIXED = {
    "buys_first": Wording("buys are executed before sells", "execution.sequence", "as stated", "buys first"),
    "order_lost": Wording("orders are lost between decision and execution", "orders", "sent", "lost"),
    "fill_dropped": Wording(
        "fills are dropped: orders that should fill do not", "fills", "filled", "dropped"
    ),
    "fill_unbooked": Wording("fills are recorded but never booked", "fills", "booked", "not booked"),
    "fill_doubled": Wording("fills are doubled: executed and booked twice", "fills", "once", "twice"),
    "fill_booked_twice": Wording(
        "fills are recorded once but booked twice", "fills", "booked once", "booked twice"
    ),
    "cash_not_credited": Wording("cash is not credited on sells", "equity.cash", "credited", "not credited"),
    "cash_not_debited": Wording("cash is not debited on buys", "equity.cash", "debited", "not debited"),
    "commission_not_paid": Wording(
        "commission is recorded but not taken from cash", "equity.cash", "paid", "not paid"
    ),
    "equity_late": Wording("equity is reported one bar late", "equity", "this bar's", "the bar before's"),
}


def fixed(name: str) -> Any:
    """A hypothesis that has one wording."""
    return lambda subject, value: FIXED[name]


def order_late(subject: Subject, value: Value) -> Wording:
    assert isinstance(value, int)
    return Wording(f"orders execute {bars(value)}", "orders.executes_at", "on time", bars(value))


def lot(subject: Subject, value: Value) -> Wording:
    return Wording(f"target quantities are rounded down to lots of {value}", "lot size", "1", str(value))


def exit_unsent(subject: Subject, value: Value) -> Wording:
    what = "exits are" if value == "*" else f"the exit {value} is"
    return Wording(
        f"{what} decided but never sent", "exits" if value == "*" else f"exits.{value}", "sent", "not sent"
    )


def commission_factor(subject: Subject, value: Value) -> Wording:
    if value == 0:
        return Wording("commission is not charged", "costs.commission", "once", "not at all")
    return Wording("commission is charged twice", "costs.commission", "once", "twice")


def frozen_book(subject: Subject, value: Value) -> Wording:
    whole = "equity is reported from a second book that fills never reach"
    return Wording(
        whole, "equity" if value == "book" else "equity.equity", "the book's", "what it began with"
    )


def sign_flipped(subject: Subject, value: Value) -> Wording:
    table, column = pair(value)
    what = "buy and sell are swapped" if column == "side" else f"the sign of {column} is flipped"
    return Wording(f"{what} in the table {table}", f"{table}.{column}", "as done", "flipped")


def reported_zero(subject: Subject, value: Value) -> Wording:
    table, column = pair(value)
    return Wording(
        f"{column} is reported as zero in the table {table}", f"{table}.{column}", "as charged", "0"
    )


def marked_otherwise(subject: Subject, value: Value) -> Wording:
    field, lag = pair(value)
    new = f"the {field} of the bar before" if lag else f"the bar's {field}"
    said = "stale marks: positions are valued" if lag else "positions are valued"
    return Wording(f"{said} at {new}", "positions.mark", "the bar's close", new)


def unreported(subject: Subject, value: Value) -> Wording:
    return Wording(f"rows are left out of the table {value}", str(value), "reported", "left out")
