"""The few calls of the CUDA runtime that running an engine needs, without any package.

A Jetson has `libcudart` and no compiler; `ctypes` is enough for memory and waiting.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.errors import Unavailable

_HOST_TO_DEVICE = 1
_NAMES = ("libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so")


class CudaRuntime:
    """Device memory, by the shared library of the CUDA toolkit or of JetPack."""

    def __init__(self) -> None:
        self._library = _library()

    def allocate(self, size_bytes: int) -> int:
        """Return the address of new device memory."""
        address = ctypes.c_void_p()
        self._check(
            self._library.cudaMalloc(ctypes.byref(address), ctypes.c_size_t(max(size_bytes, 1)))
        )
        return int(address.value or 0)

    def upload(self, address: int, data: npt.NDArray[Any]) -> None:
        """Copy an array to device memory."""
        array = np.ascontiguousarray(data)
        self._check(
            self._library.cudaMemcpy(
                ctypes.c_void_p(address),
                ctypes.c_void_p(array.ctypes.data),
                ctypes.c_size_t(array.nbytes),
                _HOST_TO_DEVICE,
            )
        )

    def free(self, address: int) -> None:
        """Give device memory back."""
        self._library.cudaFree(ctypes.c_void_p(address))

    def _check(self, code: int) -> None:
        if code != 0:
            self._library.cudaGetErrorString.restype = ctypes.c_char_p
            text = self._library.cudaGetErrorString(code).decode("utf-8", "replace")
            raise Unavailable(
                f"the CUDA runtime reports: {text}", "check the driver and free memory"
            )


def _library() -> Any:
    for name in (*_NAMES, ctypes.util.find_library("cudart") or ""):
        if name:
            try:
                return ctypes.CDLL(name)
            except OSError:
                continue
    raise Unavailable(
        "the CUDA runtime library (libcudart) was not found",
        "install JetPack's or the CUDA toolkit's runtime, or add its folder to LD_LIBRARY_PATH",
    )
