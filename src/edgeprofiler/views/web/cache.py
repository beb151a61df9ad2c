"""A bounded memory of results: the least recently used are forgotten first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """Values by key, bounded in number and in the sum of their sizes."""

    def __init__(self, max_items: int, max_size: int) -> None:
        self._max_items = max_items
        self._max_size = max_size
        self._lock = threading.Lock()
        self._items: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: Hashable) -> V | None:
        """Return the value of a key, or `None`."""
        with self._lock:
            found = self._items.get(key)
            if found is None:
                return None
            self._items.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: V, size: int = 1) -> None:
        """Keep a value of a stated size; one larger than the whole bound is not kept."""
        if size > self._max_size:
            return
        with self._lock:
            _, old = self._items.pop(key, (None, 0))
            self._items[key] = (value, size)
            self._size += size - old
            while len(self._items) > self._max_items or self._size > self._max_size:
                _, (_, gone) = self._items.popitem(last=False)
                self._size -= gone
