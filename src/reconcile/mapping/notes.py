"""What a mapping did, one sentence each."""

from __future__ import annotations

from reconcile.files.places import shown
from reconcile.mapping.schema import FORMULA, Mapping, SideWords, Table
from reconcile.tables.model import Unread, UnreadKind
from reconcile.text.escape import printable


def of_source(name: str, file: str, table: Table) -> list[str]:
    """What is particular to one source of a table."""
    out = [] if file == name else [f"{name} is read from {file}."]
    for ours, theirs in table.columns.items():
        out.append(f"{name}.{ours} is {_source(theirs)}.")
    if table.round_trips is not None:
        for part, columns in (("opens", table.round_trips.open), ("closes", table.round_trips.close)):
            out += [
                f"{name}.{ours} of the fill that {part} is {_source(theirs)}."
                for ours, theirs in columns.items()
            ]
    out += [f"{name}.{ours} is {shown(value)} in every row." for ours, value in table.constants.items()]
    if isinstance(table.side, SideWords):
        words = (", ".join(map(repr, one)) for one in (table.side.buy, table.side.sell))
        out.append(f"{name}: their words for buy are {next(words)}; for sell {next(words)}.")
    elif table.side is not None:
        out.append(f"{name}: the side is the sign of the quantity.")
    out += [f"{name}.{column} is taken without its sign." for column in table.unsigned]
    if table.execution_order is not None:
        way = "" if table.execution_order == "rows" else " reversed"
        out.append(f"{name}: the order of execution is that of the rows{way}.")
    return out


def _source(theirs: tuple[str, ...]) -> str:
    if len(theirs) > 1:
        return f"their {', '.join(map(repr, theirs))}, joined"
    (one,) = theirs
    return f"computed: {one.removeprefix(FORMULA).strip()}" if one.startswith(FORMULA) else f"their {one!r}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def general(mapping: Mapping) -> list[str]:
    """What applies to all tables."""
    out = [
        f"Their symbol {printable(theirs)} is {printable(ours)}." for theirs, ours in mapping.symbols.items()
    ]
    if mapping.symbol_case is not None:
        out.append(f"Symbols are put into {mapping.symbol_case} case.")
    time = mapping.time
    if time.zone is not None:
        out.append(f"Times are taken in {time.zone}.")
    if time.naive:
        out.append("The zone is dropped: times are clock times.")
    if time.shift:
        way = "later" if time.shift > 0 else "earlier"
        out.append(f"Bars are stamped {abs(time.shift) // 10**9} seconds {way} than theirs.")
    if time.step:
        out.append("Times are cut to the start of their day, hour, minute or second.")
    if mapping.timing is not None:
        out.append(f"Its orders execute at {mapping.timing}, as the mapping states.")
    if mapping.start is not None:
        held = len(mapping.start.positions)
        out.append(
            f"The account starts with {mapping.start.cash:f} and {held} positions, as the mapping states."
        )
    return out


def of_unread(one: Unread) -> str:
    """What was not read, with its count and the reason where there is one."""
    cells, rows = _counted(one.count, "cell"), _counted(one.count, "row")
    what = {
        UnreadKind.COLUMN: f"{one.table}: column {shown(one.name)} is not read ({cells})",
        UnreadKind.ROWS: f"{one.table}: {rows} not read ({one.name})",
        UnreadKind.TABLE: f"{one.name} is not read" + (f" ({rows})" if one.count else ""),
    }[one.kind]
    return f"{what}." if one.reason is None else f"{what}: {one.reason}."
