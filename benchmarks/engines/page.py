"""The tables of docs/engines.md, from `results.json`; the text around them stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from markets import MARKETS

from ledgers import HONEST, cases

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parents[1] / "docs" / "engines.md"
BEGIN, END = "<!-- tables: begin, made by make engines -->", "<!-- tables: end -->"
TITLES = {market.name: market.title for market in MARKETS}

HONEST_HEAD = (
    "engine", "version", "market", "fills", "breaks out of the box", "breaks left", "largest gap",
    "what it is", "seconds",
)  # fmt: skip
PLANTED_HEAD = ("engine", "market", "mistake", "named", "breaks", "left", "what was reported", "seconds")


def write_page() -> None:
    """Put the tables into the page, whole or not at all."""
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    part = PAGE.with_suffix(".part")
    part.write_text(f"{before}{BEGIN}\n\n{tables(json.loads(RESULTS.read_text()))}\n\n{END}{after}")
    part.replace(PAGE)


def tables(results: dict[str, Any]) -> str:
    honest = [one for one in results.values() if one["mistake"] == HONEST]
    planted = [one for one in results.values() if one["mistake"] != HONEST]
    return "\n\n".join(
        [
            summary(honest, planted),
            "### As they come",
            table(HONEST_HEAD, map(honest_row, sorted(honest, key=place))),
            "### With one mistake",
            table(PLANTED_HEAD, map(planted_row, sorted(planted, key=place))),
        ]
    )


def place(one: dict[str, Any]) -> tuple[str, int, str]:
    return one["engine"].lower(), list(TITLES).index(one["market"]), one["mistake"]


def summary(honest: Sequence[dict[str, Any]], planted: Sequence[dict[str, Any]]) -> str:
    """The score in a few lines."""
    engines = len({one["engine"] for one in honest})
    ties = sum(one["stated"]["breaks"] == 0 for one in honest)
    whole = sum(one["stated"]["breaks"] != 0 == one["stated"]["unexplained_breaks"] for one in honest)
    named = sum(one["named"] for one in planted)
    false = sum(bool(one["others"]) for one in planted)
    plan = len(list(cases()))
    share = f"{100 * named / len(planted):.0f} %" if planted else "none"
    return "\n".join(
        [
            f"- {len(honest) + len(planted)} ledgers of {engines} engines, of {plan} that are planned; "
            "`make engines` adds those that are missing, mistake after mistake.",
            f"- As they come: {ties} of {len(honest)} have no break once their conventions are stated; "
            f"{whole} more are explained in full.",
            f"- With one mistake: it is named, as a cause or a lead, in {named} of {len(planted)} ({share}).",
            f"- Something else is named, beside the mistake or in its place, in {false} of {len(planted)}.",
        ]
    )


def honest_row(one: dict[str, Any]) -> tuple[str, ...]:
    stated = one["stated"]
    return (
        one["engine"],
        one["version"],
        TITLES[one["market"]],
        count(one["fills"]),
        count(one["plain"]["breaks"]),
        count(stated["breaks"]),
        gap(stated["gap"]),
        said(stated),
        f"{stated['seconds']:.0f}",
    )


def planted_row(one: dict[str, Any]) -> tuple[str, ...]:
    stated = one["stated"]
    return (
        one["engine"],
        TITLES[one["market"]],
        one["mistake"].replace("_", " "),
        "yes" if one["named"] else "no",
        count(stated["breaks"]),
        count(stated["unexplained_breaks"]),
        said(stated),
        f"{stated['seconds']:.0f}",
    )


def said(stated: dict[str, Any]) -> str:
    """Causes, then leads; the verdict where there is neither and something is left."""
    told = [one["sentence"] for one in stated["causes"]]
    told += [f"lead: {one['sentence']}" for one in stated["leads"]]
    if not told and stated["breaks"] == 0:
        return "ties out"
    return "; ".join(told) or stated["verdict"].replace("_", " ")


def count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def gap(money: float | None) -> str:
    return "no equity" if money is None else f"{money:,.6f}".rstrip("0").rstrip(".")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    write_page()
