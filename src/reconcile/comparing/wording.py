"""The verdict, single breaks, and what was not covered, in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from reconcile.text.escape import printable
from reconcile.text.times import Clock

if TYPE_CHECKING:
    from reconcile.matching.model import Break, Reconciliation, UnreadPart, Value


def headline(found: Reconciliation, clock: Clock) -> str:
    """The verdict in one line, with the first divergence where there is one."""
    from reconcile.matching.model import Verdict

    rows = sum(table.reference_rows for table in found.compared)
    compared = f"{rows:,} rows in {count(len(found.compared), 'table')}"
    gaps = "; ".join(_gaps(found))
    if found.verdict is Verdict.MATCHED:
        how = " equal within tolerance" if any(use.absorbed for use in found.tolerances) else ""
        how = how or ("" if found.noise else " equal to the last unit")
        return f"matched{_noise(found)}: 0 breaks, {compared}{how}{'; ' if gaps else ''}{gaps}"
    if found.verdict is Verdict.EDITED:
        return f"edited: 0 breaks in {compared}, but {'; '.join(edited(found, clock))}"
    if found.verdict is Verdict.MANIFESTS_DIFFER:
        return f"manifests differ: 0 breaks in {compared}, but {'; '.join(manifest_lines(found))}"
    if found.verdict is Verdict.NOTHING_HAPPENED:
        return f"nothing happened: no pass; 0 breaks in {compared}; {' '.join(map(printable, found.idle))}"
    if found.verdict is Verdict.MATCHED_AS_FAR_AS_COMPARED:
        return f"matched as far as compared{_noise(found, ', ')}: 0 breaks in {compared}; {gaps}"
    if found.verdict is Verdict.NOTHING_COMPARED or found.first is None:
        return f"nothing compared: no pass; {gaps or 'both sides have no rows'}"
    number = "first break" if found.first_only else count(len(found.breaks), "break")
    roots = "" if found.roots is None or found.first_only else f", {count(len(found.roots), 'root')}"
    return f"{number}{roots}: {describe(found.first, clock)}{_equal_fills(found)}"


def _noise(found: Reconciliation, before: str = " ") -> str:
    """A clause for cells of doubles that differ by their rounding; empty where there are none."""
    if not found.noise:
        return ""
    return f"{before}within float noise, largest gap {max(one.largest for one in found.noise):g}"


def _equal_fills(found: Reconciliation) -> str:
    """A clause for two ledgers with the same fills and other books; empty where that is not so."""
    fills = next((one for one in found.compared if one.table == "fills"), None)
    told = fills is not None and {"quantity", "price"} <= set(fills.columns)
    if fills is None or not told or not fills.reference_rows or found.first_only:
        return ""
    if found.breaks.tables() - {"positions", "costs", "equity", "returns"}:
        return ""
    said = "the one fill is" if fills.reference_rows == 1 else f"all {fills.reference_rows:,} fills are"
    return f"; {said} equal: the books differ"


def _gaps(found: Reconciliation) -> Iterator[str]:
    """What was not compared, and what was not read without a reason, a clause each."""
    gaps = [gap.table if gap.column is None else f"{gap.table}.{gap.column}" for gap in found.not_compared]
    if gaps:
        yield f"not compared: {', '.join(printable(gap, 60) for gap in gaps)}"
    unread = [part for part in found.unread if part.reason is None]
    if unread:
        yield f"not read: {', '.join(f'{unread_name(part)} ({unread_state(part)})' for part in unread)}"


def unread_name(part: UnreadPart) -> str:
    """What was not read: a table by its name, a column with its table, rows by what they have in common."""
    from reconcile.tables.model import UnreadKind

    if part.what is UnreadKind.TABLE:
        return printable(part.name, 60)
    return printable(f"{part.table}.{part.name}" if part.what is UnreadKind.COLUMN else part.name, 60)


def unread_state(part: UnreadPart) -> str:
    """Whether a part that was not read differs between the sides."""
    if part.reference is None or part.candidate is None:
        return f"only the {'candidate' if part.reference is None else 'reference'} has it"
    if part.differs is None:
        return "on both sides, not looked at"
    return "differs" if part.differs else "the same on both sides"


def unread_lines(found: Reconciliation) -> tuple[list[str], list[str]]:
    """What was not read, one line each: without a reason, and left out with one."""
    open_, left_out = [], []
    for part in found.unread:
        line = f"{unread_name(part)}: {unread_state(part)}"
        if part.reason is None:
            open_.append(line)
        else:
            left_out.append(f"{line} ({printable(part.reason)})")
    return open_, left_out


def manifest_lines(found: Reconciliation) -> list[str]:
    """What the manifests state differently, one line each."""
    return [
        f"{one.field.replace('_', ' ')}: {_stated(one.reference)} (reference) vs {_stated(one.candidate)}"
        " (candidate)"
        for one in found.manifests
    ]


def _stated(value: Value) -> str:
    return format(value, "f") if isinstance(value, Decimal) else printable(value, 16)


def edited(found: Reconciliation, clock: Clock) -> list[str]:
    """How each side's tables and its digest chain disagree, a clause each."""
    from reconcile.ledger.digest import fault_text

    sides = (("reference", found.chains.reference), ("candidate", found.chains.candidate))
    return [
        fault_text(side.fault, f"the {name}'s", clock(side.edited_at))
        for name, side in sides
        if side.fault is not None
    ]


def describe(found: Break, clock: Clock) -> str:
    """One break in words: rebalance, time, table and field, symbol, both values."""
    where = [] if found.rebalance is None else [f"rebalance {found.rebalance}"]
    where.append(clock(found.timestamp))
    table = found.table.removesuffix("s")
    field = found.type.value if found.field == "row" else printable(found.field, 60)
    where.append(f"{table} {field}" if table != field else table)
    if found.symbol is not None:
        where.append(printable(found.symbol, 60))
    sides = [f"{value_text(found, side, clock)} ({side})" for side in ("reference", "candidate")]
    return f"{', '.join(where)}: {' vs '.join(sides)}"


def value_text(found: Break, side: str, clock: Clock) -> str:
    """The value of one side, exact. side: `reference` or `candidate`."""
    from vocabulary.ledger import Kind

    value: Value = getattr(found, side)
    if value is None:
        return "nothing"
    if found.kind is Kind.TIMESTAMP and isinstance(value, int):
        return clock(value)
    return format(value, "f") if isinstance(value, Decimal) else printable(value, 60)


def count(number: int, noun: str) -> str:
    """`1 break`, `2 breaks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
