"""Fitting the cost model on measured totals: shared numbers, and what a board differs by."""
