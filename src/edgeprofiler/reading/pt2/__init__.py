"""Exported programs of PyTorch (`.pt2`), read as data: neither PyTorch nor any code is run."""
