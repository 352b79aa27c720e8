"""The batched engine: one compiled pass over whole cross-sections, one book, integers end to end."""

from engine.kernel import is_compiled
from engine.many import Job, Keep, Outcome, run_many
from engine.spans import resume, run

__all__ = ["Job", "Keep", "Outcome", "is_compiled", "resume", "run", "run_many"]
