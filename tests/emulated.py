"""CUDA kernels on the host: compiled as C++, each block of one thread, which goes through the whole grid alone."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

_ONE_AT_A_TIME = Lock()  # for where a block is, is told by variables of all
COMPILER = shutil.which("c++")
_SHIM = """
#include <cmath>
#include <cstring>
#define __device__ static
#define __global__
#define __shared__ static
struct Place { int x; };
static Place blockIdx, threadIdx, blockDim, gridDim;
static void __syncthreads() {}
static long long __double_as_longlong(double x) { long long bits; std::memcpy(&bits, &x, 8); return bits; }
static double __longlong_as_double(long long x) { double value; std::memcpy(&value, &x, 8); return value; }
static double __dadd_rn(double a, double b) { return a + b; }
static double __dmul_rn(double a, double b) { return a * b; }
static unsigned long long atomicAdd(unsigned long long* at, unsigned long long more) {
  const unsigned long long before = *at; *at += more; return before;
}
using std::isfinite;
extern "C" void place(int block, int blocks) { blockIdx.x = block; gridDim.x = blocks; blockDim.x = 1; }
"""


@cache
def _built(code: str, options: tuple[str, ...]) -> Any:
    assert COMPILER is not None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "kernels.cpp", Path(folder) / "kernels.so"
        source.write_text(_SHIM + code)
        command = [COMPILER, "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-DTHREADS=1", *options, str(source)]
        subprocess.run([*command, "-o", str(library)], check=True)
        return ctypes.CDLL(str(library))


class RawModule:
    """What cupy's has: kernels by name, called with grid, block and arguments."""

    def __init__(self, *, code: str, options: tuple[str, ...]) -> None:
        with _ONE_AT_A_TIME:
            self._library = _built(code, tuple(each for each in options if not each.startswith("-DTHREADS=")))

    def get_function(self, name: str) -> Any:
        kernel = getattr(self._library, name)
        kernel.restype = None

        def launched(grid: tuple[int], _block: tuple[int], arguments: tuple[Any, ...]) -> None:
            taken = [_argument(each) for each in arguments]
            with _ONE_AT_A_TIME:
                for block in range(grid[0]):
                    self._library.place(block, grid[0])
                    kernel(*taken)

        return launched


def _argument(value: Any) -> Any:
    match value:
        case None:
            return ctypes.c_void_p(None)
        case np.float64():
            return ctypes.c_double(value)
        case np.int64():
            return ctypes.c_longlong(value)
    assert value.held.flags.c_contiguous
    return ctypes.c_void_p(value.held.ctypes.data)
