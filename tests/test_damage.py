"""Result files that are damaged, foreign, huge or old, put to every question that takes one: one line each."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import h5netcdf
import numpy as np
import pytest
import xarray

import simulate
from simulate.comparison import cases_of
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.results import netcdf
from simulate.results.result import LAYOUT
from simulate.results.sources import read_source
from simulate.runs import run

TEXT = """
model = "none"
[run]
scenarios = 64
[priors]
a = {dist = "uniform", lower = 1, upper = 2, unit = "USD"}
[quantities]
b = {formula = "2 * a", unit = "USD"}
"""
DOORS = {"run, tornado, decide, check, explain": read_source, "compare": cases_of, "verify": simulate.verify}
COMMANDS = ("run", "check", "compare", "verify")


@pytest.fixture(scope="module")
def result():
    return run(load_priors(TEXT))


@pytest.fixture(scope="module")
def bare(result, tmp_path_factory):
    """The same as xarray writes it, with no digest behind it."""
    path = tmp_path_factory.mktemp("bare") / "bare.nc"
    result.to_dataset().to_netcdf(path, engine="h5netcdf")
    return path.read_bytes()


def refusal(ask, path):
    """The line with which a door refuses a file; '' where it takes it."""
    told = ""
    try:
        ask(path)
    except SimulateError as error:
        told = str(error)
    assert "\n" not in told
    return told


def damaged(content, chance):
    """A file with some bits flipped, cut off somewhere, or with a hole in it."""
    content, at = bytearray(content), chance.randrange(len(content))
    match chance.choice(["flip", "cut", "hole"]):
        case "flip":
            for _ in range(chance.choice([1, 1, 3, 30])):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        case "cut":
            del content[at:]
        case "hole":
            content[at : at + 64] = bytes(len(content[at : at + 64]))
    return bytes(content)


@pytest.mark.parametrize(
    "seeds", [range(20), pytest.param(range(20, 3020), marks=pytest.mark.long)], ids=["few", "3,000"]
)
def test_a_damaged_result_is_refused_in_a_line(result, tmp_path, seeds):
    whole, path = netcdf.written(result), tmp_path / "a.nc"
    head = len(whole) - len(netcdf.SEAL) - netcdf.DIGITS
    for seed in seeds:
        content = damaged(whole, random.Random(seed))
        if content == whole:
            continue
        path.write_bytes(content)
        if not refusal(read_source, path):  # its seal alone is broken, and another process has read it
            assert content[:head] == whole[:head]


# of the few, 18 and 64 let h5netcdf fail again as it closes
SEEDS = [(0, 18, 64), pytest.param(range(3, 503), marks=pytest.mark.long)]


@pytest.mark.parametrize("seeds", SEEDS, ids=["few", "500"])
def test_what_nobody_vouches_for_is_read_or_refused_in_a_line(bare, tmp_path, seeds):
    """A bit in the values goes unnoticed; the library must neither crash nor go on for ever in this process."""
    path = tmp_path / "a.nc"
    refused = 0
    for seed in seeds:
        path.write_bytes(damaged(bare, random.Random(seed)))
        refused += bool(refusal(read_source, path))
    assert refused > len(seeds) / 4


ODD = [None, 5, -1, np.nan, "x", [], {}, [5], ["x"], {"x": 5}, [{"path": "x"}], [{}], 10**30]


def mutants(result):
    """Results with a part of what describes them missing, or of another type."""
    for name in result.provenance:
        yield replace(result, provenance={key: value for key, value in result.provenance.items() if key != name})
        for value in ODD:
            yield replace(result, provenance={**result.provenance, name: value})
    for name in result.provenance["run"]:
        for value in ODD:
            yield replace(result, provenance={**result.provenance, "run": {**result.provenance["run"], name: value}})
    for name in result.attributes:
        yield replace(result, attributes={key: value for key, value in result.attributes.items() if key != name})
        for value in ("x", -1, np.nan, 1.5):
            yield replace(result, attributes={**result.attributes, name: value})
    for group in ("coordinates", "variables"):
        for name in getattr(result, group):
            yield replace(result, **{group: {key: each for key, each in getattr(result, group).items() if key != name}})
    yield replace(result, question="nothing")
    for value in (np.nan, -5.0, 200.0):
        percents = replace(result.coordinates["percentile"], values=np.full(5, value))
        yield replace(result, coordinates={**result.coordinates, "percentile": percents})


@pytest.mark.parametrize("step", [35, pytest.param(1, marks=pytest.mark.long)], ids=["few", "all"])
def test_what_a_result_lacks_or_has_otherwise_is_told_in_a_line(result, tmp_path, step):
    path, made = tmp_path / "a.nc", [*mutants(result)]
    assert len(made) > 250
    refused = 0
    for mutant in made[::step]:
        path.write_bytes(netcdf.written(mutant))
        refused += sum(bool(refusal(door, path)) for door in DOORS.values())
    assert refused > len(made[::step])


def foreign(path):
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"x": 2}
        file.create_variable("y", ("x",), float)


def huge(path):
    with path.open("wb") as file:
        os.truncate(file.fileno(), 10**10)


def endless(path):
    with h5netcdf.File(path, "w") as file:
        file.attrs.update({"provenance": "{}", "layout": LAYOUT, "question": "run"})
        file.dimensions = {"x": 2**40}
        file.create_variable("y", ("x",), float, chunks=(2**16,))


MADE = {
    "other netCDF": (foreign, "no result of `simulate`"),
    "text": (lambda path: path.write_text("nothing"), "is no netCDF file"),
    "empty": (lambda path: path.write_text(""), "is no netCDF file"),
    "folder": (lambda path: path.mkdir(), "there is no such file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a device or a terminal"),
    "loop": (lambda path: path.symlink_to(path), "is a link that leads back to itself"),
    "10 GB": (huge, "has 10,000,000,000 bytes or more, above the limit of 4,294,967,296"),
    "10 TB in few bytes": (endless, "y has 1,099,511,627,776 values"),
    "older": (
        lambda path: xarray.Dataset(attrs={"priors": "{}"}).to_netcdf(path, engine="h5netcdf"),
        "written by an earlier version",
    ),
}


@pytest.mark.parametrize("made", MADE)
def test_what_is_no_result_is_told_in_a_line(command, tmp_path, made):
    path = tmp_path / "a.nc"
    make, wanted = MADE[made]
    make(path)
    for name in COMMANDS:
        code, out, err = command(name, path, out=False)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert wanted in err


def test_a_silent_pipe_is_told_in_a_line(command, tmp_path):
    os.mkfifo(tmp_path / "a.nc")
    line = f"{tmp_path / 'a.nc'}: has not come to an end in 1 second; write it to a file, and name that\n"
    assert command("verify", tmp_path / "a.nc") == (2, "", line)
