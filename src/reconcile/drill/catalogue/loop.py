"""x"""

from reconcile.drill.nouns import Fault

FAULTS: tuple[Fault, ...] = ()
