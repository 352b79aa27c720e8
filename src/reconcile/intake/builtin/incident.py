"""The built-in market `incident`: `top25` with a vix that its feed did not always deliver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from reconcile.intake.builtin.synthetic import TOP25, synthetic_tables
from reconcile.intake.market_build import Tables

OUTAGES = ((30, 34), (99, 106), (150, 152), (238, 246))
"""Bars [first, end) without a vix: two calm stretches and the worst of both storms."""


def incident_tables() -> Tables:
    """The bars of `top25`; its vix with gaps."""
    tables = synthetic_tables(*TOP25)
    assert tables.context is not None
    context = tables.context
    place = context.column_names.index("vix")
    values = context["vix"].to_numpy(zero_copy_only=False).copy()
    for first, end in OUTAGES:
        values[first:end] = np.nan
    context = context.set_column(place, "vix", pa.array(values, pa.float64()))
    return replace(tables, source="the incident market", context=context, context_source="the incident vix")
