"""A mapping file: what a foreign ledger calls things, said by the user, never guessed.

timing = "next_open"                  # optional: when its orders execute
symbol_case = "upper"                 # optional: or "lower"

[tables.fills]                        # one for each table to be read; no others are
file = "transactions"                 # default: the table's own name; the file's name without suffix
columns = { quantity = "amount" }     # ours = theirs; what is not named keeps its name
side = "sign"                         # amounts above 0 buy, below 0 sell; or "-sign"; or, in words,
                                      # side = { buy = ["B", "BOT"], sell = ["S"] }
unsigned = ["notional"]               # numbers to be taken without their sign

[tables.positions]
file = "holdings"
wide = "market_value"                 # one column a symbol; cells of 0 and empty cells are no position
leave = ["cash"]                      # columns of a wide file that are no symbols

[symbols]
"BRK.B" = "BRK-B"                     # theirs = ours

[time]
zone = "America/New_York"             # of clock times; instants are converted to it
naive = true                          # then drop the zone: plain clock times, as ours has none
from = "close"                        # their bars are stamped at the close ...
to = "open"                           # ... and ours at the open: one `bar` earlier
bar = "1 hour"
floor = "day"                         # then cut to the day

[returns]                             # daily returns beside the tables, for an audit
file = "returns"
column = "return"
timestamp = "timestamp"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vocabulary.errors import InputError
from vocabulary.ledger import SCHEMA
from vocabulary.scenario import Timing

DAY = 86_400_000_000_000
UNITS = {"second": 10**9, "minute": 60 * 10**9, "hour": 3600 * 10**9, "day": DAY}


@dataclass(frozen=True, slots=True)
class SideWords:
    """Their words for buying and selling."""

    buy: tuple[str, ...]
    sell: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableMapping:
    """Where one of our tables comes from.

    columns: ours -> theirs. sign: 1 where a quantity above 0 buys, -1 where it sells, 0 where sides are
    not in the sign. wide: the column that the cells of a wide file are, None for a long one.
    """

    file: str
    columns: Dict[str, str] = field(default_factory=dict)
    sign: int = 0
    words: SideWords | None = None
    unsigned: tuple[str, ...] = ()
    wide: str | None = None
    leave: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeMapping:
    """zone, naive: as in the file. shift, floor: nanoseconds, 0 for none."""

    zone: str | None = None
    naive: bool = False
    shift: int = 0
    floor: int = 0


@dataclass(frozen=True, slots=True)
class ReturnsMapping:
    """A file of returns, and its columns."""

    file: str
    column: str = "return"
    timestamp: str = "timestamp"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, read."""

    tables: Dict[str, TableMapping]
    symbols: Dict[str, str] = field(default_factory=dict)
    symbol_case: str | None = None
    time: TimeMapping = TimeMapping()
    timing: str | None = None
    returns: ReturnsMapping | None = None


def read_mapping(path: str | Path) -> Mapping:
    """The mapping of a TOML file. Raises InputError naming file and key."""
    try:
        read = tomllib.loads(Path(path).read_bytes().decode())
    except OSError as error:
        raise InputError(
            str(path), error.strerror or "no file", "a mapping file (TOML)", "Check the path."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            str(path), f"no TOML ({error})", "a mapping file (TOML)", "Correct the file."
        ) from None
    return mapping_from(read, origin=str(path))


def mapping_from(read: Dict[str, Any], *, origin: str = "mapping") -> Mapping:
    """The same, from a dictionary. origin: what errors call it."""
    _known(origin, read, ("tables", "symbols", "symbol_case", "time", "timing", "returns"))
    tables = _section(origin, read, "tables")
    _known(f"{origin}: tables", tables, tuple(SCHEMA))
    if not tables:
        raise InputError(
            origin, "no tables", "a [tables.NAME] for each table to be read", "Add [tables.fills]."
        )
    timing = _choice(f"{origin}: timing", read.get("timing"), tuple(timing.value for timing in Timing))
    case = _choice(f"{origin}: symbol_case", read.get("symbol_case"), ("upper", "lower"))
    symbols = _section(origin, read, "symbols")
    for theirs, ours in symbols.items():
        _text(f"{origin}: symbols.{theirs}", ours)
    made = {name: _table(f"{origin}: tables.{name}", name, tables[name]) for name in SCHEMA if name in tables}
    return Mapping(made, symbols, case, _time(origin, read), timing, _returns(origin, read))


def _table(where: str, name: str, entry: Any) -> TableMapping:
    if not isinstance(entry, dict):
        raise _wrong(where, entry, "a table")
    _known(where, entry, ("file", "columns", "side", "unsigned", "wide", "leave"))
    columns = _section(where, entry, "columns")
    _known(f"{where}.columns", columns, tuple(SCHEMA[name]))
    for ours, theirs in columns.items():
        _text(f"{where}.columns.{ours}", theirs)
    unsigned = _texts(f"{where}.unsigned", entry.get("unsigned", []))
    _known(f"{where}.unsigned", dict.fromkeys(unsigned), tuple(SCHEMA[name]))
    wide = _choice(f"{where}.wide", entry.get("wide"), tuple(SCHEMA[name]))
    sign, words = _side(f"{where}.side", name, entry.get("side"))
    file = _text(f"{where}.file", entry.get("file", name))
    return TableMapping(
        file, columns, sign, words, unsigned, wide, _texts(f"{where}.leave", entry.get("leave", []))
    )


def _side(where: str, name: str, entry: Any) -> tuple[int, SideWords | None]:
    if entry is None:
        return 0, None
    if "side" not in SCHEMA[name]:
        raise InputError(where, "a side", f"none: {name} have no sides", "Leave it out.")
    if isinstance(entry, dict):
        _known(where, entry, ("buy", "sell"))
        words = SideWords(*(_texts(f"{where}.{side}", entry.get(side, [])) for side in ("buy", "sell")))
        if not words.buy or not words.sell or set(words.buy) & set(words.sell):
            raise InputError(
                where, repr(entry), "different words for buy and sell", "List the words of each."
            )
        return 0, words
    return {"sign": 1, "-sign": -1}[_choice(where, entry, ("sign", "-sign")) or "sign"], None


def _time(origin: str, read: Dict[str, Any]) -> TimeMapping:
    entry = _section(origin, read, "time")
    where = f"{origin}: time"
    _known(where, entry, ("zone", "naive", "from", "to", "bar", "floor"))
    naive = entry.get("naive", False)
    if not isinstance(naive, bool):
        raise _wrong(f"{where}.naive", naive, "true or false")
    stamps = [_choice(f"{where}.{end}", entry.get(end), ("open", "close")) for end in ("from", "to")]
    given = [name in entry for name in ("from", "to", "bar")]
    if any(given) and not all(given):
        raise InputError(
            where, "only some of from, to and bar", "all three or none", 'Say what `bar` is, e.g. "1 hour".'
        )
    ends = {"open": 0, "close": 1}
    bars = ends[stamps[1]] - ends[stamps[0]] if stamps[0] and stamps[1] else 0
    span = _span(f"{where}.bar", entry["bar"]) if all(given) else 0
    floor = _choice(f"{where}.floor", entry.get("floor"), tuple(UNITS))
    zone = None if entry.get("zone") is None else _text(f"{where}.zone", entry["zone"])
    return TimeMapping(zone, naive, bars * span, UNITS[floor] if floor else 0)


def _span(where: str, text: Any) -> int:
    count, _, unit = _text(where, text).partition(" ")
    if not count.isdecimal() or unit.removesuffix("s") not in UNITS or int(count) == 0:
        raise _wrong(where, text, 'a length such as "5 minutes", "1 hour" or "1 day"')
    return int(count) * UNITS[unit.removesuffix("s")]


def _returns(origin: str, read: Dict[str, Any]) -> ReturnsMapping | None:
    if "returns" not in read:
        return None
    entry = _section(origin, read, "returns")
    _known(f"{origin}: returns", entry, ("file", "column", "timestamp"))
    return ReturnsMapping(
        **{
            key: _text(f"{origin}: returns.{key}", value)
            for key, value in {"file": "returns", **entry}.items()
        }
    )


def _section(where: str, entry: Dict[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(f"{where}: {key}", value, "a table")
    return value


def _known(where: str, entry: Dict[str, Any], keys: tuple[str, ...]) -> None:
    unknown = [key for key in entry if key not in keys]
    if unknown:
        raise InputError(
            where, repr(unknown[0]), "one of " + ", ".join(keys), "Correct the name, or leave it out."
        )


def _choice(where: str, value: Any, options: tuple[str, ...]) -> str | None:
    if value is not None and value not in options:
        raise _wrong(where, value, "one of " + ", ".join(options))
    return None if value is None else str(value)


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(where, value, "text")
    return value


def _texts(where: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(where, value, "a list of texts")
    return tuple(_text(where, entry) for entry in value)


def _wrong(where: str, value: Any, expected: str) -> InputError:
    return InputError(where, repr(value), expected, "See `The mapping file` in docs/diff.md.")
