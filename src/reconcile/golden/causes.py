"""Why a golden changed: what differs between what both were made from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from reconcile.golden.model import Cause, CauseKind, Golden

SCENARIO = "scenario.toml"
_SHORT = 12


def causes_of(before: Golden | None, after: Golden) -> tuple[Cause, ...]:
    """The differences between two goldens' inputs; CODE where there is none and the ledger still differs.

    Empty when neither inputs nor ledger differ.
    """
    if before is None:
        return (Cause(CauseKind.NEW),)
    found = [
        *_scenario(before, after),
        *_data(before, after),
        *_semantics(before, after),
        *_agreement(before, after),
    ]
    if found:
        return tuple(found)
    old, new = before.facts, after.facts
    if _differ(old.inputs.market, new.inputs.market):
        return (Cause(CauseKind.CODE, "computed features"),)
    return (Cause(CauseKind.CODE),) if old.figures.ledger != new.figures.ledger else ()


def inputs_differ(before: Golden, after: Golden) -> bool:
    """Whether two goldens were made from different inputs, as far as both tell."""
    old, new = before.facts.inputs, after.facts.inputs
    names = ("scenario", "market", "semantics")
    return any(_differ(getattr(old, name), getattr(new, name)) for name in names)


def _differ(old: str | None, new: str | None) -> bool:
    return None not in (old, new) and old != new


def _scenario(before: Golden, after: Golden) -> list[Cause]:
    if not _differ(before.facts.inputs.scenario, after.facts.inputs.scenario):
        return []
    old, new = (_settings(golden) for golden in (before, after))
    causes = [
        Cause(CauseKind.SCENARIO, path, old.get(path), new.get(path), _unit(path, old, new))
        for path in dict.fromkeys((*old, *new))
        if old.get(path) != new.get(path)
    ]
    digests = (golden.facts.inputs.scenario or "" for golden in (before, after))
    return causes or [Cause(CauseKind.SCENARIO, "digest", *(digest[:_SHORT] for digest in digests))]


def _data(before: Golden, after: Golden) -> list[Cause]:
    """Other bars; where the scenario asks for another market or other units, that is the cause already."""
    old, new = before.facts.inputs, after.facts.inputs
    asked = any(cause.what.startswith("market.") for cause in _scenario(before, after))
    if asked or not _differ(old.data, new.data):
        return []
    name = new.market_name or "market"
    return [Cause(CauseKind.DATA, name, (old.data or "")[:_SHORT], (new.data or "")[:_SHORT])]


def _semantics(before: Golden, after: Golden) -> list[Cause]:
    old, new = before.facts.inputs.semantics, after.facts.inputs.semantics
    if not _differ(old, new):
        return []
    return [Cause(CauseKind.SEMANTICS, "", (old or "")[:_SHORT], (new or "")[:_SHORT])]


def _agreement(before: Golden, after: Golden) -> list[Cause]:
    old, new = before.facts.agreement.value, after.facts.agreement.value
    return [] if old == new else [Cause(CauseKind.AGREEMENT, "", old, new)]


def _settings(golden: Golden) -> dict[str, str]:
    """Every setting of a golden's scenario by its dotted path, as text."""
    text = golden.files.get(SCENARIO, b"").decode("utf-8", "replace")
    return dict(_flat(tomllib.loads(text), ""))


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for place, item in enumerate(value):
            yield from _flat(item, f"{path}.{item.get('name', place)}")
    else:
        yield path, value if isinstance(value, str) else repr(value)


def _unit(path: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """bps, where a rate is one before and after."""
    holder, _, key = path.rpartition(".")
    kinds = {settings.get(f"{holder}.kind") for settings in (old, new)}
    return "bps" if key == "rate" and kinds == {"bps"} else ""
