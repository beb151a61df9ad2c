"""Runtimes that run a network and time its layers: one file each, loaded by name."""
