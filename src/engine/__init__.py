"""The batched engine: one compiled pass over whole cross-sections, one book, integers end to end."""

from engine.compiling import is_compiled
from engine.spans import resume, run

__all__ = ["is_compiled", "resume", "run"]
