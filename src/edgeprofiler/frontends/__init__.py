"""Front ends: each reads one kind of model. They are plug-ins, loaded by name."""

from edgeprofiler.frontends.protocol import FrontEnd, ReadOptions

__all__ = ["FrontEnd", "ReadOptions"]
