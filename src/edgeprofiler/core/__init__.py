"""Nouns and ground: what every wing speaks of, and how files are read and written."""
