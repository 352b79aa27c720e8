"""`reconcile import`: a table from elsewhere becomes a ledger folder."""

from __future__ import annotations

from pathlib import Path

import click

from reconcile.commands.display import watching
from reconcile.commands.process import print_answer

EPILOG = "Example:  reconcile import --suggest trades.csv > trades.toml"


def _list_formats(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    """Print the formats and end, when that was asked for."""
    if not asked:
        return
    from reconcile.formats.registry import FORMATS
    from reconcile.text.layout import aligned

    rows = [("format", "of", "made by"), *((one.name, one.title, one.export) for one in FORMATS)]
    print_answer("\n".join(aligned(rows, "<")))
    ctx.exit(0)


@click.command("import", epilog=EPILOG)
@click.argument("words", metavar="[FORMAT] FILE", nargs=-1, required=True)
@click.option("--suggest", is_flag=True, help="Look at FILE, and print a mapping file of guesses about it.")
@click.option("--mapping", metavar="FILE", help="Read FILE by this mapping file (TOML).")
@click.option(
    "--out", metavar="FOLDER", help="The folder to write. For bars, and with --suggest: the file to write."
)
@click.option("--symbol", metavar="SYMBOL", help="The symbol, if the export does not name it.")
@click.option(
    "--zone", metavar="ZONE", help="The time zone of an export's clock times, such as America/New_York."
)
@click.option("--strategy", metavar="NAME", help="Of an export about several strategies, the one to read.")
@click.option("--formats", "listing", is_flag=True, is_eager=True, expose_value=False, callback=_list_formats,
    help="List the formats that are known by name.")  # fmt: skip
@click.option(
    "--as",
    "format_",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    help="The format of the tables that are written.",
)
def import_(
    words: tuple[str, ...],
    suggest: bool,
    mapping: str | None,
    out: str | None,
    symbol: str | None,
    zone: str | None,
    strategy: str | None,
    format_: str,
) -> int:
    """Write what FILE holds as a ledger folder, or suggest how to read it.

    FILE is a table of any kind (CSV, Parquet, Arrow, XLSX, JSON, HTML, packed or not), or a folder of
    them. FORMAT names the engine or broker that it comes from (see --formats); without it, a file is
    recognised by its shape. A mapping of guesses is refused until `confirmed = true` stands in it.
    """
    if len(words) > 2:
        raise click.UsageError("give one FILE, with or without a FORMAT before it")
    format, source = (words[0], words[1]) if len(words) == 2 else (None, words[0])
    if suggest:
        if mapping is not None:
            raise click.UsageError("--suggest or --mapping, not both")
        return _suggest(Path(source), out)
    if out is None:
        raise click.UsageError("--out FOLDER is missing: where to write the ledger")
    if mapping is not None and _is_market(mapping):
        return _market(Path(source), mapping, out)
    from reconcile.api.given import ledger_of
    from reconcile.formats.model import Options
    from reconcile.ledger.write import write_ledger
    from reconcile.running.progress import Phase

    watch = watching()
    with watch(Phase.READING, 0):
        opened = ledger_of(source, "FILE", mapping, format, Options(symbol, zone, strategy))
    with watch(Phase.WRITING, 0):
        write_ledger(opened.ledger, out, format_)
    rows = ", ".join(f"{name} {table.rows:,}" for name, table in opened.ledger.tables.items())
    print_answer("\n".join([f"wrote {out}: {rows}", *(f"  {note}" for note in opened.notes)]))
    return 0


def _is_market(mapping: str) -> bool:
    """Whether a mapping is about bars. Raises InputError where it is about bars and a ledger."""
    from reconcile.mapping.read import confirmed_mapping
    from reconcile.mapping.schema import BARS
    from vocabulary.errors import InputError

    tables = confirmed_mapping(mapping).tables
    if BARS in tables and len(tables) > 1:
        others = ", ".join(name for name in tables if name != BARS)
        raise InputError(
            f"{mapping}: tables", f"bars beside {others}", "bars alone", "Write two mapping files."
        )
    return BARS in tables


def _market(source: Path, mapping: str, out: str) -> int:
    from reconcile.mapping.bars import write_bars
    from reconcile.mapping.notes import of_unread
    from reconcile.mapping.read import confirmed_mapping
    from reconcile.running.progress import Phase

    with watching()(Phase.BARS, 0):
        count, notes, unread = write_bars(source, confirmed_mapping(mapping), Path(out))
    said = [*notes, *(of_unread(one) for one in unread)]
    print_answer("\n".join([f"wrote {out}: bars {count:,}", *(f"  {note}" for note in said)]))
    return 0


def _suggest(source: Path, out: str | None) -> int:
    from reconcile.files.atomic import write_file
    from reconcile.mapping.suggest import suggest
    from reconcile.running.progress import Phase
    from vocabulary.errors import OutputError

    with watching()(Phase.LOOKING, 0):
        made = suggest(source)
    if out is None:
        print_answer(made.text.rstrip("\n"))
        return 0
    try:
        write_file(out, made.text)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        found = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"--out {out}", found, "a file that can be written", "Name another file.") from None
    questions = "1 question" if made.questions == 1 else f"{made.questions} questions"
    print_answer(f"wrote {out}: {questions} to answer; check it, then write `confirmed = true` in it")
    return 0
