"""The comparison of Tally with its alternatives: see ../run."""
