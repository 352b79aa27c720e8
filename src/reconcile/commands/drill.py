"""`reconcile drill`: plant faults on purpose, and score how well they are found."""

from __future__ import annotations

import click

from reconcile.commands.display import watching
from reconcile.commands.options import Form, form_options
from reconcile.commands.process import print_answer
from reconcile.commands.shared import answer


@click.command(epilog="Example:  reconcile drill --sample 10")
@click.option(
    "--sample",
    metavar="N",
    type=click.IntRange(min=1),
    help="Plant only N of the faults: the same ones each time.",
)
@click.option("--only", metavar="NAME", multiple=True, help="Plant only this fault; repeatable.")
@click.option("--pairs", is_flag=True, help="Also plant faults in pairs.")
@click.option(
    "--grounds",
    is_flag=True,
    help="Also plant faults that no hypothesis describes on other scenarios, and run some without a fault.",
)
@click.option("--list", "listing", is_flag=True, help="Print the names of the faults, and end.")
@form_options
def drill(
    sample: int | None,
    only: tuple[str, ...],
    pairs: bool,
    grounds: bool,
    listing: bool,
    form: Form,
) -> int:
    """Plant faults in copies of the engine, in its inputs and in its ledger, and score what is found.

    A fault is detected when the comparison sees breaks, located when the first divergence is the right bar,
    stage and symbol, and explained when `reconcile explain` names its cause and no other. Faults that no
    hypothesis describes must come out unexplained. The expected answer is written down with each fault.

    Exits 0 when the aims are met, 1 when one is missed, 2 when a fault could not be planted or
    changes nothing where it was.
    """
    form.check()
    if listing:
        from reconcile.drilling.candidates import BY_NAME

        print_answer("\n".join(BY_NAME))
        return 0
    from reconcile.api.gate import drill as plant_faults

    result = plant_faults(sample=sample, only=only, pairs=pairs, grounds=grounds, watch=watching())
    return answer(result, form)
