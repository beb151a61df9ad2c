"""Mutated files of every kind that EdgeProfiler reads, and what must not come of them."""
