"""`explain`: from two ledgers that differ to the smallest set of causes under which they do not."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from reconcile.comparing.compare import compare
from reconcile.comparing.idle import idle_market
from reconcile.comparing.proposals import proposed
from reconcile.comparing.tolerances import tolerance_toml
from reconcile.comparing.wording import pattern_text
from reconcile.explaining.bridge import bridge, final_equity
from reconcile.explaining.confirm import confirmed
from reconcile.explaining.counterfactuals import Counterfactuals
from reconcile.explaining.evidence import Target, overlap_notes, target_of
from reconcile.explaining.hypotheses.catalogue import CATALOGUE, Catalogue
from reconcile.explaining.hypotheses.sizing import initial_cash
from reconcile.explaining.leads import leads
from reconcile.explaining.minimise import smallest
from reconcile.explaining.model import (
    Bridge,
    Cause,
    Change,
    Changes,
    Explanation,
    Lead,
    RootGroup,
    Subject,
    Verdict,
)
from reconcile.explaining.root_groups import root_groups
from reconcile.explaining.search import Found, Search
from reconcile.matching.model import Beside, Reconciliation, Tolerance
from reconcile.matching.model import Verdict as Compared
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

Say = Callable[[str], None]
MOST_RIVALS = 6


def explain(
    scenario: Scenario,
    market: Market,
    candidate: Ledger,
    *,
    tolerances: Sequence[Tolerance] = (),
    say: Say = lambda _: None,
    catalogue: Catalogue = CATALOGUE,
    beside: Beside | None = None,
) -> Explanation:
    """The causes under which a scenario over a market gives the candidate's ledger.

    tolerances: bounds for a foreign ledger, as `compare` takes them. say: called with a few words on what is
    being done. catalogue: the hypotheses tried. beside: what the candidate's source holds besides its ledger;
    a part of it that was not read forbids "no breaks". Every cause named was verified by a run.
    Raises TieoutError where the ledgers cannot be compared.
    """
    began = time.perf_counter()
    subject = Subject(scenario, market)
    runs = Counterfactuals(subject)
    runs.told = lambda changes: say(_tried(subject, changes, runs.runs))
    say("running the scenario as stated")
    first = _against(runs, (), candidate, tolerances, beside)
    target = target_of(candidate, scenario, market, tolerances)
    search = Search(candidate, target, runs, catalogue)
    found = Found((), search.full(()))
    if first.verdict is Compared.BREAKS:
        say("looking for causes")
        found = smallest(search, search.run())
        if found.changes:
            say("testing causes cycle by cycle")
            rest = _against(runs, found.changes, candidate, tolerances)
            # Rows at no bar of the market are breaks that no run can give, and no evidence against a cause.
            found = _kept(search, found, not rest.breaks or search.matches(found.score))
    say("adding up")
    rest = first if not found.changes else _against(runs, found.changes, candidate, tolerances)
    left = len(rest.breaks)
    causes = _causes(search, found, len(first.breaks), left, tolerances)
    verdict = _verdict(first, causes, left)
    bases = _bases(subject, candidate, target)
    bridged = _bridge(search, found.changes, causes, bases, target)
    roots: tuple[RootGroup, ...] = ()
    borne_out: tuple[Lead, ...] = ()
    next_divergence: tuple[int, str] | None = None
    if verdict in (Verdict.PARTLY, Verdict.UNEXPLAINED):
        if not search.matches(found.score):
            say("looking for leads")
            borne_out, next_divergence = _leads(search, found.changes)
        say("telling roots from consequences")
        roots = _roots(search, found.changes, candidate, rest, tolerances)
    return Explanation(
        verdict=verdict,
        causes=causes,
        breaks=len(first.breaks),
        unexplained_breaks=left,
        bridge=bridged,
        roots=roots,
        runs=runs.runs,
        seconds=time.perf_counter() - began,
        reference_return=_return(final_equity(_predicted(search, ())), bases[0]),
        candidate_return=_return(final_equity(target), bases[1]),
        leads=borne_out,
        next_divergence=next_divergence,
        notes=(*overlap_notes(candidate, market), *first.notes, *_idle_notes(first, scenario, market)),
        idle=bool(first.idle),
        patterns=_patterns(rest, market),
        proposals=tuple((tolerance_toml(one.tolerance), one.absorbed) for one in proposed(rest)),
        noise=max((one.largest for one in first.noise), default=None),
    )


def _tried(subject: Subject, changes: Changes, runs: int) -> str:
    """What a run tries, in words, for who waits."""
    what = "; ".join(_sentence(subject, change) for change in changes) or "the scenario as stated"
    return f"{runs:,} runs, trying: {what}"


def _patterns(rest: Reconciliation, market: Market) -> tuple[str, ...]:
    """The constant patterns in what remains, in words."""
    from reconcile.text.times import stamp

    return tuple(pattern_text(one, lambda at: stamp(market, at) or "-") for one in rest.patterns)


def _idle_notes(first: Reconciliation, scenario: Scenario, market: Market) -> tuple[str, ...]:
    """Why nothing happened, where nothing did."""
    return idle_market(scenario, market) if first.idle else ()


def _against(
    runs: Counterfactuals,
    changes: Changes,
    candidate: Ledger,
    tolerances: Sequence[Tolerance],
    beside: Beside | None = None,
) -> Reconciliation:
    """The candidate compared with the ledger that some changes give."""
    sides = (Beside(), beside or Beside())
    return compare(runs.ledger(changes), candidate, tolerances=tolerances or None, beside=sides)


def _kept(search: Search, found: Found, whole: bool) -> Found:
    """The part of a set that holds cycle by cycle. whole: the set accounts for every break."""
    changes = confirmed(search, found.changes, whole)
    return Found(changes, search.full(changes), found.rivals)


def _verdict(first: Reconciliation, causes: Sequence[Cause], left: int) -> Verdict:
    if first.verdict is Compared.MATCHED:
        return Verdict.NO_BREAKS
    if first.verdict is not Compared.BREAKS:
        return Verdict.CANNOT_TELL
    if not causes:
        return Verdict.UNEXPLAINED
    return Verdict.PARTLY if left else Verdict.EXPLAINED


def _causes(
    search: Search, found: Found, breaks: int, left: int, tolerances: Sequence[Tolerance]
) -> tuple[Cause, ...]:
    """A cause per change: its words, the breaks that come back without it, and its alternatives."""
    out = []
    for change in found.changes:
        others = tuple(other for other in found.changes if other != change)
        without = breaks
        if others:
            without = len(_against(search.runs, others, search.ledger, tolerances).breaks)
        rivals = {_sentence(search.subject, each): each for each in _rivals(search, found, change, others)}
        out.append(_cause(search.subject, change, min(breaks, max(0, without - left)), rivals))
    return tuple(out)


def _rivals(search: Search, found: Found, change: Change, others: Changes) -> list[Change]:
    """Changes that do exactly as well in its place."""
    out = []
    for rival in found.rivals.get(change, ())[:MOST_RIVALS]:
        changes = search.catalogue.ordered([*others, rival])
        if changes != found.changes and search.full(changes) == found.score:
            out.append(rival)
    return out


def _cause(subject: Subject, change: Change, breaks: int, rivals: dict[str, Change]) -> Cause:
    worded = change.hypothesis.say(subject, change.value)
    stamps = subject.market.timestamps
    symbols = None if change.symbols is None else tuple(subject.market.symbols[s] for s in change.symbols)
    return Cause(
        change=change,
        sentence=_sentence(subject, change),
        what=worded.what,
        reference=worded.reference,
        candidate=worded.candidate,
        since=int(stamps[change.since]) if change.since else None,
        until=None if change.until is None or change.until >= len(stamps) else int(stamps[change.until]),
        symbols=symbols,
        breaks_explained=breaks,
        alternatives=tuple(rivals),
        rivals=tuple(rivals.values()),
    )


def _sentence(subject: Subject, change: Change) -> str:
    """A change in one sentence, its limits included."""
    from reconcile.text.times import day

    market = subject.market
    text = change.hypothesis.say(subject, change.value).sentence
    if change.side is not None:
        text += f" on {change.side.value}s"
    if change.symbols is not None:
        names = [market.symbols[s] for s in change.symbols]
        text += f", for {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''} only"
    ends = change.until is not None and change.until < len(market.timestamps)
    if ends and change.until == change.since + 1:
        return f"{text}, on {day(market, int(market.timestamps[change.since]))} only"
    if change.since:
        text += f", from {day(market, int(market.timestamps[change.since]))} on"
    if ends and change.until is not None:
        text += f", until {day(market, int(market.timestamps[change.until - 1]))}"
    return text


def _leads(search: Search, changes: Changes) -> tuple[tuple[Lead, ...], tuple[int, str] | None]:
    """The leads with their words, and the next divergence by its timestamp and symbol."""
    found, first = leads(search, changes)
    worded = tuple(replace(lead, sentence=_sentence(search.subject, lead.change)) for lead in found)
    market = search.subject.market
    if first is None or first[0] >= len(market.timestamps) or first[1] >= len(market.symbols):
        return worded, None
    return worded, (int(market.timestamps[first[0]]), market.symbols[first[1]])


def _predicted(search: Search, changes: Changes) -> Target:
    """The ledger that some changes give, as the bridge reads it."""
    return target_of(search.runs.ledger(changes), search.subject.scenario, search.subject.market)


def _bases(subject: Subject, candidate: Ledger, target: Target) -> tuple[int, int]:
    """What each side's return is measured against: what its manifest claims it began with."""
    own = candidate.manifest
    ours = subject.scenario
    known = own.initial_cash is not None and (own.price_decimals, own.quantity_decimals) == (
        ours.market.price_decimals,
        ours.market.quantity_decimals,
    )
    claimed = own.initial_cash if known else initial_cash(target, candidate)
    return ours.initial_cash, ours.initial_cash if claimed is None else claimed


def _bridge(
    search: Search, changes: Changes, causes: Sequence[Cause], bases: tuple[int, int], target: Target
) -> Bridge | None:
    steps = []
    for count, cause in enumerate(causes, start=1):
        equity = final_equity(_predicted(search, changes[:count]))
        if equity is None:
            return None
        steps.append((cause.sentence, equity))
    began = initial_cash(target, search.ledger)
    return bridge(
        search.subject, _predicted(search, ()), target, steps, bases, bases[1] if began is None else began
    )


def _roots(
    search: Search,
    changes: Changes,
    candidate: Ledger,
    rest: Reconciliation,
    tolerances: Sequence[Tolerance],
) -> tuple[RootGroup, ...]:
    """The roots of what remains under the causes found."""
    prepared = search.runs.prepared(changes)
    if not prepared.by_engine or len(prepared.spans) > 1:
        return root_groups(search.subject, rest)
    again = compare(
        search.runs.ledger(changes),
        candidate,
        scenario=prepared.scenario,
        market=prepared.market,
        tolerances=tolerances or None,
    )
    return root_groups(search.subject, again)


def _return(final: int | None, base: int) -> Decimal | None:
    """final / base - 1, to 12 places."""
    if final is None or base <= 0:
        return None
    places = 12
    return Decimal(round((Fraction(final, base) - 1) * 10**places)).scaleb(-places)
