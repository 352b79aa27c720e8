"""`reconcile diff`: where do two ledgers first differ?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconcile.commands.options import (
    Ground,
    data_option,
    json_option,
    mapping_option,
    option_group,
    tolerance_option,
)
from reconcile.commands.process import print_answer
from reconcile.commands.shared import watching

if TYPE_CHECKING:
    from reconcile.comparing.filters import Filters

STAGES = [
    "target",
    "order",
    "status",
    "quantity",
    "price",
    "cost",
    "flow",
    "position",
    "mark",
    "cash",
    "equity",
]
TYPES = [*["missing", "extra", "duplicate", "timing"], *STAGES]
EPILOG = "Example:  reconcile diff results/reference results/candidate"


@dataclass(frozen=True, slots=True)
class Sources:
    """How the two ledgers are read, and which of their tables are compared; None if not given."""

    tolerance: str | None
    mapping: str | None
    reference_mapping: str | None
    tables: str | None
    first: bool

    def names(self) -> list[str] | None:
        """The tables to compare, None for all."""
        return None if self.tables is None else [name.strip() for name in self.tables.split(",")]


@dataclass(frozen=True, slots=True)
class Shown:
    """The breaks that are shown."""

    date: str | None
    symbols: tuple[str, ...]
    stages: tuple[str, ...]
    types: tuple[str, ...]

    def filters(self, zone: str | None) -> Filters:
        """The filters. zone: the time zone of the days, None if they have none."""
        from reconcile.comparing.filters import filters_from

        return filters_from(self.date, self.symbols, self.stages, self.types, zone)


@dataclass(frozen=True, slots=True)
class Output:
    """The form of the answer, and the files to write with it; None if not given."""

    csv_file: str | None
    summary_file: str | None
    as_markdown: bool
    as_json: bool


@click.command(epilog=EPILOG)
@click.argument("reference")
@click.argument("candidate")
@option_group(
    "ground",
    Ground,
    click.option(
        "--scenario", metavar="S", help="A built-in name or TOML file: tells roots from what follows."
    ),
    data_option,
)
@option_group(
    "sources",
    Sources,
    tolerance_option,
    mapping_option,
    click.option("--reference-mapping", metavar="FILE", help="The same for the reference."),
    click.option("--tables", metavar="LIST", help="Compare only these tables, separated by commas."),
    click.option("--first", is_flag=True, help="Find the first divergence only."),
)
@option_group(
    "shown",
    Shown,
    click.option("--date", metavar="DAY[..DAY]", help="Show only breaks of these days."),
    click.option(
        "--symbol", "symbols", multiple=True, metavar="SYMBOL", help="Show only breaks of it; repeatable."
    ),
    click.option("--stage", "stages", multiple=True, type=click.Choice(STAGES), help="Show only this stage."),
    click.option("--type", "types", multiple=True, type=click.Choice(TYPES), help="Show only this type."),
)
@option_group(
    "output",
    Output,
    click.option("--csv", "csv_file", metavar="FILE", help="Write the breaks shown, all of them, as CSV."),
    click.option(
        "--rebalances",
        "summary_file",
        metavar="FILE",
        help="Write one row per rebalance, both sides' figures, as CSV.",
    ),
    click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown."),
    json_option,
)
def diff(
    reference: str, candidate: str, ground: Ground, sources: Sources, shown: Shown, output: Output
) -> int:
    """Compare two ledgers, REFERENCE and CANDIDATE: folders of tables, or Parquet or CSV files.

    Exits 0 when all of both was compared and nothing differs, 1 on breaks, 2 when nothing differs but
    something was not compared. Filters (--date, --symbol, --stage, --type) choose what is shown; the verdict
    is always about everything. --mapping is about the candidate.
    """
    from reconcile.comparing import diff_exports, diff_json, diff_page, filters
    from reconcile.comparing.compare import compare
    from reconcile.comparing.tolerances import read_tolerances
    from reconcile.comparing.verdict import exit_code
    from reconcile.mapping.open import open_ledger
    from reconcile.running.progress import Phase
    from reconcile.text import times as clock

    if output.as_json and output.as_markdown:
        raise click.UsageError("--json or --markdown, not both")
    ground.check()
    bounds = None if sources.tolerance is None else read_tolerances(sources.tolerance)
    left = open_ledger(reference, sources.reference_mapping)
    right = open_ledger(candidate, sources.mapping)
    manifests = left.ledger.manifest, right.ledger.manifest
    held = ground.load()
    spec, market = (None, None) if held is None else held
    zone = market.timezone if market is not None else manifests[0].timezone or manifests[1].timezone
    chosen = shown.filters(zone)
    with watching()(Phase.COMPARING, 0):
        found = compare(
            left.ledger,
            right.ledger,
            scenario=spec,
            market=market,
            tolerances=bounds,
            tables=sources.names(),
            first=sources.first,
        )
    short, exact = clock.short_clock(market, *manifests), clock.exact_clock(market, *manifests)
    notes = (*(f"reference: {one}" for one in left.notes), *(f"candidate: {one}" for one in right.notes))
    subject = diff_page.DiffSubject(reference, candidate, None if spec is None else spec.name, market, notes)
    if output.csv_file is not None:
        _write("--csv", output.csv_file, diff_exports.diff_csv(filters.shown(found, chosen), exact))
    if output.summary_file is not None:
        _write("--rebalances", output.summary_file, diff_exports.periods_csv(found, exact))
    if output.as_json:
        print_answer(diff_json.diff_json(found, exact, notes, chosen))
    elif output.as_markdown:
        print_answer(diff_exports.diff_markdown(found, subject, short, chosen))
    else:
        print_answer(diff_page.diff_page(found, subject, short, chosen))
    return exit_code(found.verdict)


def _write(option: str, path: str, lines: Iterable[str]) -> None:
    from reconcile.files import atomic
    from vocabulary.errors import OutputError

    try:
        atomic.write_file(path, lines)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{option} {path}", reason, "a file that can be written", "Name another.") from None
