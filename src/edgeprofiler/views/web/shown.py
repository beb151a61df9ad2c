"""What a page shows beside its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeprofiler.core.units import engineering


def recording_facts(document: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what is known of a recording, as terms and texts."""
    duration = document["duration_s"]
    return (
        ("Started", document["started_utc"] or "-"),
        ("Complete", "yes" if document["complete"] else "no"),
        ("Runs", f"{document['runs']}, each of {document['layers']} layers"),
        ("Power samples", str(document["samples"])),
        ("Power recorded for", engineering(duration, "s")),
        *(
            (key.replace("_", " ").capitalize(), text)
            for key, text in document["device"].items()
            if text
        ),
    )
