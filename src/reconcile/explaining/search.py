"""The search for the causes: a step is good when the first divergence moves to a later bar.

Each round tries every hypothesis on a few bars around the first divergence. Those that do best are run over
the whole market. The one is kept that moves the divergence furthest, or else makes most of its bar agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from reconcile.explaining.counterfactuals import Counterfactuals
from reconcile.explaining.evidence import Target
from reconcile.explaining.hypotheses.catalogue import CATALOGUE, Catalogue, same_object
from reconcile.explaining.hypotheses.sizing_base import SIZING_BASE
from reconcile.explaining.model import Acts, Change, Changes, Ranking
from reconcile.explaining.proposals import Proposals
from reconcile.explaining.scoring import Gauge, Score, View, contradicted, needs_loop, overlap
from vocabulary.ledger import Ledger

MOST = 5
"""Causes in a set."""
ROUNDS = 12
"""Steps of one walk; each adds, replaces or limits a cause."""
WALKS = 5
"""Walks from different starts: where the first choices lead nowhere, second choices are tried."""
TRIALS = 4_000
"""Trials after which no other walk is begun, and no more pairs are tried."""
ELSEWHERE, FURTHER = 6_000_000, 9_000_000
"""Events run after which no other walk is begun and no more pairs are tried, and after which a walk ends: a
ledger with nothing in it that can be named is given up. Two million take a few seconds."""
FULL_ENGINE, FULL_LOOP = 24, 6
"""How many of the best of a round are run over the whole market."""
ALIKE = 0.75
"""Where both sides choose a smaller share of symbols in common than this, two changes are tried at once."""


@dataclass(slots=True)
class Found:
    """A set of changes that a walk has reached.

    rivals: by change, the others that did as well when it was accepted. new: the change accepted last.
    passed: sets with other hypotheses that were tried and not taken, best first.
    """

    changes: Changes
    score: Score
    rivals: dict[Change, tuple[Change, ...]] = field(default_factory=dict)
    new: Change | None = None
    passed: tuple[Changes, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """A set of changes, the one that is new in it, and its score around the first divergence."""

    changes: Changes
    new: Change
    near: Score


@dataclass(frozen=True, slots=True)
class SearchRound:
    """What a round starts from.

    found: the set so far. view, at: the divergence looked at, and its cycle. near: the score of the set
    around it. plainness: sorts the plainer of two changes first.
    """

    found: Found
    view: View
    at: int
    near: Score
    plainness: Callable[[Change], tuple[int, ...]]

    def better(self, result: Score) -> bool:
        """Whether a whole run scores better than the set so far."""
        return self.view.of(result) > self.view.of(self.found.score)

    def rank(self, result: Score, trial: Trial) -> tuple[float, ...]:
        """Sorts the better first, then the smaller set, then the plainer change."""
        return (*(-part for part in self.view.of(result)), len(trial.changes), *self.plainness(trial.new))


class Search:
    """One search for the causes of one ledger."""

    def __init__(
        self,
        ledger: Ledger,
        target: Target,
        runs: Counterfactuals,
        catalogue: Catalogue = CATALOGUE,
    ) -> None:
        self.subject, self.ledger, self.target, self.runs = runs.subject, ledger, target, runs
        self.catalogue = catalogue
        self.gauge = Gauge(target, runs)
        self.full, self.matches = self.gauge.full, self.gauge.matches
        self.proposals = Proposals(self.subject, ledger, target, catalogue)
        self._trials = 0
        self._visited: set[Changes] = set()

    def run(self) -> Found:
        """The set that does best; empty when nothing helps."""
        best = self._walk(Found((), self.full(())))
        for start in self._elsewhere(best):
            if self.matches(best.score) or self._weary():
                break
            other = self._walk(start)
            if other.score > best.score:
                best = other
        return best

    def _walk(self, found: Found) -> Found:
        """Rounds, until none gains anything."""
        for _ in range(ROUNDS):
            done = self.matches(found.score) or len(found.changes) >= MOST
            if done or found.changes in self._visited or self.runs.events > FURTHER:
                break
            self._visited.add(found.changes)
            better = self._step(found)
            if better is None:
                break
            found = better
        return found

    def _weary(self) -> bool:
        """Whether enough was tried to begin nothing new."""
        return self._trials > TRIALS or self.runs.events > ELSEWHERE

    def _elsewhere(self, best: Found) -> Iterator[Found]:
        """Where to walk from instead: the sets that were passed over."""
        for changes in best.passed[: WALKS - 1]:
            yield Found(changes, self.full(changes))

    def _step(self, found: Found) -> Found | None:
        """The best single step. A divergence in the books that comes before any in the trades has
        precedence."""
        in_all = None
        if found.score.whole < found.score.trades:
            in_all = self._round(found, View.ALL)
            if (
                in_all
                and in_all.score.whole > found.score.whole
                and in_all.score.trades >= found.score.trades
            ):
                return in_all
        in_trades = self._round(found, View.TRADES) if found.score.trades < self.gauge.end else None
        best = in_trades or in_all
        if not self._weary() and self._too_few_in_common(found, best):
            pair = self._pairs(found)
            if pair is not None and (best is None or pair.score > best.score):
                return pair
        return best

    def _too_few_in_common(self, found: Found, best: Found | None) -> bool:
        """Whether after the best step both sides still choose too few symbols in common at the divergence.
        Then two changes of the ranking may hide each other, and are tried as a pair."""
        at = found.score.trades
        if at >= self.gauge.bars or (best is not None and best.score.trades > at):
            return False
        changes = found.changes if best is None else best.changes
        return overlap(self.target, self.runs.first_bars(changes, min(at + 1, self.gauge.bars)), at) < ALIKE

    def _look(self, found: Found, view: View) -> SearchRound:
        at = min(view.first(found.score), self.gauge.bars - 1)
        near = self.gauge.near(found.changes, found.changes, at)
        return SearchRound(found, view, at, near, self.catalogue.plainness)

    def _round(self, found: Found, view: View) -> Found | None:
        """The best step at one divergence, None when there is none."""
        look = self._look(found, view)
        begun = "equity" in self.target.tables and found.score.whole > 1
        predicted = self.runs.ledger(found.changes)
        proposals = list(self.proposals.around(found.changes, predicted, look.at, begun))
        idle = self._contradicted(look, predicted)
        likely = [each for each in proposals if each[1].hypothesis.acts is not idle]
        best = self._best_of(look, likely)
        if best is None and len(likely) < len(proposals):
            best = self._best_of(look, [each for each in proposals if each[1].hypothesis.acts is idle])
        return best

    def _contradicted(self, look: SearchRound, predicted: Ledger) -> Acts | None:
        """What the divergence cannot come from; it is tried last."""
        found = look.found
        sized_net = any(change.hypothesis is SIZING_BASE for change in found.changes)
        if sized_net or min(found.score.whole, found.score.trades) < look.at:
            return None
        return contradicted(self.target, self.subject.scenario, predicted, look.at)

    def _best_of(self, look: SearchRound, proposals: Sequence[tuple[Changes, Change]]) -> Found | None:
        """The best of some proposals: what the engine can run first, then what takes the loop."""
        base = look.found.changes
        quick = [each for each in proposals if not needs_loop(each[0], base)]
        best = self._best(look, self._tried(look, quick))
        slow = [each for each in proposals if needs_loop(each[0], base)]
        if best is not None and self.matches(best.score):
            # Nothing can do better, but a change without limits that does as well is worth telling.
            slow = [each for each in slow if not self.catalogue.plainness(each[1])[0]]
        return self._best(look, self._tried(look, slow), best)

    def _tried(self, look: SearchRound, proposals: Iterable[tuple[Changes, Change]]) -> list[Trial]:
        """Proposals that do better around the divergence than what is found, best first."""
        proposals = list(proposals)
        self._trials += len(proposals)
        base, before, view = look.found.changes, look.near, look.view
        beats = before if view is View.TRADES else None
        trials = (
            Trial(changes, new, self.gauge.near(changes, base, look.at, beats)) for changes, new in proposals
        )
        kept = (trial for trial in trials if view.of(trial.near) > view.of(before))
        return sorted(kept, key=lambda trial: look.rank(trial.near, trial))

    def _best(self, look: SearchRound, trials: Sequence[Trial], best: Found | None = None) -> Found | None:
        """Runs the most promising over the whole market; the best of them that beats what there is."""
        results = [(self.full(trial.changes, look.at), trial) for trial in self._promising(trials)]
        harmed = [trial for result, trial in results if result.whole < look.at <= trial.near.trades]
        for trial in self._late_starts(look, harmed):
            results.append((self.full(trial.changes, look.at), trial))
        results = [(result, trial) for result, trial in results if look.better(result)]
        results.sort(key=lambda each: look.rank(*each))
        of = look.view.of
        if best is not None and (not results or of(best.score) >= of(results[0][0])):
            more = tuple(trial.new for result, trial in results if result == best.score)
            known = best.rivals
            if best.new is not None:
                known = {**known, best.new: (*known.get(best.new, ()), *more)}
            more_passed = dict.fromkeys((*best.passed, *(trial.changes for _, trial in results[:1])))
            return replace(best, rivals=known, passed=tuple(more_passed))
        if not results:
            return None
        top, winner = results[0]
        rivals = tuple(trial.new for result, trial in results[1:] if result == top)
        found = look.found
        left = () if best is None else (best.changes, *best.passed)
        passed = tuple(dict.fromkeys((*left, *found.passed, *self._passed(look, results))))
        return Found(winner.changes, top, {**found.rivals, winner.new: rivals}, winner.new, passed)

    def _passed(self, look: SearchRound, results: Sequence[tuple[Score, Trial]]) -> Iterator[Changes]:
        """The best set of each other hypothesis that moved the divergence as far."""
        seen = {results[0][1].new.hypothesis}
        for result, trial in results:
            if trial.new.hypothesis in seen or look.view.first(result) < look.view.first(results[0][0]):
                continue
            seen.add(trial.new.hypothesis)
            yield trial.changes

    def _promising(self, trials: Sequence[Trial]) -> list[Trial]:
        engine = [t for t in trials if self.runs.by_engine(t.changes)]
        loops = [t for t in trials if not self.runs.by_engine(t.changes)]
        return engine[:FULL_ENGINE] + loops[:FULL_LOOP]

    def _late_starts(self, look: SearchRound, trials: Sequence[Trial]) -> Iterator[Trial]:
        """Changes that do well at the divergence but do harm before it, limited to begin there."""
        base, at = look.found.changes, look.at
        for trial in trials[: 2 * FULL_LOOP]:
            if trial.new.since or trial.new in base or trial.new.hypothesis.at_start:
                continue
            for since in (at, at - 1):
                if since <= 0:
                    continue
                new = replace(trial.new, since=since)
                changes = self.catalogue.ordered([*(c for c in trial.changes if c != trial.new), new])
                near = self.gauge.near(changes, base, at)
                if near.trades >= trial.near.trades:
                    yield Trial(changes, new, near)
                    break

    def _pairs(self, found: Found) -> Found | None:
        """Two changes at once, where neither alone leaves any symbols in common."""
        look = self._look(found, View.TRADES)
        values = self.proposals.values(look.at)
        firsts = [Change(h, v) for h, v in values if h.ranking is Ranking.CHANGES]
        seconds = [Change(h, v) for h, v in values if h.ranking is not Ranking.APART]
        ordered = self.catalogue.ordered
        both = dict.fromkeys(ordered(pair) for pair in product(firsts, seconds) if not same_object(*pair))
        proposals = [(ordered((*found.changes, *pair)), pair[0]) for pair in both]
        return self._best(look, self._tried(look, proposals))
