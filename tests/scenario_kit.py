"""The keys of a scenario file, as docs/reference/scenario.md lists them: made from the models that read it.

`python -m tests.scenario_kit` writes the tables of that page anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter

from reconcile.scenario import exits, schema
from reconcile.scenario.values import TableModel

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "scenario.md"
RULE = re.compile(r"^(.+\.) \(([A-Z]\d*)\)$")
"""A description: the meaning, and the rule of docs/semantics.md that decides."""
PLACE = re.compile(r"<!-- keys: (\w+) -->\n(?:\n\|.*?\n(?=\n|$))?", re.DOTALL)


def tables() -> dict[str, type[TableModel]]:
    """Every kind of table that has keys of its own, by the name of its model."""
    found = {**vars(schema), **vars(exits)}
    return {
        name: one
        for name, one in found.items()
        if isinstance(one, type) and issubclass(one, TableModel) and list(keys(one))
    }


def keys(model: type[TableModel]) -> Iterator[tuple[str, Any]]:
    """The keys that a model adds to those it shares with other kinds; the word `kind` aside."""
    for name, field in model.model_fields.items():
        if name in model.__annotations__ and name != "kind" and model is not schema.ScenarioTable:
            yield name, field


def with_tables(page: str) -> str:
    """A page whose tables stand as the models have them, below the comments that name their model."""
    found = tables()
    return PLACE.sub(lambda one: f"<!-- keys: {one[1]} -->\n\n{_table(found[one[1]])}\n", page)


def _table(model: type[TableModel]) -> str:
    lines = ["| key | value | default | meaning | rule |", "| --- | --- | --- | --- | --- |"]
    for name, field in keys(model):
        meaning, rule = RULE.fullmatch(field.description or "").groups()  # type: ignore[union-attr]
        cells = (f"`{name}`", _value(model, name), _default(field), meaning, rule)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _value(model: type[TableModel], name: str) -> str:
    """What may stand there, by the JSON Schema that editors read."""
    known = json.loads(schema_text())["$defs"]
    of = next(one.__name__ for one in _with_kinds(model) if one.__name__ in known)
    return _words(known[of]["properties"][name])


def _with_kinds(model: type[Any]) -> Iterator[type[Any]]:
    """A model and the kinds that share its keys; a shared table is itself not in the schema."""
    yield model
    for one in model.__subclasses__():
        yield from _with_kinds(one)


def schema_text() -> str:
    """The schema that is published."""
    return (Path(schema.__file__).parent / "scenario.schema.json").read_text(encoding="utf-8")


def _words(node: dict[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(f'`"{word}"`' for word in node["enum"])
    if "oneOf" in node or "$ref" in node or "discriminator" in node:
        return "a table, see below" if "enum" not in json.dumps(node) else "a word, or a table"
    if "pattern" in node:
        return "decimal text"
    if node["type"] == "array":
        return f"list of {_words(node['items'])}"
    if node["type"] == "integer":
        low, high = node.get("minimum"), node.get("maximum")
        return f"whole number, {low} to {high}" if high is not None else f"whole number from {low} on"
    plain = {"string": "text", "boolean": "`true`, `false`", "number": "number", "object": "tables by name"}
    return plain[node["type"]]


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value in (None, {}):
        return "none"
    kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    value = value.value if isinstance(value, Enum) else TypeAdapter(kind).dump_python(value)
    if isinstance(value, dict):
        return "`{ " + ", ".join(f"{key} = {one}" for key, one in value.items()) + " }`"
    return f"`{json.dumps(value)}`"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
