"""The two programs where a strategy's function is: in this process, or in the one that holds the function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from vocabulary.scenario import CallableStrategy

if TYPE_CHECKING:
    from reference.results import Decision
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario
    from vocabulary.state import State

Progress = Callable[[int], None]
Fired = Mapping[int, str]
"""The exits of a bar: symbol -> reason."""


class Elsewhere(ABC):
    """A strategy's function that is in another process: a program that needs it runs there as a whole."""

    def __call__(self, view: Any) -> NoReturn:
        raise AssertionError("this function runs in a process of its own; see reconcile.scenario.programs")

    @abstractmethod
    def run(
        self, program: str, scenario: Scenario, market: Market, progress: Progress | None
    ) -> tuple[Ledger, float]:
        """The ledger of `engine` or `reference`, and the seconds of the run alone."""

    @abstractmethod
    def is_compiled(self, scenario: Scenario, market: Market) -> bool:
        """Whether the engine has the compiled code that a run needs already."""

    @abstractmethod
    def resume(self, scenario: Scenario, market: Market, state: State, until: int) -> tuple[Ledger, State]:
        """The engine from a state up to a bar."""

    @abstractmethod
    def decide(
        self, scenario: Scenario, state: State, market: Market, t: int, fired: Fired | None = None
    ) -> Decision:
        """The reference's decision at a bar. fired: as for `reference.decide`."""


def elsewhere(scenario: Scenario) -> Elsewhere | None:
    """The function of a scenario's strategy where another process holds it, else None."""
    selection = scenario.strategy.selection
    if isinstance(selection, CallableStrategy) and isinstance(selection.call, Elsewhere):
        return selection.call
    return None


def run_reference(scenario: Scenario, market: Market, progress: Progress | None = None) -> Ledger:
    """`reference.run`."""
    from reconcile.own_packages import own_package

    place = elsewhere(scenario)
    if place is not None:
        return place.run("reference", scenario, market, progress)[0]
    made: Ledger = own_package("reference").run(scenario, market, progress)
    return made


def resume_engine(scenario: Scenario, market: Market, state: State, until: int) -> tuple[Ledger, State]:
    """`engine.resume`."""
    from reconcile.own_packages import own_package

    place = elsewhere(scenario)
    if place is not None:
        return place.resume(scenario, market, state, until)
    made: tuple[Ledger, State] = own_package("engine").resume(scenario, market, state, until)
    return made


def is_compiled(scenario: Scenario, state: State) -> bool:
    """`engine.is_compiled`; not for a strategy's function that another process holds."""
    from reconcile.own_packages import own_package

    return bool(own_package("engine").is_compiled(scenario, state))


def resume_reference(scenario: Scenario, market: Market, state: State, until: int) -> tuple[Ledger, State]:
    """`reference.resume`; not for a strategy's function that another process holds."""
    from reconcile.own_packages import own_package

    made: tuple[Ledger, State] = own_package("reference").resume(scenario, market, state, until)
    return made


def decide(scenario: Scenario, state: State, market: Market, t: int, fired: Fired | None = None) -> Decision:
    """`reference.decide`."""
    from reconcile.own_packages import own_package

    place = elsewhere(scenario)
    if place is not None:
        return place.decide(scenario, state, market, t, fired)
    made: Decision = own_package("reference").decide(scenario, state, market, t, fired)
    return made
