"""From power over time to power of each layer, with errors that are honest."""
