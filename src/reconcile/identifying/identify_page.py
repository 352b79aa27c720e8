"""The page and the JSON of `reconcile identify`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from reconcile.identifying.model import Finding, Identification, Likeness, Status, Verdict
from reconcile.text.escape import printable
from reconcile.text.layout import aligned, labelled

VERSION = 1
MOST_ENGINES, MOST_EQUAL = 6, 3
ENOUGH = 3
"""Conventions in which an engine has to agree to be named."""


def identify_page(found: Identification, scenario: str, ledger: str) -> str:
    """The answer in one line, one row per convention, then the engines that have them."""
    parts = (
        [headline(found)],
        _conventions(found.findings),
        _not_told(found.findings),
        _engines(found.engines) if found.findings else (),
        ["", f"scenario      {printable(scenario)}", f"ledger        {printable(ledger)}"],
        labelled("notes", found.notes),
    )
    return "\n".join(line for part in parts for line in part)


def headline(found: Identification) -> str:
    """How many conventions the ledger shows, and whether its trades come out under them."""
    if found.verdict is Verdict.CANNOT_TELL:
        return f"cannot tell: {found.reason}"
    known = sum(each.status is Status.IDENTIFIED for each in found.findings)
    tried = f"{found.bars:,} of {found.busy:,} bars with trades were tried"
    head = f"{known} of {len(found.findings)} conventions identified"
    if found.verdict is Verdict.FITS:
        return f"{head}; with them, every cell comes out right ({tried})"
    return f"{head}; with them, {found.wrong:,} of {found.cells:,} cells still differ ({tried})"


def _conventions(findings: Sequence[Finding]) -> Iterator[str]:
    rows = [("convention", "the ledger shows", "fits", "contradicts", "the scenario")]
    for each in findings:
        if each.status is Status.CANNOT_TELL:
            continue
        shown = printable(each.option.words, 60)
        if each.equal:
            others = [printable(option.words, 40) for option in each.equal[:MOST_EQUAL]]
            more = len(each.equal) - len(others)
            shown += f" or {', or '.join(others)}" + (f", or {more} more" if more else "")
        if each.status is Status.CONTRADICTED:
            shown = f"none fits; {shown} fits best"
        stated = "the same" if each.stated is None else f"states {printable(each.stated.words, 40)}"
        rows.append((each.convention.question, shown, f"{each.fits:,}", f"{each.contradicts:,}", stated))
    if len(rows) > 1:
        yield ""
        yield from aligned(rows, "<<>><")


def _not_told(findings: Sequence[Finding]) -> Iterator[str]:
    names = [each.convention.question for each in findings if each.status is Status.CANNOT_TELL]
    if names:
        yield ""
        yield "not visible in this ledger, because every option gives the same rows"
        yield from (f"  {name}" for name in names)


def alike(engines: Sequence[Likeness]) -> list[Likeness]:
    """The engines that contradict nothing that the ledger shows and agree in enough of it."""
    return [each for each in engines if len(each.agree) >= ENOUGH and not each.differ]


def _engines(engines: Sequence[Likeness]) -> Iterator[str]:
    whole = alike(engines)
    yield ""
    if whole:
        yield "known engines that have all of these conventions"
        for each in whole[:MOST_ENGINES]:
            counts = f"{len(each.agree)} agree, {len(each.open)} not visible"
            yield f"  {each.profile.engine} {each.profile.version}: {counts}; {each.profile.setting}"
        if len(whole) > MOST_ENGINES:
            yield f"  and {len(whole) - MOST_ENGINES} more"
        return
    yield "no known engine has all of these conventions; the nearest"
    for each in [each for each in engines if len(each.agree) >= ENOUGH][:MOST_ENGINES]:
        name = f"{each.profile.engine} {each.profile.version}, {each.profile.setting}"
        yield f"  {name}: differs in {', '.join(each.differ)}"


def identify_json(found: Identification, scenario: str) -> str:
    """The JSON text; docs/json.md describes its keys."""
    told = {
        "kind": "tieout.identify",
        "version": VERSION,
        "verdict": found.verdict.value,
        "reason": found.reason,
        "scenario": scenario,
        "bars": found.bars,
        "busy_bars": found.busy,
        "cells": found.cells,
        "wrong": found.wrong,
        "conventions": [_finding(each) for each in found.findings],
        "engines": [_likeness(each) for each in found.engines],
        "notes": list(found.notes),
    }
    return json.dumps(told, indent=2, ensure_ascii=True)


def _finding(each: Finding) -> dict[str, Any]:
    return {
        "name": each.convention.name,
        "question": each.convention.question,
        "status": each.status.value,
        "shown": each.option.words,
        "equal": [option.words for option in each.equal],
        "stated": (each.stated or each.option).words,
        "fits": each.fits,
        "contradicts": each.contradicts,
    }


def _likeness(each: Likeness) -> dict[str, Any]:
    return {
        "engine": each.profile.engine,
        "engine_version": each.profile.version,
        "setting": each.profile.setting,
        "source": each.profile.source,
        "agree": list(each.agree),
        "open": list(each.open),
        "differ": list(each.differ),
    }
