"""Collecting: idle, warm-up, runs and idle again, with power and layer times on one clock."""
