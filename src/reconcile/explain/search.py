"""The search: by how far the first divergence moves.

Each round tries every hypothesis on a few bars around the first divergence, runs those that do best over the
whole market, and keeps the best one that moves the divergence later, or makes more of its bar agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from reconcile.explain.catalogue import BY_ID, PLACE, every_value
from reconcile.explain.evidence import Score, Target, disagreeing, score
from reconcile.explain.measure import exit_levels, measure
from reconcile.explain.nouns import Change, Hypothesis, Kind, Subject, Value
from reconcile.explain.worlds import Changes, Worlds
from vocabulary.errors import TieoutError
from vocabulary.ledger import Ledger
from vocabulary.state import Side

AFTER = 2
"""Cycles from the first divergence on that a hypothesis is tried on."""
MOST = 5
"""Causes in a set."""
FULL_ENGINE, FULL_LOOP = 24, 4
"""How many of the best of a round are run over the whole market."""
NEAR = 20
"""Bars from the first divergence on that values are read off."""
LOSES = Score(-1, 0.0, -1, 0.0)
RANKING = ("selection", "feature_shifted", "feature_reversed", "feature_zero_filled", "feature_carried",
           "feature_misaligned", "prices_shifted", "prices_misaligned", "prices_carried")  # fmt: skip
BESIDE_RANKING = (*RANKING, "timing", "gate", "schedule", "cooldown", "sizing", "capital", "exit_unused",
                  "context_zero", "context_zero_filled", "context_carried", "context_shifted")  # fmt: skip
SIDES = (Side.BUY, Side.SELL)
ExitLevels = dict[tuple[str, str], tuple[int, ...]]


@dataclass(slots=True)
class Found:
    """Where a search has come to. rivals: by change, others that did as well when it was accepted. new: the
    change accepted last."""

    changes: Changes
    score: Score
    rivals: dict[Change, tuple[Change, ...]] = field(default_factory=dict)
    new: Change | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A set of changes with the one that is new in it, and how it does around the first divergence."""

    changes: Changes
    new: Change
    near: Score


def kind_of(change: Change) -> Kind:
    """Where a change acts. Settings of an order's side or symbol are settings still."""
    return BY_ID[hypothesis_of(change)].kind


def hypothesis_of(change: Change) -> str:
    return change.hypothesis


def ordered(changes: Iterable[Change]) -> Changes:
    """The order in which changes are applied: as listed in the catalogue, then as they begin."""
    return tuple(sorted(set(changes), key=lambda c: (PLACE[c.hypothesis], c.since, repr(c.value), repr(c))))


class Search:
    """One search for the causes of one ledger."""

    def __init__(self, subject: Subject, ledger: Ledger, target: Target, worlds: Worlds) -> None:
        self.subject, self.ledger, self.target, self.worlds = subject, ledger, target, worlds
        self.bars = len(subject.market.timestamps)
        self.end = self.bars + 3
        self._scores: dict[Changes, Score] = {}
        self._exits: ExitLevels | None = None

    def run(self) -> Found:
        """The smallest set that does best; empty when nothing helps."""
        found = Found((), self.full(()))
        while not self.done(found.score) and len(found.changes) < MOST:
            better = self._round(found) or self._pairs(found)
            if better is None:
                break
            found = better
        return self._pruned(found)

    def done(self, result: Score) -> bool:
        """Whether nothing differs."""
        return result.whole >= self.end

    def full(self, changes: Changes, at: int | None = None) -> Score:
        """The score over the whole market; where explain's own loop has to run, only as far as it agrees up
        to the cycle `at`."""
        if changes not in self._scores:
            self._scores[changes] = self._full(changes, at)
        return self._scores[changes]

    def _full(self, changes: Changes, at: int | None) -> Score:
        try:
            if not self.worlds.by_engine(changes):
                until = (at or 0) + AFTER
                while until < self.bars:
                    result = score(self.target, self.worlds.first_bars(changes, until), 0, until)
                    if min(result.lived, result.whole) < until:
                        return result
                    until *= 2
            return score(self.target, self.worlds.ledger(changes), 0, self.end)
        except TieoutError:
            return LOSES

    def _first(self, result: Score) -> int:
        """The cycle to look at: where what was done first differs, else what was reported."""
        return result.lived if result.lived < self.end else result.whole

    def near(self, changes: Changes, base: Changes, at: int, beats: Score | None = None) -> Score:
        """The score from cycle `at` on, from the state that `base` had when it was decided."""
        until = min(self.bars, at + AFTER)
        begin = at if self.target.axes.same_bar else max(0, at - 1)
        try:
            if begin == 0 or any(BY_ID[c.hypothesis].whole_run for c in changes if c not in base):
                return score(self.target, self.worlds.first_bars(changes, until), 0, until, beats)
            state = self.worlds.state(base, begin)
            return score(self.target, self.worlds.window(changes, state, until), at, until, beats)
        except TieoutError:
            return LOSES

    def _round(self, found: Found) -> Found | None:
        """The best single step from here, None when there is none."""
        at = min(self._first(found.score), self.bars - 1)
        before = self.near(found.changes, found.changes, at)
        proposals = list(self._proposals(found, at))
        quick = [each for each in proposals if not self._loops(each[0], found.changes)]
        best = self._best(found, self._tried(quick, found.changes, at, before), at)
        slow = [each for each in proposals if self._loops(each[0], found.changes)]
        if best is not None and self.done(best.score):
            # Nothing can do better; what does as well without further limits is still worth knowing.
            slow = [each for each in slow if not any(plainness(each[1])[:1])]
        return self._best(found, self._tried(slow, found.changes, at, before), at, best)

    def _loops(self, changes: Changes, base: Changes) -> bool:
        """Whether a proposal needs explain's own loop although what it adds to does not."""
        return any(
            kind_of(c) is Kind.LOOP
            or c.side is not None
            or (kind_of(c) is Kind.SCENARIO and c.symbols is not None)
            for c in changes
            if c not in base
        )

    def _rank(self, trial: Trial) -> tuple[object, ...]:
        near = trial.near
        return (*(-part for part in near), len(trial.changes), *plainness(trial.new))

    def _tried(
        self, proposals: Iterable[tuple[Changes, Change]], base: Changes, at: int, before: Score
    ) -> list[Trial]:
        """Proposals that do better than `before` from cycle `at` on, best first."""
        trials = (Trial(changes, new, self.near(changes, base, at, before)) for changes, new in proposals)
        return sorted((trial for trial in trials if trial.near > before), key=self._rank)

    def _best(
        self, found: Found, trials: Sequence[Trial], at: int, best: Found | None = None
    ) -> Found | None:
        """Runs the most promising over the whole market; the best of them that beats what there is."""
        chosen = self._promising(trials)
        results = [(self.full(trial.changes, at), trial) for trial in chosen]
        harmed = [
            trial for result, trial in results if min(result.lived, result.whole) < at <= trial.near.lived
        ]
        for trial in self._late_starts(found.changes, harmed, at):
            results.append((self.full(trial.changes, at), trial))
        results = [(result, trial) for result, trial in results if result > found.score]
        results.sort(key=lambda r: (*(-part for part in r[0]), len(r[1].changes), *plainness(r[1].new)))
        if best is not None and (not results or best.score >= results[0][0]):
            more = tuple(trial.new for result, trial in results if result == best.score)
            known = best.rivals
            if best.new is not None:
                known = {**known, best.new: (*known.get(best.new, ()), *more)}
            return replace(best, rivals=known)
        if not results:
            return None
        top, winner = results[0]
        rivals = tuple(trial.new for result, trial in results[1:] if result == top)
        return Found(winner.changes, top, {**found.rivals, winner.new: rivals}, winner.new)

    def _promising(self, trials: Sequence[Trial]) -> list[Trial]:
        engine = [t for t in trials if self.worlds.by_engine(t.changes)]
        loops = [t for t in trials if not self.worlds.by_engine(t.changes)]
        return engine[:FULL_ENGINE] + loops[:FULL_LOOP]

    def _late_starts(self, base: Changes, trials: Sequence[Trial], at: int) -> Iterator[Trial]:
        """What does well here but not before, from here on only."""
        for trial in trials[: 2 * FULL_LOOP]:
            if trial.new.since or trial.new in base or BY_ID[trial.new.hypothesis].id == "capital":
                continue
            for since in (at, at - 1):
                if since <= 0:
                    continue
                new = replace(trial.new, since=since)
                changes = ordered([*(c for c in trial.changes if c != trial.new), new])
                near = self.near(changes, base, at)
                if near.lived >= trial.near.lived:
                    yield Trial(changes, new, near)
                    break

    def _proposals(self, found: Found, at: int) -> Iterator[tuple[Changes, Change]]:
        """Sets one step away: a change more, one in place of another, or one with other limits."""
        base = found.changes
        begun = "equity" in self.target.tables and found.score.whole > 1
        symbols, sides = disagreeing(self.target, self.worlds.ledger(base), at)
        seen = {base}
        for change in self._changes(at, symbols, sides):
            if begun and change.hypothesis == "capital":
                continue  # what the account began with agrees
            options = [(*base, change)]
            options += [
                (*(c for c in base if c is not old), change) for old in base if _same_setting(old, change)
            ]
            for option in options:
                changes = ordered(option)
                if changes not in seen:
                    seen.add(changes)
                    yield changes, change
        for changes, new in self._refined(base, at, symbols):
            if changes not in seen:
                seen.add(changes)
                yield changes, new

    def _changes(self, at: int, symbols: Sequence[int], sides: Sequence[int]) -> Iterator[Change]:
        side = SIDES[sides[0]] if len(sides) == 1 and sides[0] < 2 else None
        some = [s for s in symbols if s < len(self.subject.market.symbols)]
        groups = [(s,) for s in some[:3]] + ([tuple(some)] if 1 < len(some) <= 6 else [])
        for hypothesis, value in self._values(at):
            yield Change(hypothesis.id, value)
            if hypothesis.by_side and side is not None:
                yield Change(hypothesis.id, value, side=side)
            if hypothesis.by_symbol:
                for group in groups:
                    yield Change(hypothesis.id, value, symbols=group)
            if hypothesis.kind is Kind.LOOP and not hypothesis.whole_run:
                yield from self._once(hypothesis, value, at, groups, side)

    def _once(
        self,
        hypothesis: Hypothesis,
        value: Value,
        at: int,
        groups: Sequence[tuple[int, ...]],
        side: Side | None,
    ) -> Iterator[Change]:
        """At one bar only: what happened once."""
        for since in (at, at - 1):
            if since < 0 or (since == at) == (hypothesis.id in DECIDED):
                continue
            yield Change(hypothesis.id, value, since, since + 1)
            if hypothesis.by_symbol:
                for group in groups:
                    yield Change(hypothesis.id, value, since, since + 1, group)

    def _values(self, at: int) -> list[tuple[Hypothesis, Value]]:
        """The catalogue, with values read off near the divergence, and from there to the end."""
        out: dict[tuple[str, Value], tuple[Hypothesis, Value]] = {}
        if self._exits is None:
            self._exits = exit_levels(self.subject, self.target)
        for stop in (min(at + NEAR, self.end), self.end):
            found = measure(self.subject, self.ledger, self.target, at, stop, self._exits)
            for hypothesis, value in every_value(self.subject, found):
                out.setdefault((hypothesis.id, value), (hypothesis, value))
        return list(out.values())

    def _refined(self, base: Changes, at: int, symbols: Sequence[int]) -> Iterator[tuple[Changes, Change]]:
        for old in base:
            others = [change for change in base if change is not old]
            if old.until is None:
                for until in (at, at - 1):
                    if until > old.since:
                        new = replace(old, until=until)
                        yield ordered([*others, new]), new
            if old.symbols is not None:
                for s in symbols[:3]:
                    new = replace(old, symbols=tuple(sorted({*old.symbols, s})))
                    yield ordered([*others, new]), new

    def _pairs(self, found: Found) -> Found | None:
        """Two changes at once, where one alone leaves nothing to agree on."""
        if found.score.lived_share > 0.9:
            return None
        at = min(self._first(found.score), self.bars - 1)
        values = self._values(at)
        firsts = [Change(h.id, v) for h, v in values if h.id in RANKING]
        seconds = [Change(h.id, v) for h, v in values if h.id in BESIDE_RANKING]
        before = self.near(found.changes, found.changes, at)
        trials = []
        for a, b in dict.fromkeys(frozenset(p) for p in pairs_of(firsts, seconds) if p[0] != p[1]):
            if _same_setting(a, b):
                continue
            changes = ordered((*found.changes, a, b))
            near = self.near(changes, found.changes, at, before)
            if near > before:
                trials.append(Trial(changes, a, near))
        return self._best(found, sorted(trials, key=self._rank), at)

    def _pruned(self, found: Found) -> Found:
        """No part of the set does as well."""
        changes = found.changes
        for size in range(len(changes)):
            for part in combinations(changes, size):
                if self.full(part) >= found.score:
                    return Found(part, self.full(part), found.rivals)
        return found


DECIDED = ("lot", "exit_unsent", "order_lost", "order_late")
"""Loop changes that act at the bar of the decision."""


def pairs_of(firsts: Sequence[Change], seconds: Sequence[Change]) -> Iterator[tuple[Change, Change]]:
    return ((a, b) for a in firsts for b in seconds)


def _same_setting(a: Change, b: Change) -> bool:
    """Whether two changes are about one setting or datum, so that one may stand in the other's place."""
    if a.hypothesis != b.hypothesis:
        return False
    if isinstance(a.value, tuple) and isinstance(b.value, tuple) and kind_of(a) is Kind.SCENARIO:
        return bool(a.value[0] == b.value[0])
    return True


def plainness(change: Change) -> tuple[object, ...]:
    """Sorts the plainer of two changes first: fewer limits, then the catalogue's order."""
    limits = (change.since > 0) + (change.until is not None) + (change.symbols is not None)
    return (limits + (change.side is not None), PLACE[change.hypothesis])
