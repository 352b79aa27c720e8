"""The schemas of `--json`: read, closed against further keys, and shown as docs/json.md shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import reconcile.text

FOLDER = Path(reconcile.text.__file__).parent / "schemas"
COMMANDS = (
    "diff", "audit", "run", "twice", "explain", "identify", "shrink", "check", "drill", "gate", "record",
    "golden", "review", "campaign", "orders",
)  # fmt: skip
WORDS = {"string": "text", "integer": "whole", "number": "number", "boolean": "boolean", "null": "null"}
HEAD = """# JSON

What `--json` prints. A key is never taken away or given another meaning without a new `version`; new keys
may come. The JSON Schema of each, from which this page is made, is `reconcile/text/schemas/NAME.json` in the
installed package.

Amounts are exact decimals with all their digits (doubles: the shortest text that reads back), timestamps
ISO 8601, rows counted from 1, and what is not known is null. In the tables below, *value* is a number, a text
or null, and *map* an object whose keys are names.
"""


def schema(command: str) -> dict[str, Any]:
    """The schema as it is published."""
    found: dict[str, Any] = json.loads((FOLDER / f"{command}.json").read_text(encoding="utf-8"))
    return found


def closed(node: Any) -> Any:
    """The same schema, in which an object holds no key but those named."""
    if isinstance(node, list):
        return [closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    out = {key: closed(value) for key, value in node.items()}
    if "properties" in node:
        out["additionalProperties"] = False
    return out


def problems(command: str, facts: Any) -> list[str]:
    """Where JSON is not what its schema says, a key that the schema does not name included."""
    validator = Draft202012Validator(closed(schema(command)))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(facts)]


def conforms(command: str, facts: Any) -> bool:
    """Whether JSON is what its schema says; fails with the reasons where it is not."""
    found = problems(command, facts)
    assert not found, "\n".join(found)
    return True


def page() -> str:
    """docs/json.md."""
    return "\n".join([HEAD, *(line for command in COMMANDS for line in _section(command))])


def _section(command: str) -> Iterator[str]:
    whole = schema(command)
    yield from (f"## {command}", "", whole["description"], "")
    yield from _table(whole)
    for name, one in whole["$defs"].items():
        yield from (f"### {command}: {name}", "")
        yield from _table(one)


def _table(one: dict[str, Any]) -> Iterator[str]:
    yield from ("| key | type | meaning |", "| --- | --- | --- |")
    for key, node in one["properties"].items():
        yield f"| `{key}` | {_kind(node)} | {_meaning(node)} |"
    yield ""


def _kind(node: dict[str, Any]) -> str:
    if "$ref" in node:
        return str(node["$ref"]).rpartition("/")[2]
    if "anyOf" in node:
        return " or ".join(_kind(one) for one in node["anyOf"])
    if "enum" in node or "const" in node:
        return "whole" if isinstance(node.get("const"), int) else "text"
    if isinstance(node["type"], list):
        words = [WORDS[one] for one in node["type"]]
        return "value" if words == ["number", "text", "null"] else " or ".join(words)
    if node["type"] == "array":
        return f"list of {_kind(node['items'])}"
    return (
        f"map to {_kind(node['additionalProperties'])}" if node["type"] == "object" else WORDS[node["type"]]
    )


def _meaning(node: dict[str, Any]) -> str:
    parts = [str(node["description"])] if "description" in node else []
    if "const" in node:
        parts.append(f"`{node['const']}`")
    if "enum" in node and "description" not in node:
        parts.append(", ".join(f"`{word}`" for word in node["enum"]))
    return "; ".join(parts)
