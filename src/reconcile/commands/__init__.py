"""One module per subcommand; `reconcile.cli` loads the one that is called."""
