"""A reconciliation as text, for notebooks and tests: what the command prints, without a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.comparing.diff_csv import diff_csv
from reconcile.comparing.diff_json import diff_json
from reconcile.comparing.diff_markdown import diff_markdown
from reconcile.comparing.diff_page import Compared, diff_page
from reconcile.text.times import exact_clock, short_clock
from vocabulary.errors import InputError

if TYPE_CHECKING:
    from reconcile.matching.model import Reconciliation
    from vocabulary.market import Market

FORMS = ("text", "json", "markdown", "csv")


def render(found: Reconciliation, form: str = "text", *, market: Market | None = None) -> str:
    """A reconciliation as `reconcile diff` shows it.

    form: "text", "json", "markdown", or "csv" for the list of all breaks. market: shows the bar's prices
    beside the first divergence, and times on its clock. Raises InputError for another form.
    """
    if form not in FORMS:
        raise InputError("form", repr(form), "one of " + ", ".join(FORMS), "Name one of them.")
    manifests = found.reference.manifest, found.candidate.manifest
    short, exact = short_clock(market, *manifests), exact_clock(market, *manifests)
    if form == "json":
        return diff_json(found, exact)
    if form == "csv":
        return "".join(diff_csv(found.breaks, exact))
    scenario = None if found.roots is None else "the one given"
    subject = Compared("reference", "candidate", scenario, market)
    page = diff_page if form == "text" else diff_markdown
    return page(found, subject, short)
