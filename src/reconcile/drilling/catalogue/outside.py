"""Faults that no hypothesis says: they must come out unexplained, with the right root."""

from reconcile.drilling.catalogue import outside_deciding, outside_executing, outside_told
from reconcile.drilling.model import Fault

FAULTS: tuple[Fault, ...] = (
    *outside_deciding.FAULTS,
    *outside_executing.FAULTS,
    *outside_told.FAULTS,
)
