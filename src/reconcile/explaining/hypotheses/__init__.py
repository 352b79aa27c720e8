"""What may be wrong with a candidate: one object per hypothesis, one file per family of them."""
