"""Which known engines have the conventions that a ledger shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconcile.explaining.hypotheses import prices, reports, rounding, sizing_base
from reconcile.explaining.model import Subject
from reconcile.files.decimals import PPB, to_units
from reconcile.identifying.model import Finding, Likeness, Option, Status
from reconcile.identifying.profiles import Profile, profiles
from vocabulary.scenario import BpsCommission, SizeAt, Timing

SAME_WORDS = ("timing", "sequence", "cash", "fee_base", "gap", "path", "trail", "touch", "armed")
"""Conventions whose options are named alike in the scenario file and in profiles.toml."""
Shown = Mapping[str, frozenset[str]]
"""By convention of profiles.toml, the words that a ledger allows; empty where no word names what it shows."""


def likenesses(findings: Sequence[Finding], subject: Subject) -> tuple[Likeness, ...]:
    """How each profile compares with what a ledger shows, the most alike first."""
    shown = shown_words(findings, subject)
    found = [_likeness(profile, shown) for profile in profiles()]
    return tuple(sorted(found, key=lambda each: (len(each.differ), -len(each.agree))))


def _likeness(profile: Profile, shown: Shown) -> Likeness:
    has = profile.conventions
    return Likeness(
        profile,
        agree=tuple(name for name, word in has.items() if word in shown.get(name, ())),
        open=tuple(name for name in has if name not in shown),
        differ=tuple(name for name, word in has.items() if name in shown and word not in shown[name]),
    )


def shown_words(findings: Sequence[Finding], subject: Subject) -> Shown:
    """What a ledger allows of each convention that it tells, in the words of profiles.toml."""
    told = {
        each.convention.name: (each.option, *each.equal)
        for each in findings
        if each.status in (Status.IDENTIFIED, Status.SEVERAL)
    }
    shown = {name: {option.key for option in told[name]} for name in SAME_WORDS if name in told}
    if "price" in told and "timing" in told:
        shown["price_field"] = {_price_field(option, told["timing"][0]) for option in told["price"]}
    if "sizing_base" in told and "sizing_time" in told:
        shown["sizing_base"] = {
            _sizing(base, time, subject) for base in told["sizing_base"] for time in told["sizing_time"]
        }
    if "fee_rounding" in told:
        shown["fee_rounding"] = {_fee_rounding(option) for option in told["fee_rounding"]}
    if "marks" in told:
        shown["marks"] = {_mark(option) for option in told["marks"]}
    return {name: frozenset(words) for name, words in shown.items()}


def _price_field(option: Option, timing: Option) -> str:
    if option.change is None:
        return "open" if timing.key == Timing.NEXT_OPEN.value else "close"
    if option.change.hypothesis is prices.EXECUTION_PRICE and isinstance(option.change.value, tuple):
        field, lag = option.change.value
        return str(field) if lag == 0 else ""
    return ""


def _sizing(base: Option, time: Option, subject: Subject) -> str:
    """close, fill or close_net_of_fee; empty for what profiles.toml has no word for."""
    if base.change is None:
        return "close" if time.key == SizeAt.DECISION.value else "fill"
    commission, value = subject.scenario.costs.commission, base.change.value
    if base.change.hypothesis is sizing_base.SIZING_BASE and isinstance(value, tuple) and value[0] == "share":
        net = isinstance(commission, BpsCommission) and to_units(value[1], PPB) + commission.rate == 10**PPB
        return "close_net_of_fee" if net and time.key == SizeAt.DECISION.value else ""
    return ""


def _fee_rounding(option: Option) -> str:
    if option.change is None:
        return "none"
    value = option.change.value
    cents = isinstance(value, tuple) and value[-1] == rounding.CENTS
    return "cents" if cents else ""


def _mark(option: Option) -> str:
    if option.change is None:
        return "close"
    value = option.change.value
    if option.change.hypothesis is reports.MARKED_OTHERWISE and isinstance(value, tuple) and value[1] == 0:
        return str(value[0])
    return ""
