"""Power sensors: one file each, loaded by name through entry points."""
