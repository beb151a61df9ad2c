"""The zoo: well-known CNNs, written down once and built at any batch and resolution."""

from edgeprofiler.reading.zoo.zoo import ZooFrontEnd, names, zoo_graph

__all__ = ["ZooFrontEnd", "names", "zoo_graph"]
