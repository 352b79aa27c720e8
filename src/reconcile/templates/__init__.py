"""The files that `reconcile init` writes, and how they are written."""
