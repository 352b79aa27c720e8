"""`reconcile diff`: where do two ledgers first differ?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import click

from reconcile.commands.display import watching
from reconcile.commands.options import (
    Form,
    Ground,
    data_option,
    form_options,
    mapping_option,
    option_group,
    runs_functions,
    tolerance_option,
)
from reconcile.commands.shared import answer

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
    "return",
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


@dataclass(frozen=True, slots=True)
class Shown:
    """The breaks that are shown."""

    date: str | None
    symbols: tuple[str, ...]
    stages: tuple[str, ...]
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Files:
    """Files to write besides the answer; None if not given."""

    csv_file: str | None
    summary_file: str | None


@click.command(epilog=EPILOG)
@click.argument("reference")
@click.argument("candidate")
@option_group(
    "ground",
    Ground,
    click.option(
        "--scenario",
        metavar="S",
        help="A built-in name or a TOML file. With it, roots are separated better from consequences.",
    ),
    data_option,
)
@option_group(
    "sources",
    Sources,
    tolerance_option,
    mapping_option,
    click.option(
        "--reference-mapping", metavar="FILE", help="Read the reference by this mapping file (TOML)."
    ),
    click.option("--tables", metavar="LIST", help="Compare only these tables, separated by commas."),
    click.option("--first", is_flag=True, help="Find the first divergence only."),
)
@option_group(
    "shown",
    Shown,
    click.option("--date", metavar="DAY[..DAY]", help="Show only breaks of these days."),
    click.option(
        "--symbol",
        "symbols",
        multiple=True,
        metavar="SYMBOL",
        help="Show only breaks of this symbol; repeatable.",
    ),
    click.option("--stage", "stages", multiple=True, type=click.Choice(STAGES), help="Show only this stage."),
    click.option("--type", "types", multiple=True, type=click.Choice(TYPES), help="Show only this type."),
)
@option_group(
    "files",
    Files,
    click.option(
        "--csv", "csv_file", metavar="FILE", help="Write all breaks that pass the filters to this CSV file."
    ),
    click.option(
        "--rebalances",
        "summary_file",
        metavar="FILE",
        help="Write a CSV file with one row per rebalance and the figures of both sides.",
    ),
)
@form_options
@runs_functions
def diff(
    reference: str, candidate: str, ground: Ground, sources: Sources, shown: Shown, files: Files, form: Form
) -> int:
    """Compare two ledgers, REFERENCE and CANDIDATE: folders of tables, or Parquet or CSV files.

    Exits 0 when all of both was compared and nothing differs, 1 on breaks, 2 when nothing differs but
    something was not compared. Filters (--date, --symbol, --stage, --type) choose what is shown; the verdict
    is always about everything. --mapping is about the candidate.
    """
    from reconcile.api.diff import diff as compare_ledgers
    from reconcile.running.hosting import current_host

    form.check()
    ground.check()
    result = compare_ledgers(
        reference,
        candidate,
        scenario=ground.scenario,
        data=ground.data,
        tolerance=sources.tolerance,
        mapping=sources.mapping,
        reference_mapping=sources.reference_mapping,
        tables=sources.tables,
        first=sources.first,
        date=shown.date,
        symbol=shown.symbols,
        stage=shown.stages,
        type=shown.types,
        memory=current_host().hosting.bounds.memory or None,
        watch=watching(),
    )
    if files.csv_file is not None:
        _write("--csv", files.csv_file, result.csv_lines())
    if files.summary_file is not None:
        _write("--rebalances", files.summary_file, result.rebalances_csv_lines())
    return answer(result, form)


def _write(option: str, path: str, lines: Iterable[str]) -> None:
    from reconcile.files import atomic
    from vocabulary.errors import OutputError

    try:
        atomic.write_file(path, lines)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(
            f"{option} {path}", reason, "a file that can be written", "Name another file."
        ) from None
