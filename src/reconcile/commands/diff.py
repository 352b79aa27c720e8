"""`reconcile diff`: where do two ledgers first part?"""

from __future__ import annotations

from collections.abc import Iterable

import click

from reconcile.commands.shared import (
    data_option,
    emit,
    json_option,
    mapping_option,
    tolerance_option,
    watching,
)

STAGES = ["target", "order", "status", "quantity", "price", "cost", "position", "mark", "cash", "equity"]
TYPES = [*["missing", "extra", "duplicate", "timing"], *STAGES]
EPILOG = "Example:  reconcile diff results/reference results/candidate"


@click.command(epilog=EPILOG)
@click.argument("reference")
@click.argument("candidate")
@click.option("--scenario", metavar="S", help="A built-in name or TOML file: tells roots from what follows.")
@data_option
@tolerance_option
@mapping_option
@click.option("--reference-mapping", metavar="FILE", help="The same for the reference.")
@click.option("--tables", metavar="LIST", help="Compare only these tables, separated by commas.")
@click.option("--first", is_flag=True, help="Find the first divergence only.")
@click.option("--date", metavar="DAY[..DAY]", help="Show only breaks of these days.")
@click.option(
    "--symbol", "symbols", multiple=True, metavar="SYMBOL", help="Show only breaks of it; repeatable."
)
@click.option("--stage", "stages", multiple=True, type=click.Choice(STAGES), help="Show only this stage.")
@click.option("--type", "types", multiple=True, type=click.Choice(TYPES), help="Show only this type.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write the breaks shown, all of them, as CSV.")
@click.option(
    "--rebalances",
    "summary_file",
    metavar="FILE",
    help="Write a row a rebalance, both sides' figures, as CSV.",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown.")
@json_option
def diff(
    reference: str,
    candidate: str,
    scenario: str | None,
    data: str | None,
    tolerance: str | None,
    mapping: str | None,
    reference_mapping: str | None,
    tables: str | None,
    first: bool,
    date: str | None,
    symbols: tuple[str, ...],
    stages: tuple[str, ...],
    types: tuple[str, ...],
    csv_file: str | None,
    summary_file: str | None,
    as_markdown: bool,
    as_json: bool,
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
    from reconcile.running import run as running
    from reconcile.running.progress import Phase
    from reconcile.scenario.files import find_scenario
    from reconcile.text import times as clock

    if as_json and as_markdown:
        raise click.UsageError("--json or --markdown, not both")
    if data is not None and scenario is None:
        raise click.UsageError("--data needs --scenario")
    bounds = None if tolerance is None else read_tolerances(tolerance)
    left, right = open_ledger(reference, reference_mapping), open_ledger(candidate, mapping)
    manifests = left.ledger.manifest, right.ledger.manifest
    spec = None if scenario is None else find_scenario(scenario)
    market = None if spec is None else running.load(spec, data, watching())[0]
    zone = market.timezone if market is not None else manifests[0].timezone or manifests[1].timezone
    chosen = filters.filters_from(date, symbols, stages, types, zone)
    with watching()(Phase.COMPARING, 0):
        found = compare(
            left.ledger,
            right.ledger,
            scenario=spec,
            market=market,
            tolerances=bounds,
            tables=None if tables is None else [name.strip() for name in tables.split(",")],
            first=first,
        )
    short, exact = clock.short_clock(market, *manifests), clock.exact_clock(market, *manifests)
    notes = (*(f"reference: {one}" for one in left.notes), *(f"candidate: {one}" for one in right.notes))
    subject = diff_page.DiffSubject(reference, candidate, None if spec is None else spec.name, market, notes)
    if csv_file is not None:
        _write("--csv", csv_file, diff_exports.diff_csv(filters.shown(found, chosen), exact))
    if summary_file is not None:
        _write("--rebalances", summary_file, diff_exports.periods_csv(found, exact))
    if as_json:
        emit(diff_json.diff_json(found, exact, notes, chosen))
    elif as_markdown:
        emit(diff_exports.diff_markdown(found, subject, short, chosen))
    else:
        emit(diff_page.diff_page(found, subject, short, chosen))
    return exit_code(found.verdict)


def _write(option: str, path: str, lines: Iterable[str]) -> None:
    from reconcile.files import atomic
    from vocabulary.errors import OutputError

    try:
        atomic.write_file(path, lines)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{option} {path}", reason, "a file that can be written", "Name another.") from None
