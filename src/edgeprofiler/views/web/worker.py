"""The process that reads what strangers send, and forks one child for each file.

The parent imports the readers once; each job runs in a child of its own with bounds on address
space, processor seconds and time, and dies with its job. A child writes no file. Jobs come as
lines of JSON on standard input; answers go to standard output as a line of JSON (`status`,
`size`) and that many bytes of JSON.

The parent starts no thread and opens nothing that a job names, so forking it is safe.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from edgeprofiler.core.children import Bounds, supervise, told
from edgeprofiler.core.errors import EdgeProfilerError, Unavailable
from edgeprofiler.views.web.jobs import JOBS


def answer(task: Mapping[str, Any]) -> bytes:
    """Return what a job answers, as JSON: its document, or the error that it met."""
    try:
        text = json.dumps({"result": JOBS[task["do"]](task)}, allow_nan=False)
    except EdgeProfilerError as error:
        path = str(task.get("folder") or task["question"]["model"])
        # Where the file lies is nobody's business; its own name is what the user knows.
        error.args = tuple(str(word).replace(path, task["label"]) for word in error.args)
        text = json.dumps(told(error))
    return text.encode("utf-8", "replace")


def warm() -> None:
    """Import what jobs need, so that a child has it from its first moment."""
    from edgeprofiler.core import plugins
    from edgeprofiler.prediction.predict import predict

    with contextlib.suppress(EdgeProfilerError, ImportError):
        predict("zoo:squeezenet1_1")
        for name in plugins.available("frontends"):
            with contextlib.suppress(Unavailable):
                plugins.load("frontends", name)
        import onnx  # noqa: F401 - the slowest import of a reader


def main() -> None:
    """Serve jobs until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends us
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that an import prints may mix with answers
    warm()
    for line in sys.stdin.buffer:
        task = json.loads(line)
        bounds = Bounds(task["memory_bytes"], task["seconds"])
        status, data = supervise(partial(answer, task), bounds)
        out.write(json.dumps({"status": status, "size": len(data)}).encode() + b"\n" + data)
        out.flush()


if __name__ == "__main__":
    main()
