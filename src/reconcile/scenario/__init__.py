"""Scenarios: a TOML file becomes a Scenario, validated once."""
