"""Shared by the tests of mappings: a mapping from text, and tables as plain Python values."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from reconcile.ledger.columns import column_text
from reconcile.mapping import schema
from reconcile.mapping.open import Opened, open_mapped
from reconcile.mapping.read import mapping_from
from reconcile.tables.layout import Layout
from reconcile.tables.numbers import Numbers
from reconcile.tables.settings import Settings
from vocabulary.ledger import Ledger

CASES = Path(__file__).resolve().parent / "cases"
PAGE = CASES.parent.parent / "docs" / "reference" / "mapping.md"


def opened(path: Path, mapping: str) -> Opened:
    """What a mapping, written as TOML, makes of a folder or file."""
    return open_mapped(path, mapping_from(tomllib.loads(mapping)))


def rows(ledger: Ledger, table: str, *names: str) -> list[tuple[str, ...]]:
    """The rows of a table as exact text, empty where nothing stands; some columns, or all."""
    found = ledger.tables[table]
    chosen = names or tuple(found.columns)
    zone = ledger.manifest.timezone
    columns = [[column_text(found.columns[name], row, zone) for row in range(found.rows)] for name in chosen]
    return list(zip(*columns, strict=True))


def unread(found: Opened) -> dict[str, Any]:
    """What was not read: name -> (count, reason)."""
    return {one.name: (one.count, one.reason) for one in found.unread}


def settings_table(model: type[Settings]) -> str:
    """The settings of a group as a table of Markdown: key, default, example, meaning."""
    lines = ["| key | default | example | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        example = f"`{field.examples[0]}`" if field.examples else ""
        text = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{field.alias or name}` | {_default(field)} | {example} | {text} |")
    return "\n".join(lines)


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if field.is_required():
        return "required"
    if value in (None, (), {}) or isinstance(value, Settings):
        return "none"
    return f"`{json.dumps(value)}`"


GROUP = re.compile(r"<!-- settings: (\w+) -->\n(?:\n\|.*?\n(?=\n))?", re.DOTALL)


def with_tables(page: str) -> str:
    """A page whose settings stand as the schema has them, behind the comments that name their group."""
    groups = {**vars(schema), "Layout": Layout, "Numbers": Numbers}
    return GROUP.sub(
        lambda found: f"<!-- settings: {found[1]} -->\n\n{settings_table(groups[found[1]])}\n", page
    )


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
