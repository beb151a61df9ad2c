"""Wait for a server that is starting: it is refused, or its gateway says that it is not up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

_LOG = logging.getLogger(__name__)

STARTING_S = 90.0
"""How long a server that is starting is waited for: MLflow's, which makes its database first, took
81 s on two busy cores."""
_BETWEEN_S = 0.5
_ANSWER_S = 5.0
_NOT_YET = (502, 503, 504)
"""What a gateway answers for a server behind it that is not up."""


def wait_until_up(
    url: str,
    limit_s: float = STARTING_S,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Return whether a server answers before the limit, whatever it answers.

    Args:
        url: its address; what is none of HTTP is up.
        limit_s: how long to wait where it refuses, resets or does not answer.
        clock: now, in seconds.
        sleep: waits that many seconds.

    >>> wait_until_up("sqlite:///mlflow.db")
    True
    """
    if not url.startswith(("http://", "https://")):
        return True
    end_s, said = clock() + limit_s, False
    while _is_starting(url):
        if clock() + _BETWEEN_S > end_s:
            return False
        if not said:
            _LOG.warning("waiting up to %.0f s for %s to start", limit_s, url)
            said = True
        sleep(_BETWEEN_S)
    return True


def _is_starting(url: str) -> bool:
    """Return whether a server looks as one does that will be up soon.

    A host without an address, or one whose certificate is wrong, does not get better by waiting.
    """
    try:
        with urlopen(Request(f"{url.rstrip('/')}/health"), timeout=_ANSWER_S):  # noqa: S310, HTTP only
            return False
    except HTTPError as error:
        return error.code in _NOT_YET
    except URLError as error:
        return isinstance(error.reason, (ConnectionError, TimeoutError))
    except (ConnectionError, TimeoutError, HTTPException):
        return True
