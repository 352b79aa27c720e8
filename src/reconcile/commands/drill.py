"""`reconcile drill`: plant faults on purpose, and score how well they are found."""

from __future__ import annotations

from collections.abc import Callable

import click

from reconcile.commands.options import json_option
from reconcile.commands.process import print_answer, print_message
from reconcile.commands.shared import watching

EVERY = 50


@click.command(epilog="Example:  reconcile drill --sample 10")
@click.option("--sample", metavar="N", type=click.IntRange(min=1), help="Only N candidates, always the same.")
@click.option("--only", metavar="NAME", multiple=True, help="Only candidates with this fault; repeatable.")
@click.option("--pairs", is_flag=True, help="Faults in pairs, too.")
@click.option(
    "--grounds", is_flag=True, help="Faults that no hypothesis says on other grounds, and none at all, too."
)
@click.option("--list", "listing", is_flag=True, help="Print the faults' names and end.")
@json_option
def drill(
    sample: int | None,
    only: tuple[str, ...],
    pairs: bool,
    grounds: bool,
    listing: bool,
    as_json: bool,
) -> int:
    """Plant faults in copies of the engine, in its inputs and in its ledger, and score what is found.

    A fault is detected when the comparison sees breaks, located when the first divergence is the right bar,
    stage and symbol, and explained when `reconcile explain` names its cause and no other. Faults that no
    hypothesis says must come out unexplained. The expected answer is written down with each fault.

    Exits 0 when the aims are met, 1 when one is missed, 2 when a fault could not be planted or
    changes nothing where it was.
    """
    from reconcile.drilling import candidates as planned
    from reconcile.drilling.candidates import BY_NAME
    from reconcile.drilling.drill import run
    from reconcile.drilling.drill_json import drill_json
    from reconcile.drilling.drill_page import drill_page
    from reconcile.drilling.judging import aims
    from reconcile.running.progress import Phase

    if listing:
        print_answer("\n".join(BY_NAME))
        return 0
    chosen = [*planned.alone(), *(planned.pairs() if pairs else ())]
    if grounds:
        chosen += [*planned.elsewhere(), *planned.clean()]
    if only:
        chosen = planned.named(only, chosen)
    if sample is not None:
        chosen = planned.sampled(sample, chosen)
    with watching()(Phase.DRILLING, len(chosen)) as drawn:
        found = run(chosen, progress=drawn or _told_of(len(chosen)))
    print_answer(drill_json(found) if as_json else drill_page(found))
    if found.traceless or not found.findings:
        return 2
    return 0 if all(aim.met for aim in aims(found)) else 1


def _told_of(total: int) -> Callable[[int], None]:
    """Progress without a terminal: a line on stderr for every fifty candidates."""
    told = 0

    def progress(done: int) -> None:
        nonlocal told
        if done // EVERY > told:
            told = done // EVERY
            print_message(f"planted and judged {done:,} of {total:,}")

    return progress
