"""The built-in market `incident`: generated like `top25`, with a vix that its feed did not always deliver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from reconcile.market.build import Tables
from reconcile.market.builtin.synthetic import synthetic_tables

INCIDENT = (200, 737, 13)
"""Symbols, bars and seed, chosen so that a strategy that knows part of the drift earns very much."""

EVERY, FIRST, LENGTH = 63, 21, 5
"""The feed is down once a quarter, at bars FIRST up to FIRST + LENGTH of every EVERY."""


def incident_tables() -> Tables:
    """Bars and context, the vix with gaps."""
    tables = synthetic_tables(*INCIDENT)
    assert tables.context is not None
    context = tables.context
    place = context.column_names.index("vix")
    values = context["vix"].to_numpy(zero_copy_only=False).copy()
    bar = np.arange(len(values)) % EVERY
    values[(bar >= FIRST) & (bar < FIRST + LENGTH)] = np.nan
    context = context.set_column(place, "vix", pa.array(values, pa.float64()))
    return replace(tables, source="the incident market", context=context, context_source="the incident vix")
