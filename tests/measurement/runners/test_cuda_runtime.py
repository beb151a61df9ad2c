"""Device memory through the CUDA runtime's C interface, played by a fake library."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.measurement.runners import _cuda


class FakeFunction:
    def __init__(self, answer):
        self._answer = answer
        self.restype = None

    def __call__(self, *arguments):
        return self._answer(*arguments)


class FakeLibrary:
    """Memory of the host plays the device's."""

    def __init__(self) -> None:
        self.code = 0
        self.memory: dict[int, ctypes.Array] = {}
        self.cudaMalloc = FakeFunction(self._malloc)
        self.cudaMemcpy = FakeFunction(self._copy)
        self.cudaFree = FakeFunction(lambda p: self.memory.pop(p.value))
        self.cudaGetErrorString = FakeFunction(lambda code: b"out of memory")

    def _malloc(self, pointer, size):
        if self.code:
            return self.code
        block = ctypes.create_string_buffer(size.value)
        self.memory[ctypes.addressof(block)] = block
        ctypes.cast(pointer, ctypes.POINTER(ctypes.c_void_p))[0] = ctypes.addressof(block)
        return 0

    def _copy(self, target, source, size, direction):
        assert direction == 1
        ctypes.memmove(target, source, size.value)
        return 0


@pytest.fixture
def library(monkeypatch) -> FakeLibrary:
    fake = FakeLibrary()
    monkeypatch.setattr(_cuda.ctypes, "CDLL", lambda name: fake)
    return fake


def test_arrays_arrive_in_device_memory_in_row_major_order(library: FakeLibrary):
    cuda = _cuda.CudaRuntime()
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    address = cuda.allocate(array.nbytes)
    cuda.upload(address, array)
    assert library.memory[address].raw == np.ascontiguousarray(array).tobytes()
    cuda.free(address)
    assert not library.memory


def test_errors_of_the_driver_are_quoted(library: FakeLibrary):
    cuda = _cuda.CudaRuntime()
    library.code = 2
    with pytest.raises(Unavailable, match="out of memory"):
        cuda.allocate(10)
