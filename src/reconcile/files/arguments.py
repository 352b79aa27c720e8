"""What public functions take: an argument of another type is one error, before anything is done."""

from __future__ import annotations

import functools
import inspect
import math
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypeVar, cast

from reconcile.text.escape import printable
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Kind:
    """What an argument may be: its types, in words, and what to do where it is none of them.

    least: the smallest number. each: the type of what a collection holds.
    """

    types: tuple[Any, ...]
    expected: str
    remedy: str
    least: float | None = None
    each: type | None = None

    def fits(self, value: Any) -> bool:
        """Whether the value is one of these."""
        if not isinstance(value, self.types):
            return False
        if self.each is not None and not all(isinstance(one, self.each) for one in value):
            return False
        return self.least is None or bool(self.least <= value < math.inf)


PATH = Kind((str, os.PathLike), "a path", "Give a text or a pathlib.Path.")
TEXT = Kind((str,), "a text", "Give a str.")
WATCH = Kind((Callable,), "a function", "Leave it out, or give a function (phase, total).")
LEDGER = Kind((Ledger,), "a Ledger", "reconcile.read(source) makes one of a file or of frames.")
MARKET = Kind((Market,), "a Market", "reconcile.load_market(scenario) loads one.")
SCENARIO = Kind((Scenario,), "a Scenario", "reconcile.find_scenario(name) finds one, by name or file.")
TABLES = Kind((Mapping,), "a dict of tables", 'Give a dict, such as {"fills": frame} or {"market": {...}}.')
FLAG = Kind((bool,), "True or False", "Give a bool.")
WHOLE = Kind((Integral,), "a whole number", "Give an int.")
COUNT = Kind((Integral,), "a whole number of at least 1", "Give an int from 1 on.", least=1)
SECONDS = Kind((Real,), "a number of seconds, at least 1", "Give a number from 1 on.", least=1)
NAMES = Kind((Collection,), "a name or a list of names", "Give a str, or a list of them.", each=str)
SIZE = Kind((str, Integral), "a number of bytes, or a size", "Write it like 800MB or 2.5GB.")


def takes(**kinds: Kind) -> Callable[[AnyFunction], AnyFunction]:
    """A decorator that raises InputError, naming the argument, where one is of another type.

    kinds: the arguments that are looked at. One whose default is None may be None.
    """

    def decorate(function: AnyFunction) -> AnyFunction:
        signature = inspect.signature(function)
        optional = {name for name, one in signature.parameters.items() if one.default is None}

        @functools.wraps(function)
        def checked(*arguments: Any, **named: Any) -> Any:
            for name, value in signature.bind_partial(*arguments, **named).arguments.items():
                kind = kinds.get(name)
                if kind is None or kind.fits(value) or (value is None and name in optional):
                    continue
                found = f"{printable(repr(value), 60)}, a {type(value).__qualname__}"
                raise InputError(name, found, kind.expected, kind.remedy)
            return function(*arguments, **named)

        return cast(AnyFunction, checked)

    return decorate
