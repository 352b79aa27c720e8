"""`reconcile import`: a table from elsewhere becomes a ledger folder."""

from __future__ import annotations

from pathlib import Path

import click

from reconcile.commands.process import print_answer

EPILOG = "Example:  reconcile import --suggest trades.csv > trades.toml"


@click.command("import", epilog=EPILOG)
@click.argument("source", metavar="FILE")
@click.option("--suggest", is_flag=True, help="Look at FILE, and print a mapping file of guesses.")
@click.option("--mapping", metavar="FILE", help="The TOML file that says what FILE calls things.")
@click.option("--out", metavar="FOLDER", help="The ledger folder to write, or with --suggest the file.")
@click.option(
    "--as", "format_", type=click.Choice(["parquet", "csv"]), default="parquet", help="How to write tables."
)
def import_(source: str, suggest: bool, mapping: str | None, out: str | None, format_: str) -> int:
    """Write what FILE holds as a ledger folder, or suggest how to read it.

    FILE is a table of any kind (CSV, Parquet, Arrow, XLSX, JSON, HTML, packed or not), or a folder of them.
    A mapping of guesses is refused until `confirmed = true` stands in it.
    """
    if suggest:
        if mapping is not None:
            raise click.UsageError("--suggest or --mapping, not both")
        return _suggest(Path(source), out)
    if out is None:
        raise click.UsageError("--out FOLDER is missing: where to write the ledger")
    from reconcile.ledger.write import write_ledger
    from reconcile.mapping.open import open_ledger

    opened = open_ledger(source, mapping)
    write_ledger(opened.ledger, out, format_)
    rows = ", ".join(f"{name} {table.rows:,}" for name, table in opened.ledger.tables.items())
    print_answer("\n".join([f"wrote {out}: {rows}", *(f"  {note}" for note in opened.notes)]))
    return 0


def _suggest(source: Path, out: str | None) -> int:
    from reconcile.files.atomic import write_file
    from reconcile.mapping.suggest import suggest

    made = suggest(source)
    if out is None:
        print_answer(made.text.rstrip("\n"))
        return 0
    write_file(Path(out), made.text)
    questions = "1 question" if made.questions == 1 else f"{made.questions} questions"
    print_answer(f"wrote {out}: {questions} to answer; then write `confirmed = true`")
    return 0
