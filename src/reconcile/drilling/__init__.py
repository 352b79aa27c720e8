"""Faults planted on purpose, and whether they are detected, located and explained."""
