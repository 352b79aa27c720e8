"""The verdict, single breaks, and what was not covered, in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from reconcile.text.escape import printable, told_apart
from reconcile.text.times import Clock

if TYPE_CHECKING:
    from reconcile.matching.model import Break, Reconciliation, UnreadPart, Value
    from reconcile.matching.patterns import Pattern


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
    first = f"{describe(found.first, clock)}{_equal_fills(found)}"
    pattern = leading_pattern(found)
    if pattern is None:
        return f"{number}{roots}: {first}{_equal_before(found)}"
    return f"{number}{roots}: {pattern_text(pattern, clock)}; first {first}"


def leading_pattern(found: Reconciliation) -> Pattern | None:
    """The pattern of the first break, else the one that accounts for most breaks; None without either."""
    at = next((one for one in found.patterns if found.breaks[one.first] == found.first), None)
    most = max(found.patterns, key=lambda one: one.count, default=None)
    return at if at is not None or most is None or 2 * most.count <= len(found.breaks) else most


def pattern_text(pattern: Pattern, clock: Clock) -> str:
    """A constant pattern in one clause, with its extent."""
    from reconcile.matching.patterns import PatternKind

    column = printable(pattern.column, 60)
    lines = pattern.count if pattern.lines is None else pattern.lines
    where = f"in {lines:,} of {_of_rows(pattern)}"
    side = "reference" if pattern.by_reference else "candidate"
    match pattern.kind:
        case PatternKind.FACTOR:
            return f"{column} is {_times(pattern)} the reference's {where}"
        case PatternKind.OFFSET:
            more = format(pattern.value, ",f") if isinstance(pattern.value, Decimal) else ""
            way = "less" if more.startswith("-") else "more"
            return f"{column} is {more.lstrip('-')} {way} than the reference's {where}"
        case PatternKind.SIGN:
            fee = ": one side books as a rebate what the other books as a fee"
            return f"{column} has the opposite sign {where}{fee if column == 'commission' else ''}"
        case PatternKind.ROUNDED:
            whole = "candidate" if pattern.by_reference else "reference"
            return f"the {side}'s {column} is the {whole}'s, rounded to {pattern.value} decimals, {where}"
        case PatternKind.ADJUSTED:
            return (
                f"every notional is the same; price is {printable(pattern.value, 120)} of the reference's and"
                " quantity the inverse: one side trades adjusted prices"
            )
        case PatternKind.CLOCK:
            ns = pattern.value if isinstance(pattern.value, int) else 0
            return f"{column} is {duration(abs(ns))} {'later' if ns > 0 else 'earlier'} {where}"
        case PatternKind.SIDES:
            return f"side is swapped, buy for sell, {where}"
        case PatternKind.RENAMED:
            return f"symbol {printable(pattern.was, 30)} is called {printable(pattern.value, 30)} {where}"
        case PatternKind.STARTS_LATER | PatternKind.ENDS_EARLIER:
            at = clock(pattern.value if isinstance(pattern.value, int) else None)
            starts = pattern.kind is PatternKind.STARTS_LATER
            rest = "; where both have rows, nothing differs" if pattern.whole else ""
            bars = count(pattern.rows, "bar")
            return (
                f"the {side} {f'starts {at}, {bars} later' if starts else f'ends {at}, {bars} earlier'}{rest}"
            )


def _of_rows(pattern: Pattern) -> str:
    plural = pattern.table in ("fills", "orders", "targets", "positions", "flows", "returns")
    return f"{pattern.rows:,} {pattern.table if plural else f'rows of {pattern.table}'}"


def _times(pattern: Pattern) -> str:
    """`50 times`, or `1/100 of` where that is plainer."""
    from reconcile.comparing.find_patterns import factor_of
    from reconcile.matching.patterns import shown

    factor = factor_of(pattern)
    if 0 < abs(factor) < 1 and (1 / factor).denominator == 1:
        return f"{shown(factor) if 1 / factor < 2 else f'1/{int(1 / factor):,}'} of"
    return f"{shown(factor)} times"


def duration(ns: int) -> str:
    """A time in its largest whole unit."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if ns % (size * 10**9) == 0:
            return count(ns // (size * 10**9), unit)
    return f"{ns / 10**9:.9g} seconds"


def _equal_before(found: Reconciliation) -> str:
    """How many fills stand before the first break of two ledgers of fills; empty where there are none."""
    first = found.first
    if first is None or first.table != "fills" or found.first_only:
        return ""
    if any(side.manifest.semantics is not None for side in (found.reference, found.candidate)):
        return ""
    stamps = found.reference.tables["fills"].columns.get("timestamp")
    before = 0 if stamps is None else int((stamps.values < first.timestamp).sum())
    return f"; the {count(before, 'fill')} before it {'is' if before == 1 else 'are'} equal" if before else ""


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
    other: Value = found.candidate if side == "reference" else found.reference
    if isinstance(value, str) and isinstance(other, str):
        return told_apart(value, other, 60)
    return format(value, "f") if isinstance(value, Decimal) else printable(value, 60)


def count(number: int, noun: str) -> str:
    """`1 break`, `2 breaks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
