"""The faults, each with the answer that is right, written down before it is planted."""

from reconcile.drilling.catalogue import engine, inputs, loop, outside, reports, settings
from reconcile.drilling.model import Fault

WITHIN: tuple[Fault, ...] = (
    *settings.FAULTS,
    *inputs.FAULTS,
    *engine.FAULTS,
    *loop.FAULTS,
    *reports.FAULTS,
)
"""Faults that a hypothesis of `reconcile.explaining` says."""

OUTSIDE: tuple[Fault, ...] = outside.FAULTS
"""Faults that none says."""

BY_NAME = {fault.name: fault for fault in (*WITHIN, *OUTSIDE)}
