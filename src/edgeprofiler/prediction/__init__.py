"""From a `Network` to a `Profile` without the device, and how far to trust it."""
