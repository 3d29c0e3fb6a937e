"""What it takes to keep the scenarios of a run: Zarr, Parquet and HDF5 beside each other, written part by part.

    python -m benchmarks stores [--scenarios 1e7]

Each way is a process of its own, which writes 40 columns of lognormal draws, 65,536 scenarios at a time, and reads one
column of all. The first way is that of `simulate run --save-draws`. What it takes to draw is not counted.

Writes benchmarks/stores.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import ROOT, TABLES, host, peak_memory, processor_seconds, table
from simulate.results import Result
from simulate.results.folder import output_folder
from simulate.results.store import CHUNK, DRAWS, Writer

PART, COLUMNS, READ = 2**16, 40, 7
Parts = Iterator[np.ndarray[Any, Any]]


def by_simulate(folder: Path, parts: Parts, scenarios: int) -> Callable[[], Any]:
    import xarray

    del scenarios
    with output_folder(folder, [DRAWS]) as files:
        store = Writer(files, DRAWS)
        for values in parts:
            part = Result("draws")
            part.put("value", ("quantity", "scenario"), values)
            store.add(part)
        store.finish(Result("draws"))
    return lambda: xarray.open_zarr(folder / DRAWS, chunks=None)["value"][READ].values


def by_zarr(folder: Path, parts: Parts, scenarios: int, compressors: Any = None) -> Callable[[], Any]:
    import zarr

    path, at = folder / "draws.zarr", 0
    shape, chunks = (COLUMNS, scenarios), (1, CHUNK)
    stored = zarr.create_array(path, shape=shape, chunks=chunks, dtype=float, compressors=compressors)
    held, filled = np.empty((COLUMNS, CHUNK)), 0  # for a chunk is written as a whole
    for values in parts:
        held[:, filled : filled + values.shape[1]] = values
        filled += values.shape[1]
        if filled == CHUNK or at + filled == scenarios:
            stored[:, at : at + filled] = held[:, :filled]
            at, filled = at + filled, 0
    return lambda: zarr.open_array(path)[READ]


def by_pyarrow(folder: Path, parts: Parts, scenarios: int, **options: Any) -> Callable[[], Any]:
    from pyarrow import array, float64, parquet, record_batch
    from pyarrow import schema as columns

    del scenarios
    path, names = folder / "draws.parquet", [f"column {each}" for each in range(COLUMNS)]
    schema = columns([(name, float64()) for name in names])
    with parquet.ParquetWriter(path, schema, use_dictionary=False, **options) as file:
        for values in parts:
            file.write_batch(record_batch([array(row) for row in values], schema=schema))
    return lambda: np.asarray(parquet.read_table(path, columns=[names[READ]])[0])


def by_h5py(folder: Path, parts: Parts, scenarios: int) -> Callable[[], Any]:
    import h5py

    path, at = folder / "draws.nc", 0
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("value", (COLUMNS, scenarios), chunks=(1, PART), dtype=float)
        for values in parts:
            stored[:, at : at + values.shape[1]] = values
            at += values.shape[1]
    return lambda: h5py.File(path)["value"][READ]


WAYS: dict[str, Callable[[Path, Parts, int], Callable[[], Any]]] = {
    "Zarr, written by hand": by_simulate,
    "Zarr by zarr": by_zarr,
    "Zarr by zarr, zstd": lambda *asked: by_zarr(*asked, "auto"),
    "Parquet by pyarrow": lambda *asked: by_pyarrow(*asked, compression="none"),
    "Parquet by pyarrow, zstd": lambda *asked: by_pyarrow(*asked, compression="zstd"),
    "Parquet by pyarrow, zstd, bytes split": lambda *asked: by_pyarrow(
        *asked, compression="zstd", use_byte_stream_split=True
    ),
    "HDF5 by h5py": by_h5py,
}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def measured(way: str, scenarios: int) -> dict[str, float]:
    """Seconds of processor time, bytes and MiB that a way takes, in this process."""

    def parts(scenarios: int) -> Parts:
        random = np.random.default_rng(1)
        for at in range(0, scenarios, PART):
            yield np.exp(random.standard_normal((COLUMNS, min(PART, scenarios - at))))

    with tempfile.TemporaryDirectory() as folder:
        WAYS[way](_made(Path(folder) / "first"), parts(PART), PART)()  # which imports what it takes
        begin = processor_seconds()
        for _ in parts(scenarios):
            pass
        drawn = processor_seconds()
        read = WAYS[way](_made(Path(folder) / way), parts(scenarios), scenarios)
        written = processor_seconds()
        assert len(read()) == scenarios
        reading, peak = processor_seconds() - written, peak_memory()
        size = sum(path.stat().st_blocks * 512 for path in (Path(folder) / way).rglob("*") if path.is_file())
    return {"writing": written - drawn - (drawn - begin), "reading": reading, "size": size, "memory": peak}


def main() -> None:
    """Measure each way in a process of its own, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=float, default=1e7)
    parser.add_argument("--way", choices=WAYS, help="measure this one here, and print it as JSON")
    asked = parser.parse_args()
    scenarios = int(asked.scenarios)
    if asked.way:
        print(json.dumps(measured(asked.way, scenarios)))
        return
    rows = []
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks", "stores", "--scenarios", str(scenarios), "--way", way]
        found = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)
        figures = f"{found['writing']:.1f} s", f"{found['reading']:.2f} s", f"{found['size'] / 1e9:.2f} GB"
        rows.append([way, *figures, f"{found['memory']:.0f} MiB"])
    heads = ["way", "to write", "to read a column", "size", "memory"]
    text = f"{scenarios:,} scenarios of {COLUMNS} columns, processor time. {host()}.\n\n{table(heads, rows)}\n"
    (TABLES / "stores.md").write_text(f"# Stores of scenarios\n\n{text}", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
