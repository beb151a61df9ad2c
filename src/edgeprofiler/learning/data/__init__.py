"""Versions of data, pushed and pulled over DVC's remotes and DagsHub, whole or not at all."""

from edgeprofiler.learning.data.transfer import Moved, pull, push

__all__ = ["Moved", "pull", "push"]
