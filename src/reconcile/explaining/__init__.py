"""Why two ledgers differ: causes from a catalogue, each tested by running the backtest that results."""
