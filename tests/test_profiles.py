"""Profiles of known engines: their words are those of the scenario file, and each says its source."""

from __future__ import annotations

from pathlib import Path

import pytest

import reconcile
from reconcile.identifying.profiles import WORDS, Evidence, Profile, profiles

REQUIREMENTS = Path(__file__).parents[1] / "benchmarks" / "engines" / "requirements"
OWN_WORDS = {"cash": {"reject_at_submission"}, "gap": {"close", "close_or_level"}}
"""What engines do and a scenario cannot say."""
SCENARIO = {
    "market": {"data": "stocks"},
    "portfolio": {"initial_cash": "1"},
    "strategy": {"kind": "top_n", "score": "volume", "n": 1},
}
LEVELS = ("gap", "path", "trail", "touch", "armed")


def said(key: str, word: str) -> dict[str, object]:
    """A scenario that has this convention."""
    told: dict[str, object] = dict(SCENARIO)
    if key == "fee_base":
        return {**told, "costs": {"commission": {"kind": "bps", "rate": "5", "on": word}}}
    if key in LEVELS:
        stop = {"kind": "stop_loss", "loss": "0.1", "at": "level"}
        return {**told, "exits": [stop], "execution": {"levels": {key: word}}}
    return {**told, "execution": {key: word}}


@pytest.mark.parametrize("key", ["timing", "sequence", "cash", "fee_base", *LEVELS])
def test_the_words_of_a_convention_are_those_of_the_scenario_file(key: str) -> None:
    for word in WORDS[key] - OWN_WORDS.get(key, set()):
        reconcile.scenario_from_dict(said(key, word))


@pytest.mark.parametrize(
    ("key", "word"), [(key, word) for key in OWN_WORDS for word in sorted(OWN_WORDS[key])]
)
def test_a_word_of_its_own_is_none_of_the_scenario_file(key: str, word: str) -> None:
    with pytest.raises(reconcile.vocabulary.InputError):
        reconcile.scenario_from_dict(said(key, word))


@pytest.mark.parametrize("profile", profiles(), ids=lambda one: f"{one.engine}: {one.setting}")
def test_a_profile_says_where_it_is_from_and_something_of_the_engine(profile: Profile) -> None:
    assert profile.version
    assert ("/" in profile.source or "." in profile.source) and profile.setting
    assert profile.conventions


def test_no_two_profiles_have_the_same_name() -> None:
    names = [(one.engine, one.setting) for one in profiles()]
    assert len(names) == len(set(names)) > 10


def test_a_profile_that_was_run_has_the_version_that_the_harness_pins() -> None:
    pinned = {
        line.strip().lower()
        for file in REQUIREMENTS.glob("*.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
    }
    names = {"pybroker": "lib-pybroker", "backtesting.py": "backtesting"}
    ran = [one for one in profiles() if one.evidence is Evidence.RUN]
    assert len(ran) >= 9
    for one in ran:
        name = names.get(one.engine.lower(), one.engine.lower())
        assert f"{name}=={one.version}" in pinned
