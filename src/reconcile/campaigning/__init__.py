"""Many jobs from one plan: run on any executor, kept by what went in, and shown as one matrix."""
