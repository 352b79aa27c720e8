"""The sections of docs/formats.md, one per format, from what the formats say of themselves.

`python tests/formats_page.py` writes them into the page.
"""

from __future__ import annotations

from pathlib import Path

from exports_kit import REBUILT
from reconcile.formats.model import Format
from reconcile.formats.registry import FORMATS

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
BEGIN, END = "<!-- formats: begin -->\n", "<!-- formats: end -->\n"
ENGINES = Path(__file__).parent / "ledgers" / "engines"
WITHOUT_SYMBOL = ("tradingview", "backtesting")


def export_of(name: str) -> Path:
    """The export of a section: one that an engine saved, else a rebuilt one."""
    if name == "cvxportfolio":
        return ENGINES / name
    folder = next(one for one in (ENGINES / name, REBUILT / name) if one.is_dir())
    return sorted(path for path in folder.iterdir() if path.is_file())[0]


def commands_of(name: str) -> list[str]:
    """From an export to the first divergence from `ours`, a ledger, in two commands."""
    symbol = " --symbol AAA" if name in WITHOUT_SYMBOL else ""
    return [
        f"reconcile import {name} {export_of(name).name}{symbol} --out theirs",
        "reconcile diff ours theirs",
    ]


def section(one: Format) -> str:
    """What a format holds and lacks, how its export is made, and its two commands."""
    lines = [f"### {one.title}", ""]
    for shape in (one, *one.also):
        called = "" if shape is one else f"{shape.title.partition(', ')[2]}, "
        lines.append(f"- {called}made by `{shape.export}`" if not called else f"- {called}`{shape.export}`")
        lines.append(f"    - holds: {'; '.join(shape.holds)}")
        lines.append(f"    - lacks: {'; '.join(shape.lacks)}")
    lines += [f"- {sentence}" for sentence in (*one.mind, *(said for each in one.also for said in each.mind))]
    return "\n".join([*lines, "", "```sh", *commands_of(one.name), "```", ""])


def sections() -> str:
    return "\n".join(section(one) for one in FORMATS)


def page(text: str) -> str:
    """The page's text with its sections made anew."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + sections() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
