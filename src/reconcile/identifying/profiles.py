"""The conventions of known engines, read from `profiles.toml` beside this module.

The file says what each key means. Words that a scenario file has are checked against its schema by the
tests; words beyond it are listed here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources

WORDS: Mapping[str, frozenset[str]] = {
    "timing": frozenset({"next_open", "next_close", "same_close"}),
    "price_field": frozenset({"open", "close", "middle"}),
    "sizing_base": frozenset({"close", "fill", "close_net_of_fee"}),
    "quantity": frozenset({"fraction", "whole"}),
    "sequence": frozenset({"sells_first", "submission", "symbol", "sells_first_symbol", "value"}),
    "cash": frozenset({"reduce", "reject", "allow_negative", "reduce_before_costs", "reject_at_submission"}),
    "fee_base": frozenset({"fill", "raw"}),
    "fee_rounding": frozenset({"none", "cents"}),
    "slippage": frozenset({"in_price", "at_entry", "as_fee", "none"}),
    "gap": frozenset({"open", "level_or_open", "level_or_far", "close", "close_or_level"}),
    "path": frozenset({"stop_first", "target_first", "nearest", "up_first", "color"}),
    "trail": frozenset({"high_after", "high_before", "close"}),
    "touch": frozenset({"touch", "cross"}),
    "armed": frozenset({"entry", "next"}),
    "marks": frozenset({"close", "fill"}),
}
"""Convention -> the words that it may have."""


class Evidence(Enum):
    """How a profile is known."""

    RUN = "run"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Profile:
    """An engine under one setting. conventions: of `WORDS`; a key that is missing is not known."""

    engine: str
    version: str
    setting: str
    source: str
    evidence: Evidence
    conventions: Mapping[str, str]


@cache
def profiles() -> tuple[Profile, ...]:
    """All profiles, in the order of the file. Raises ValueError for a word that is not of its convention."""
    text = resources.files(__package__).joinpath("profiles.toml").read_text(encoding="utf-8")
    return tuple(_profile(entry) for entry in tomllib.loads(text)["profile"])


def _profile(entry: Mapping[str, object]) -> Profile:
    conventions = entry["conventions"]
    assert isinstance(conventions, dict)
    named = f"{entry['engine']} {entry['version']}"
    for key, word in conventions.items():
        if word not in WORDS.get(key, frozenset()):
            raise ValueError(
                f"profiles.toml, {named}: {key} = {word!r} is none of {sorted(WORDS.get(key, ()))}"
            )
    return Profile(
        engine=str(entry["engine"]),
        version=str(entry["version"]),
        setting=str(entry["setting"]),
        source=str(entry["source"]),
        evidence=Evidence(entry["evidence"]),
        conventions=dict(conventions),
    )
