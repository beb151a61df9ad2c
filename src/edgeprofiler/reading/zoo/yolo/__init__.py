"""YOLO detectors."""

from edgeprofiler.reading.zoo.family import Entry
from edgeprofiler.reading.zoo.yolo.versions import ULTRALYTICS
from edgeprofiler.reading.zoo.yolo.yolox import YOLOX

YOLOS: dict[str, Entry] = {**ULTRALYTICS, **YOLOX}

__all__ = ["YOLOS"]
