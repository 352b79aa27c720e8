"""The batched engine: one compiled pass over whole cross-sections, one book, integers end to end."""

import os

from vocabulary.errors import InputError

if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):  # its code works on types that only numba has
    raise InputError(
        "NUMBA_DISABLE_JIT", "a setting that keeps the engine from being compiled", "0", "Unset it."
    )

from engine.batch import Job, Keep, Outcome, run_many
from engine.running import is_compiled, resume, run

__all__ = ["Job", "Keep", "Outcome", "is_compiled", "resume", "run", "run_many"]
