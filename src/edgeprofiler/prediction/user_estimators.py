"""A user's own estimators that have no array form: kept by skops, loaded by an explicit list."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from edgeprofiler.core.archives import members
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.extras import require
from edgeprofiler.core.text import first_line


def dump_estimator(estimator: Any) -> tuple[bytes, list[str]]:
    """Return an estimator as bytes, and the types that must be trusted to load it again."""
    skops = _skops()
    data: bytes = skops.dumps(estimator)
    return data, [str(name) for name in skops.get_untrusted_types(data=data)]


def load_estimator(data: bytes, trusted: Sequence[str], source: object) -> Any:
    """Return the estimator in `data` if every type in it is known or trusted.

    Raises:
        InvalidInput: it needs types that nobody said are trusted; they are named.
    """
    skops = _skops()
    safe = _repacked(data, source)
    try:
        needed = [str(name) for name in skops.get_untrusted_types(data=safe)]
        unknown = sorted(set(needed) - set(trusted))
        if unknown:
            raise InvalidInput(
                source,
                f"holds an estimator of types that are not trusted: {', '.join(unknown)}",
                "if you know their author, name them in EDGEPROFILER_TRUSTED_TYPES",
            )
        return skops.loads(safe, trusted=needed)
    except InvalidInput:
        raise
    except Exception as error:  # what was altered fails anywhere in skops and in the estimator
        problem = f"its estimator cannot be loaded ({first_line(error)})"
        raise InvalidInput(source, problem) from error


def _repacked(data: bytes, source: object) -> bytes:
    """Return the archive with its members as they lie in memory: skops would unpack any size."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members(data, source):
            archive.writestr(name, content)
    return buffer.getvalue()


def _skops() -> Any:
    with require("skops"):
        import skops.io
    return skops.io
