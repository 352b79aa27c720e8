"""The batched engine: one compiled pass over whole cross-sections, one book, integers end to end."""

from engine.batch import Job, Keep, Outcome, run_many
from engine.kernel import is_compiled
from engine.running import resume, run

__all__ = ["Job", "Keep", "Outcome", "is_compiled", "resume", "run", "run_many"]
