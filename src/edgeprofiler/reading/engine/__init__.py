"""TensorRT's description of a built engine as a network, and back."""

from edgeprofiler.reading.engine.parse import network_from_engine
from edgeprofiler.reading.engine.write import engine_document

__all__ = ["engine_document", "network_from_engine"]
