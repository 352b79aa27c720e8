"""manifest.json of a golden: what it was made from and what it comes to, one fact a line."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import Any

from reconcile.golden.model import Agreement, Cause, CauseKind, Change, Facts, Figures, First, Inputs, Storage
from vocabulary.errors import InputError

FILE = "manifest.json"
FORMAT = 1
_AMOUNTS = ("turnover", "commission", "slippage", "final_equity", "total_return", "max_drawdown")
_COUNTS = ("rebalances", "fills")


def facts_text(facts: Facts) -> bytes:
    """The content of manifest.json; amounts are exact decimal text."""
    return _json(
        {
            "format": FORMAT,
            "case": facts.case,
            "agreement": facts.agreement.value,
            "test": facts.test,
            "storage": facts.storage.value,
            "inputs": _plain(facts.inputs),
            "figures": _plain(facts.figures),
            "tables": dict(facts.tables),
        }
    )


def read_facts(data: bytes, where: str) -> Facts:
    """The facts of a manifest.json. Raises InputError when it is none."""
    content = _object(data, where)
    try:
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}")
        return Facts(
            case=_text(content["case"]),
            agreement=Agreement(content["agreement"]),
            test=None if content["test"] is None else _text(content["test"]),
            storage=Storage(content["storage"]),
            inputs=Inputs(**{f.name: _maybe_text(content["inputs"][f.name]) for f in fields(Inputs)}),
            figures=_figures(content["figures"]),
            tables={_text(name): _whole(rows) for name, rows in content["tables"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise _unfit(where, error) from None


def change_text(change: Change) -> bytes:
    """The content of change.json, beside a pending golden."""
    return _json(
        {
            "format": FORMAT,
            "case": change.case,
            "replaces": change.replaces,
            "causes": [{**_plain(cause), "kind": cause.kind.value} for cause in change.causes],
            "before": None if change.before is None else _plain(change.before),
            "after": _plain(change.after),
            "first": None if change.first is None else _plain(change.first),
            "by_stage": dict(change.by_stage),
            "fills": change.fills,
            "rebalances": change.rebalances,
            "whole": change.whole,
        }
    )


def read_change(data: bytes, where: str) -> Change:
    """The change of a change.json. Raises InputError when it is none."""
    content = _object(data, where)
    try:
        return Change(
            case=_text(content["case"]),
            replaces=_maybe_text(content["replaces"]),
            causes=tuple(Cause(**{**cause, "kind": CauseKind(cause["kind"])}) for cause in content["causes"]),
            before=None if content["before"] is None else _figures(content["before"]),
            after=_figures(content["after"]),
            first=None if content["first"] is None else First(**content["first"]),
            by_stage={_text(stage): _whole(count) for stage, count in content["by_stage"].items()},
            fills=_whole(content["fills"]),
            rebalances=_whole(content["rebalances"]),
            whole=bool(content["whole"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise _unfit(where, error) from None


def _plain(noun: Any) -> dict[str, Any]:
    """A flat noun as JSON has it, amounts as text."""
    pairs = ((field.name, getattr(noun, field.name)) for field in fields(noun))
    return {name: format(value, "f") if isinstance(value, Decimal) else value for name, value in pairs}


def _figures(content: dict[str, Any]) -> Figures:
    amounts: dict[str, Any] = {k: None if content[k] is None else Decimal(content[k]) for k in _AMOUNTS}
    counts: dict[str, Any] = {k: None if content[k] is None else _whole(content[k]) for k in _COUNTS}
    return Figures(ledger=_text(content["ledger"]), bars=_whole(content["bars"]), **counts, **amounts)


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def _object(data: bytes, where: str) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _unfit(where, error) from None
    if not isinstance(content, dict):
        raise _unfit(where, TypeError(type(content).__name__))
    return content


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} in place of text")
    return value


def _maybe_text(value: Any) -> str | None:
    return None if value is None else _text(value)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} in place of a whole number")
    return value


def _unfit(where: str, error: Exception) -> InputError:
    found = f"no golden's file ({type(error).__name__}: {error})"
    return InputError(where, found, f"what tieout wrote, format {FORMAT}", "Restore it from version control.")
