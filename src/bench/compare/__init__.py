"""Tally beside what people would pick instead: see ../run."""
