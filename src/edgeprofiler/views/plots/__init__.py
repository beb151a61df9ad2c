"""All pictures: static ones by matplotlib, those of a page as Plotly's JSON, from one source."""

from edgeprofiler.views.plots.profile import draw

__all__ = ["draw"]
