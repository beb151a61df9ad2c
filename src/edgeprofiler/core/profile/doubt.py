"""What a reader must know of a profile, wherever its numbers go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgeprofiler.core.profile.document import coverage_document
from edgeprofiler.core.profile.profile import Profile
from edgeprofiler.core.profile.words import cautions
from edgeprofiler.core.table import Words


def doubt_document(profile: Profile) -> dict[str, Any]:
    """Return how sure a profile is, as values of JSON for a document that is made of it.

    >>> from edgeprofiler import predict
    >>> sorted(doubt_document(predict("zoo:lenet", "jetson-nano")))
    ['coverage', 'interval', 'warnings']
    """
    return {
        "interval": {"confidence": profile.confidence, "kind": profile.interval_kind},
        "coverage": coverage_document(profile),
        "warnings": [*cautions(profile)],
    }


def doubt_words(*profiles: Profile) -> tuple[Words, ...]:
    """Return the warnings of profiles, each once, as notes of a table."""
    return warning_words(text for profile in profiles for text in cautions(profile))


def warning_words(texts: Iterable[str]) -> tuple[Words, ...]:
    """Return warnings, each once, as notes of a table."""
    return tuple(Words(f"warning: {text}", "doubt") for text in dict.fromkeys(texts))
