"""Every message that tieout can print, collected from its source, so that each can be read in its place.

`python -m pytest -s tests/test_messages.py -k printed` prints them all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from reconcile.cli import group

SRC = Path(__file__).resolve().parent.parent / "src"
ERRORS = ("where", "found", "expected", "remedy")
KINDS = {"InputError", "RangeError", "CallableError", "OutputError", "ConfigError"}
USAGE = {"UsageError", "BadParameter"}
PRINTED = {"print_message", "print_answer"}
HARD = re.compile(r"\b(is|are) (said|told)\b(?! apart)")
"""What a reader has to read twice."""
PRONOUN = re.compile(r"(^|\| )\w+ (it|one|them|another)\.( \||$)")
"""A remedy that says nothing: "Correct it."."""
SENTENCE = re.compile(r"^([A-Z`{].*[.?`}]|(.*: )?(pip|reconcile|dask) .*)$", re.DOTALL)
"""A sentence, or a command that can be copied."""


@dataclass(frozen=True)
class Message:
    """Where it stands, what makes it, and its parts by name; `{...}` stands for what is filled in."""

    place: str
    kind: str
    parts: dict[str, str]

    def __str__(self) -> str:
        told = "".join(f"\n    {name:<9} {text}" for name, text in self.parts.items())
        return f"{self.place}  {self.kind}{told}"


def text_of(node: ast.expr) -> str:
    """The text that an expression makes, as far as it stands there."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(one.value) if isinstance(one, ast.Constant) else "{" + ast.unparse(one.value) + "}"
            for one in node.values
            if isinstance(one, (ast.Constant, ast.FormattedValue))
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    if isinstance(node, ast.IfExp):
        return f"{text_of(node.body)} | {text_of(node.orelse)}"
    return "{" + ast.unparse(node) + "}"


def named(node: ast.expr, function: ast.AST | None) -> str:
    """The same; a variable is each of the texts that its function gives it."""
    if not isinstance(node, ast.Name) or function is None:
        return text_of(node)
    given = [
        value
        for one in ast.walk(function)
        if isinstance(one, ast.Assign)
        for target in one.targets
        for name, value in _assigned(target, one.value)
        if name == node.id
    ]
    return " | ".join(map(text_of, given)) or text_of(node)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, each in zip(target.elts, value.elts, strict=True):
            yield from _assigned(one, each)


def in_file(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(one): function
        for function in ast.walk(tree)  # outer functions come first, so that the innermost one stays
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for one in ast.walk(function)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = f"{path.relative_to(SRC)}:{node.lineno}"
        if name in KINDS and not any(isinstance(one, ast.Starred) for one in node.args):
            parts = dict(zip(ERRORS, (named(one, inside.get(id(node))) for one in node.args), strict=False))
            parts |= {str(one.arg): text_of(one.value) for one in node.keywords}
            yield Message(place, name, parts)
        elif name in USAGE | PRINTED and node.args:
            yield Message(place, name, {"text": named(node.args[0], inside.get(id(node)))})


def helps(command: click.Command, path: str) -> Iterator[Message]:
    """The help of a command, of its options, and of the commands below it."""
    yield Message(path, "help", {"text": " ".join((command.help or "").split()), "end": command.epilog or ""})
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            yield Message(f"{path} {option.opts[0]}", "help", {"text": option.help or ""})
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from helps(below, f"{path} {name}")


def messages() -> list[Message]:
    found = [one for path in sorted(SRC.rglob("*.py")) for one in in_file(path)]
    return [*found, *helps(group, "reconcile")]


ALL = messages()


def test_all_messages_can_be_printed() -> None:
    """The collection sees them: errors, usage, notes on stderr, helps."""
    print("\n".join(map(str, ALL)))
    counted = {kind: sum(one.kind == kind for one in ALL) for kind in (*KINDS, *USAGE, "help")}
    assert counted["InputError"] > 200 and counted["help"] > 60 and counted["UsageError"] > 8


@pytest.mark.parametrize("part", ["found", "expected", "remedy"])
def test_every_error_has_its_four_parts(part: str) -> None:
    lacking = [str(one) for one in ALL if one.kind in KINDS and not one.parts.get(part, "").strip()]
    assert not lacking, "\n".join(lacking)


def test_a_remedy_is_a_sentence() -> None:
    """It begins like one and ends like one, where its text is written out."""
    bad = [
        str(one)
        for one in ALL
        if one.kind in KINDS
        for text in [one.parts.get("remedy", "")]
        for part in filter(None, (part.strip() for part in text.split(" | ")))
        if not SENTENCE.match(part)
    ]
    assert not bad, "\n".join(bad)


def test_a_remedy_names_what_to_change() -> None:
    """Not only a verb and a pronoun; the one of the engine's package names its variable in the first part."""
    bad = [
        str(one) for one in ALL if PRONOUN.search(one.parts.get("remedy", "")) and "engine/" not in one.place
    ]
    assert not bad, "\n".join(bad)


def test_every_option_and_command_says_what_it_does() -> None:
    bad = [
        str(one)
        for one in ALL
        if one.kind == "help" and not one.parts["text"].rstrip().endswith((".", ")", "]"))
    ]
    assert not bad, "\n".join(bad)


def test_no_message_is_in_words_that_are_read_twice() -> None:
    bad = [str(one) for one in ALL if any(HARD.search(text) for text in one.parts.values())]
    assert not bad, "\n".join(bad)
