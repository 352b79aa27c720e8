"""The parts of the documentation site that are made from the code: a hook of MkDocs.

A page names such a part in a comment: `<!-- every command -->`, `<!-- every function -->`,
`<!-- every engine -->`. Links that leave docs/ go to the repository.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

import click

REPOSITORY = "https://github.com/tieout/tieout/blob/main"
LEAVING = re.compile(r"\]\(((?:\.\./)+[\w./-]+)(#[\w-]+)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in the generated parts of a page; links to files outside docs/ become links to the repository."""
    for name, made in PARTS.items():
        if f"<!-- {name} -->" in markdown:
            markdown = markdown.replace(f"<!-- {name} -->", made())
    folder = posixpath.dirname(page.file.src_uri)

    def outside(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, found[1]))
        inside = path.startswith("docs/")
        return found[0] if inside else f"]({REPOSITORY}/{path}{found[2] or ''})"

    return LEAVING.sub(outside, markdown)


def every_command() -> str:
    """The help of each command, as its own section."""
    from reconcile.cli import COMMANDS, group

    parts = []
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        parts.append(_command(f"reconcile {name}", command))
    return "\n\n".join(parts)


def _command(name: str, command: click.Command) -> str:
    names = ["-h", "--help"]
    context = click.Context(command, info_name=name, max_content_width=100, help_option_names=names)
    head = f"### `{name}` {{ #{name.replace(' ', '-')} }}"
    parts = [head, "```text\n" + command.get_help(context) + "\n```"]
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            parts.append(_command(f"{name} {inner}", found))
    return "\n\n".join(parts)


def every_function() -> str:
    """Every public name, under the name by which it is called: commands first, then live objects."""
    import reconcile
    from reconcile.cli import COMMANDS

    named = sorted(
        (name for name in reconcile.__all__ if name in reconcile._HOMES),
        key=lambda name: (name not in COMMANDS, name.startswith("from_"), name.lower()),
    )
    return "\n\n".join(_function(name, f"reconcile.{reconcile._HOMES[name]}.{name}") for name in named)


def _function(name: str, place: str) -> str:
    """The directive of mkdocstrings that documents a function, under the name by which it is called."""
    options = {"heading": f"reconcile.{name}", "toc_label": name}
    lines = [f"      {key}: {value}" for key, value in options.items()]
    return "\n".join([f"::: {place}", "    options:", *lines])


def every_engine() -> str:
    """For each engine that is known by name: project, adapter, export, what is missing, conventions."""
    import reconcile
    from reconcile.formats.registry import FORMATS
    from reconcile.templates.project import ENGINES

    formats = {one.name: one for one in FORMATS}
    live = {
        name.removeprefix("from_"): getattr(reconcile, name) for name in reconcile.__all__ if _is_live(name)
    }
    names = [name for name in formats if name in ENGINES or name in live]
    return "\n\n".join(_engine(name, formats[name], live.get(name), name in ENGINES) for name in names)


def _is_live(name: str) -> bool:
    import reconcile

    return name.startswith("from_") and reconcile._HOMES.get(name) == "api.live"


def _engine(name: str, form: Any, live: Any, has_project: bool) -> str:
    parts = [f"## {form.title}"]
    if has_project:
        parts.append(f"A project: `reconcile init my-backtests --engine {name}`.")
    if live is not None:
        said = " ".join((live.__doc__ or "").split("\n\n")[0].split())
        parts.append(
            f"An adapter returns [`reconcile.from_{name}(...)`]"
            f"(reference/python.md#reconcile.api.live.from_{name}). {said}"
        )
    command = f"reconcile import {name} EXPORT --out theirs"
    parts.append(f"A file: `{command}`. The export is made by `{form.export}`.")
    parts.append(
        "What it lacks is reported as not compared:\n\n" + "\n".join(f"- {one}" for one in form.lacks)
    )
    return "\n\n".join([*parts, *_conventions(form.title)])


def _conventions(title: str) -> list[str]:
    """The conventions of an engine, one column per setting that was looked at; nothing where none was."""
    from reconcile.identifying.profiles import profiles

    found = [one for one in profiles() if one.engine.lower() == title.lower()]
    if not found:
        return []
    keys = dict.fromkeys(key for one in found for key in one.conventions)
    head = " | ".join(f"{one.version}: {one.setting.replace('|', chr(92) + '|')}" for one in found)
    lines = [f"| convention | {head} |", "| --- |" + " --- |" * len(found)]
    lines += [f"| {key} | {' | '.join(one.conventions.get(key, '') for one in found)} |" for key in keys]
    return ["Its conventions, in the words of [Conventions of engines](conventions.md):", "\n".join(lines)]


PARTS = {"every command": every_command, "every function": every_function, "every engine": every_engine}
