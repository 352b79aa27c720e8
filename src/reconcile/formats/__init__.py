"""Exports of engines and brokers, read by their names: one module per format."""
