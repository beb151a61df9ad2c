"""A function over chunks: answers as they come, few of them in memory at once."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from concurrent.futures import BrokenExecutor, CancelledError, Future
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from queue import SimpleQueue
from typing import Any, Generic, TypeVar, cast

from edgeprofiler._version import __version__
from edgeprofiler.core.errors import EdgeProfilerError, Unavailable
from edgeprofiler.core.interrupts import held_interrupts
from edgeprofiler.core.parallel.pools import Pool, pool_of
from edgeprofiler.core.parallel.workers import ALONE, Workers

Chunk = TypeVar("Chunk")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Outcome(Generic[Answer]):
    """What became of one chunk."""

    place: int
    """Which chunk it was, from 0."""
    name: str
    answer: Answer | None
    error: Exception | None = None
    """Why there is no answer."""

    def get(self) -> Answer:
        """Return the answer, or raise what went wrong with the chunk's name."""
        if self.error is None:
            return cast("Answer", self.answer)
        if isinstance(self.error, EdgeProfilerError):
            first, *words = self.error.args
            place = f"{self.name}: " if self.name else ""
            raise type(self.error)(f"{place}{first}", *words) from self.error
        raise self.error


def mapped(
    function: Callable[[Chunk], Answer],
    chunks: Iterable[Chunk],
    workers: Workers = ALONE,
    *,
    stage: str = "chunks",
    named: Callable[[Chunk], str] = str,
    ordered: bool = False,
    total: int | None = None,
) -> Generator[Outcome[Answer], None, None]:
    """Yield what a function makes of each chunk; a chunk that fails is not the end of the rest.

    One chunk, or workers that are this process, is a plain loop. Otherwise chunks are taken as
    they are handed out, twice as many as there are workers, and no more of them before an answer
    is taken: memory is bounded however many chunks there are. Closing the iterator, and Ctrl-C,
    end what is being worked on.

    Args:
        function: pure, of a module or closed over plain values; the same answer wherever it runs.
        chunks: each of them some seconds' work, or the handing out costs more than it gains.
        workers: who works; their `progress` is told of each chunk.
        stage: what the work is called.
        named: what a chunk is called where it fails; empty where its errors tell.
        ordered: whether to wait for the order of the chunks; as they come otherwise.
        total: how many chunks there are, where they do not tell.

    Raises:
        Unavailable: the workers are gone, or cannot be reached.

    >>> [outcome.get() for outcome in mapped(abs, [-2, 1, -3])]
    [2, 1, 3]
    """
    total = len(chunks) if isinstance(chunks, Sized) else total
    rest = iter(chunks)
    first = list(islice(rest, 2))
    waiting = enumerate(chain(first, rest))
    if workers.alone or len(first) < 2:
        found = _in_a_loop(function, waiting, named)
    else:
        found = _by_workers(function, waiting, workers, named, ordered=ordered)
    for done, outcome in enumerate(found, 1):
        workers.progress(stage, done, total)
        yield outcome


def _in_a_loop(
    function: Callable[[Chunk], Answer],
    chunks: Iterator[tuple[int, Chunk]],
    named: Callable[[Chunk], str],
) -> Iterator[Outcome[Answer]]:
    for place, chunk in chunks:
        try:
            answer = function(chunk)
        except Exception as error:  # of any kind, as what comes back from another process
            yield Outcome(place, named(chunk), None, error)
        else:
            yield Outcome(place, named(chunk), answer)


def _by_workers(
    function: Callable[[Chunk], Answer],
    chunks: Iterator[tuple[int, Chunk]],
    workers: Workers,
    named: Callable[[Chunk], str],
    *,
    ordered: bool,
) -> Iterator[Outcome[Answer]]:
    with pool_of(workers) as pool:
        running: dict[Future[Answer], tuple[int, str]] = {}
        # Ctrl-C may come while this waits: unlike `concurrent.futures.wait`, it then holds no lock
        # of a future, which the pool would need to end.
        came: SimpleQueue[Future[Answer]] = SimpleQueue()
        ready: set[Future[Answer]] = set()
        finished = False
        packed = pool.packed(function)
        try:
            while True:
                room = pool.window - len(running)
                for place, chunk in islice(chunks, max(room, 0)):
                    name = named(chunk)
                    with held_interrupts():
                        future = pool.executor.submit(_call, __version__, packed, chunk)
                        running[future] = (place, name)
                        future.add_done_callback(came.put)
                if not running:
                    break
                first = next(iter(running))
                while not ready or (ordered and first not in ready):
                    ready.add(came.get())
                ready.update(came.get() for _ in range(came.qsize()))
                for future in [first] if ordered else [*ready]:
                    ready.remove(future)
                    yield _outcome(pool, future, *running.pop(future))
            finished = True
        finally:
            if not finished:
                pool.abandon()


def _outcome(pool: Pool, future: Future[Answer], place: int, name: str) -> Outcome[Answer]:
    try:
        error = future.exception()
    except CancelledError:
        raise pool.lost() from None
    if isinstance(error, BrokenExecutor):
        raise pool.lost() from None
    if isinstance(error, Exception):
        return Outcome(place, name, None, error)
    return Outcome(place, name, future.result())


def _call(version: str, packed: bytes, chunk: Any) -> Any:
    """Do a chunk's work, in whichever process.

    Args:
        version: of the caller's package.
        packed: the function, as `Pool.packed` wrote it.
        chunk: what it is to work on.

    Raises:
        Unavailable: this process has another version of the package, whose answers may differ.
    """
    if version != __version__:
        raise Unavailable(
            f"a worker has edgeprofiler {__version__}, the caller {version}",
            "install the same version on all machines",
        )
    return _unpacked(packed)(chunk)


@lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> Callable[[Any], Any]:
    """Return the function, read once for all its chunks: it keeps what it works out for them."""
    # No file is read: these bytes came through the executor's own channel, which unpickles all
    # that it carries, the chunk beside them too. So nothing more is trusted here than there.
    function: Callable[[Any], Any] = pickle.loads(packed)  # noqa: S301
    return function
