"""What the hypotheses about settings share: how a setting is changed, and how its change reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from reconcile.explaining.model import Subject, Value, Values, Wording
from reconcile.files.decimals import PPB
from reconcile.scenario.files import replace as replace_setting
from reconcile.scenario.toml import scenario_to_dict
from vocabulary.scenario import CommissionBase, Scenario

ONE = 10**PPB
"""1 in parts per billion."""
ABSENT = "none"


def settings(path: str, values: Iterable[Value], stated: Value = None) -> Values:
    """The values (path, value) of one setting, each once, without the stated one."""
    return tuple((path, value) for value in dict.fromkeys(values) if value != stated)


def money_decimals(subject: Subject) -> int:
    """Decimals of an amount of money."""
    return subject.scenario.market.price_decimals + subject.scenario.market.quantity_decimals


def simplest(low: Fraction, high: Fraction) -> int | None:
    """The shortest decimal in [low, high], in ppb: what a person would have typed. None for none.

    Of several of the same length it is the first that ends in 5, as 0.0015 does, else the first.
    """
    for places in range(10):
        unit = 10**places
        first = -((-low.numerator * unit) // low.denominator)
        if Fraction(first, unit) <= high:
            by_five = -(-first // 5) * 5
            best = by_five if Fraction(by_five, unit) <= high else first
            return int(best * (ONE // unit))
    return None


@lru_cache(maxsize=4096)
def changed(scenario: Scenario, value: Any) -> Scenario:
    """The scenario with a setting changed; value: (path, value). InputError where it is not allowed."""
    path, given = value
    return replace_setting(scenario, path, thawed(given))


def thawed(value: Any) -> Any:
    """A table from its pairs."""
    if value == ():
        return []
    if isinstance(value, tuple):
        return {key: thawed(each) for key, each in value}
    return value


def at_path(subject: Subject, path: str) -> Any:
    """What the scenario says at a path, None for nothing."""
    found: Any = scenario_to_dict(subject.scenario)
    for step in path.split("."):
        if isinstance(found, list):
            named = [each for each in found if each.get("name") == step]
            found = named[0] if named else None
        elif isinstance(found, dict):
            found = found.get(step)
        else:
            return None
    return found


def reads(sentences: Mapping[str, str]) -> Callable[[Subject, Value], Wording]:
    """How changes of some settings read. sentences: by path, with places for {new} and {old}."""

    def say(subject: Subject, value: Value) -> Wording:
        path, old, new = texts(subject, value)
        return Wording(sentences[path].format(old=old, new=new), path, old, new)

    return say


def texts(subject: Subject, value: Value) -> tuple[str, str, str]:
    """The path of a changed setting, and the stated and the new value as texts."""
    path, given = pair(value)
    return path, shown(at_path(subject, path)), shown(thawed(given))


def pair(value: Value) -> tuple[Any, Any]:
    """A value of two parts: a path and a setting, a table and a column, a field and a lag."""
    assert isinstance(value, tuple)
    first, second = value
    return first, second


def shown(value: Any) -> str:
    """A value of the scenario file in a few words; numbers with separators."""
    if value is None or value == []:
        return ABSENT
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _table(value)
    if isinstance(value, list):
        return ", ".join(shown(each) for each in value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.15g}"
    text = str(value)
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.isdecimal() and rest.isdecimal() | (not point) else text


def _table(value: dict[str, Any]) -> str:
    """A table: a cost, a schedule, or its keys with their values."""
    given = {key: each for key, each in value.items() if each != "0" or key != "minimum"}
    kind = given.pop("kind", None)
    unit = {"bps": " bps", "per_share": " a share"}.get(str(kind), "")
    if kind is not None and set(given) <= {"rate", "amount", "minimum", "maximum", "on"}:
        rate = f"{shown(given.get('rate', given.get('amount')))}{unit}"
        rate += " of the raw price" if given.get("on") == CommissionBase.RAW.value else ""
        rate += f", at least {shown(given['minimum'])}" if "minimum" in given else ""
        return rate + (f", at most {given['maximum']} of the notional" if "maximum" in given else "")
    if "every" in given:
        every, start = given["every"], given.get("start", 0)
        bars = "every bar" if every == 1 else f"every {shown(every)} bars"
        return bars + (f" from bar {shown(start)} on" if start else "")
    return ", ".join(f"{key} {shown(each)}" for key, each in given.items())


def bars_off(number: int) -> str:
    """How far off: `2 bars late`, `1 bar early`."""
    count = abs(number)
    return f"{count} bar{'s' if count > 1 else ''} {'late' if number > 0 else 'early'}"


def no_values(*_: object) -> Values:
    """The values of a hypothesis that needs none: it is tried once."""
    return (None,)
