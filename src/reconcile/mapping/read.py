"""Reading a mapping file, and the checks that depend on which of our tables a setting is about."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from pathlib import Path
from typing import Any

from reconcile.files.limits import parse_toml, read_bounded
from reconcile.files.places import shown
from reconcile.mapping.schema import BARS, Mapping, Table, formula_of
from reconcile.tables.settings import PAGE, settings_from
from vocabulary.errors import InputError
from vocabulary.ledger import SCHEMA, FlowKind, Kind


def read_mapping(path: str | Path) -> Mapping:
    """The mapping of a TOML file. Raises InputError naming file and key."""
    try:
        read = parse_toml(read_bounded(path).decode("utf-8-sig"))
    except OSError as error:
        raise InputError(
            str(path), error.strerror or "no file", "a mapping file (TOML)", "Check the path."
        ) from None
    except ValueError as error:
        raise InputError(
            str(path), f"text that is not TOML ({error})", "a mapping file (TOML)", "Correct the file."
        ) from None
    return mapping_from(read, origin=str(path))


def confirmed_mapping(path: str | Path) -> Mapping:
    """The mapping of a TOML file. A file of guesses that nobody has confirmed is refused."""
    mapping = read_mapping(path)
    if not mapping.confirmed:
        raise InputError(
            f"{path}: confirmed",
            "false",
            "a mapping that a person has looked at",
            "Answer its questions, correct its guesses, and write `confirmed = true`.",
        )
    return mapping


def mapping_from(read: Dict[str, Any], *, origin: str = "mapping") -> Mapping:
    """The same, from a dictionary. origin: what errors call it."""
    mapping = settings_from(Mapping, read, origin)
    if not mapping.tables and mapping.returns is None:
        raise InputError(
            origin, "no tables", "a [tables.NAME] for each table to be read", "Add [tables.fills]."
        )
    _known(f"{origin}: tables", mapping.tables, (*SCHEMA, BARS))
    for name, sources in mapping.tables.items():
        for at, table in enumerate(sources, 1):
            where = f"{origin}: tables.{name}" + (f"[{at}]" if len(sources) > 1 else "")
            _check_table(where, name, table)
    return mapping


def _check_table(where: str, name: str, table: Table) -> None:
    """What depends on which of our tables it is. Raises InputError."""
    if name == BARS:
        _check_bars(where, table)
        return
    schema = SCHEMA[name]
    trips = table.round_trips
    parts = {"columns": table.columns, "constants": table.constants, "words": table.words}
    if trips is not None:
        parts |= {"round_trips.open": trips.open, "round_trips.close": trips.close}
    for key, part in parts.items():
        _known(f"{where}.{key}", part, tuple(schema))
    _known(f"{where}.unsigned", table.unsigned, tuple(schema))
    if table.wide is not None and table.wide not in schema:
        raise InputError(f"{where}.wide", shown(table.wide), "one of " + ", ".join(schema), f"See {PAGE}.")
    if name == "flows":
        kinds = [
            *table.words.get("kind", ()),
            *([table.constants["kind"]] if "kind" in table.constants else []),
        ]
        _known(f"{where}, kind", kinds, tuple(kind.value for kind in FlowKind))
    for column in table.words:
        if schema[column] is not Kind.WORD or column == "side":
            words = [key for key, kind in schema.items() if kind is Kind.WORD and key != "side"]
            expected = "one of " + ", ".join(words) if words else f"none: {name} have no words"
            raise InputError(f"{where}.words", shown(column), expected, "Leave it out.")
    if table.side is not None and ("side" not in schema or trips is not None):
        told = f"none: {name} have no sides" if "side" not in schema else "the side in `round_trips`"
        raise InputError(f"{where}.side", "a side", told, "Leave it out.")
    for key in ("round_trips", "profit", "execution_order"):
        if getattr(table, key) is not None and name != "fills":
            raise InputError(f"{where}.{key}", "a setting of fills", f"none for {name}", "Leave it out.")
    _check_sources(where, table)


def _check_bars(where: str, table: Table) -> None:
    """Bars have columns of any name, and no sides. Raises InputError."""
    for key in ("side", "round_trips", "profit", "execution_order"):
        if getattr(table, key) is not None:
            raise InputError(f"{where}.{key}", "a setting of fills", "none for bars", "Leave it out.")
    if table.words or table.unsigned:
        raise InputError(where, "words or unsigned", "neither for bars", "Leave it out.")
    _check_sources(where, table)


def _check_sources(where: str, table: Table) -> None:
    """Each column of ours comes from one place, and every formula is one."""
    trips = table.round_trips
    if table.profit is not None and table.profit.commission is not None:
        formula_of(table.profit.commission, f"{where}.profit.commission")
    named = {
        "columns": table.columns,
        **({} if trips is None else {"round_trips.open": trips.open, "round_trips.close": trips.close}),
    }
    for key, part in named.items():
        for ours, theirs in part.items():
            if ours in table.constants or (key != "columns" and ours in table.columns):
                raise InputError(
                    f"{where}.{key}.{ours}",
                    "a second source",
                    "one for each column",
                    "Leave one of them out.",
                )
            formula_of(theirs, f"{where}.{key}.{ours}")


def _known(where: str, entry: Any, keys: tuple[str, ...]) -> None:
    unknown = [key for key in entry if key not in keys]
    if unknown:
        raise InputError(
            where, repr(unknown[0]), "one of " + ", ".join(keys), "Correct the name, or leave it out."
        )
