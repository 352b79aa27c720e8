"""One module a subcommand; `reconcile.cli` loads the one that was asked for."""
