"""docs/formats.md: its sections are what the formats say, and the two commands of each find a divergence."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import reconcile
from formats_page import PAGE, WITHOUT_SYMBOL, export_of, page
from reconcile.cli import exit_code
from reconcile.formats.registry import FORMATS
from reconcile.ledger.write import write_ledger
from vocabulary.ledger import Ledger, Table

SECTION = re.compile(r"^### ([^\n]+)\n.*?```sh\n(.*?)```", re.MULTILINE | re.DOTALL)
TEXT = PAGE.read_text(encoding="utf-8")
COMMANDS = {title: commands.splitlines() for title, commands in SECTION.findall(TEXT)}


def test_the_page_says_what_the_formats_say() -> None:
    """Where it does not: python tests/formats_page.py."""
    assert page(TEXT) == TEXT
    assert list(COMMANDS) == [one.title for one in FORMATS]


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
def test_two_commands_lead_from_an_export_to_the_first_divergence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One amount of the other ledger is changed: the time of that row stands in the answer's first line."""
    export = export_of(name)
    given = tmp_path / export.name
    shutil.copytree(export, given) if export.is_dir() else shutil.copy(export, given)
    ledger = reconcile.read(name, given, symbol="AAA" if name in WITHOUT_SYMBOL else None)
    table = "fills" if "fills" in ledger.tables else "equity"
    row = 2
    write_ledger(changed(ledger, table, row), tmp_path / "ours")
    monkeypatch.chdir(tmp_path)
    title = next(one.title for one in FORMATS if one.name == name)
    first, second = (command.split()[1:] for command in COMMANDS[title])
    assert exit_code(first) == 0
    assert "read as" in capsys.readouterr().out
    assert exit_code(second) == 1
    said = capsys.readouterr().out.splitlines()[0]
    assert str(reconcile.frame(ledger, table)["timestamp"].iloc[row])[:10] in said, said


def changed(ledger: Ledger, table: str, row: int) -> Ledger:
    """A ledger with one amount of one row a third larger."""
    held = ledger.tables[table]
    name = next(one for one in ("price", "notional", "equity") if one in held.columns)
    column = held.columns[name]
    values = column.values.copy()
    values[row] = values[row] * 4 // 3 if column.scale is not None else values[row] * 4 / 3
    columns = {**held.columns, name: replace(column, values=values)}
    return Ledger(ledger.manifest, {**ledger.tables, table: Table(table, columns, held.rows)})
