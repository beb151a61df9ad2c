"""From a device to a `Recording`, and from a recording to a `Profile`."""
