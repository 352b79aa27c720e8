"""The faults, each with the answer that is right, written down before it is planted."""
