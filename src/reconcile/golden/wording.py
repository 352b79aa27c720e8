"""Figures and causes of goldens in words, the same in the review, the journal and a test's failure."""

from __future__ import annotations

from decimal import Decimal

from reconcile.golden.model import Cause, CauseKind
from reconcile.text.escape import printable

UNKNOWN = "-"
_SHORT = {"costs.commission.rate": "commission", "costs.slippage.rate": "slippage"}


def percent(value: Decimal | None) -> str:
    """A fraction in percent, two decimals; more where two would show a change as none."""
    return UNKNOWN if value is None else f"{value * 100:,.2f} %"


def percents(old: Decimal | None, new: Decimal | None) -> tuple[str, str]:
    """Two fractions in percent, with as many decimals as it takes to tell them apart, at most 7."""
    if old is None or new is None:
        return percent(old), percent(new)
    for decimals in range(2, 8):
        shown = f"{old * 100:,.{decimals}f} %", f"{new * 100:,.{decimals}f} %"
        if shown[0] != shown[1] or old == new:
            return (percent(old), percent(new)) if old == new else shown
    return shown


def money(value: Decimal | None) -> str:
    """An amount with all its digits."""
    return UNKNOWN if value is None else f"{value:,f}"


def whole(value: int | None) -> str:
    """A count."""
    return UNKNOWN if value is None else f"{value:,}"


def count(number: int, noun: str) -> str:
    """`1 case`, `6 cases`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def cause_text(cause: Cause) -> str:
    """One cause in words: `commission 5 -> 8 bps`."""
    if cause.kind is CauseKind.NEW:
        return "new case"
    if cause.kind is CauseKind.CODE:
        what = f", {cause.what}" if cause.what else ""
        return f"code (scenario, data and semantics are the same{what})"
    unit = f" {cause.unit}" if cause.unit else ""
    before, after = ("none" if side is None else printable(side, 60) for side in (cause.before, cause.after))
    moved = f"{before} -> {after}{unit}"
    if cause.kind is CauseKind.SCENARIO:
        name = _SHORT.get(cause.what, cause.what) if cause.unit else cause.what
        return f"{printable(name, 80)} {moved}"
    if cause.kind is CauseKind.DATA:
        return f"data of {printable(cause.what, 60)} {moved}"
    return f"{cause.kind.value} {moved}"
