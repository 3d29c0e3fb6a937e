"""Scenarios that are saved: a Zarr store that xarray opens lazily, written part by part, asked again by verify."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import xarray
import zarr

import simulate
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.results import Result
from simulate.results.folder import output_folder
from simulate.results.store import CHUNK, DRAWS, Reader, Writer
from simulate.runs.draws import draw
from simulate.sampling.sampler import CHUNK as DRAWN_AT_ONCE
from simulate.scenarios import TOGETHER

TEXT = """
model = "none"
[priors]
a = {dist = "lognormal", p5 = 1, p95 = 5, unit = "USD"}
b = {dist = "choice", values = [1, 2, 3], unit = "1", label = "Größe"}
c = {value = 2, unit = "1"}
[quantities]
d = {formula = "a * b * c", unit = "USD"}
e = {formula = "b + c", unit = "1"}
"""
CONDITIONS = {"none": {}, "given": {"given": ["d < P50"]}, "observed": {"given": ["a < 4"], "observe": ["d = 9 +- 2"]}}


@pytest.fixture
def path(tmp_path):
    """A priors file."""
    path = tmp_path / "small.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def opened(folder):
    """A store as who has no dask opens it."""
    return xarray.open_zarr(folder / DRAWS, chunks=None)


@pytest.mark.parametrize("conditions", CONDITIONS)
def test_the_store_holds_what_draws_gives(command, tmp_path, path, conditions):
    asked = {"scenarios": 5000, "quantities": ["e", "d"], **CONDITIONS[conditions]}
    options = [*("--scenarios", 5000, "--quantities", "e,d"), "--format", "csv", "--save-draws"]
    options += [word for name in ("given", "observe") for text in asked.get(name, []) for word in (f"--{name}", text)]
    assert command("run", path, *options)[0] == 0
    drawn = simulate.draws(path, **asked)
    with opened(tmp_path / "out") as stored:
        assert not stored["value"].variable._in_memory
        assert stored.attrs == drawn.attrs
        assert {*stored.coords} == {*drawn.coords}
        for name in drawn.variables:
            assert stored[name].dims == drawn[name].dims
            assert stored[name].attrs == drawn[name].attrs
            assert np.array_equal(stored[name].values, drawn[name].values)


def test_parts_of_any_size_lie_behind_each_other(tmp_path):
    """Chunks of the store are cut otherwise than parts are; the last one is filled up, and nobody sees with what."""
    total, sizes = CHUNK + CHUNK // 2, (1, CHUNK // 3, CHUNK - 5, 4)
    values, places = np.random.default_rng(1).normal(size=(2, total)), np.arange(total)
    described, at = Result("draws", {"scenarios": total}, {"warnings": []}), 0
    described.along("quantity", ["a", "größe"])
    with output_folder(tmp_path / "out", [DRAWS]) as folder:
        store = Writer(folder, DRAWS)
        while at < total:
            for size in sizes:
                own = slice(at, min(at + size, total))
                part = Result("draws")
                part.beside("place", ("scenario",), places[own])
                part.put("value", ("quantity", "scenario"), values[:, own], unit="USD")
                if own.start < own.stop:
                    store.add(part)
                at += size
        store.finish(described)
    with opened(tmp_path / "out") as stored:
        assert stored["quantity"].values.tolist() == ["a", "größe"]
        assert stored["value"].attrs == {"units": "USD"}
        assert np.array_equal(stored["value"].values, values)
        assert np.array_equal(stored["place"].values, places)
    reader = Reader(tmp_path / "out" / DRAWS)
    assert reader.length == total
    for start, stop in ((0, 7), (CHUNK - 2, CHUNK + 2), (5, total)):
        assert np.array_equal(reader.part(start, stop)["value"], values[:, start:stop])


@pytest.mark.parametrize("scenarios", [2**17, 2**19])
def test_what_is_held_at_a_time_does_not_grow(scenarios):
    held = []
    draw(load_priors(TEXT), lambda part: held.append(part["place"].size), scenarios=scenarios)
    assert sum(held) == scenarios
    assert max(held) == min(TOGETHER * DRAWN_AT_ONCE, scenarios // 16)


def test_a_store_is_replaced_and_removed_with_its_run(command, tmp_path, path):
    """Also where the folder has a folder of the user's, and files are moved in one by one."""
    out = tmp_path / "out"
    ask = ("run", path, "--quantities", "e", "--format", "csv")
    for own in (False, True):
        if own:
            (out / "own").mkdir()
        for scenarios in (5000, 300):
            assert command(*ask, "--scenarios", scenarios, "--save-draws")[0] == 0
            with opened(out) as stored:
                assert stored.sizes["scenario"] == scenarios
            assert simulate.verify(out / DRAWS).exact
        assert command(*ask, "--scenarios", 300)[0] == 0
        assert not (out / DRAWS).exists()
        assert (out / "own").exists() == own
        assert [*tmp_path.rglob(".writing*"), *tmp_path.rglob(".replacing*")] == []


def test_draws_of_a_device_are_refused_before_the_run(command, tmp_path, path):
    code, _, err = command("run", path, "--scenarios", 10**9, "--save-draws", "--backend", "cupy")
    assert (code, err) == (2, "--save-draws: no scenarios are kept of --backend cupy; leave one of them out\n")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def store(tmp_path):
    """A store of 5,000 scenarios."""
    with output_folder(tmp_path / "out", [DRAWS]) as folder:
        store = Writer(folder, DRAWS)
        store.finish(draw(load_priors(TEXT), store.add, scenarios=5000))
    return tmp_path / "out" / DRAWS


def test_verify_names_the_scenario_that_differs(command, store):
    path = store / "value" / "0.0"
    values = np.fromfile(path)
    values[4321] *= 1.5
    values[4322] *= 1.25
    values.tofile(path)
    name = Reader(store).described.labels("quantity")[0]
    code, out, _ = command("verify", store)
    assert code == 1
    assert "1 variable differs" in out
    assert f"value at {name}, 4321: {values[4321]}" in out


def test_verify_tells_a_store_that_lacks_scenarios(store):
    metadata = json.loads((store / ".zmetadata").read_text())
    for each in metadata["metadata"].values():
        if each.get("shape", [0])[-1] == 5000:
            each["shape"][-1] = 4000
    (store / ".zmetadata").write_text(json.dumps(metadata))
    (difference,) = simulate.verify(store).differences
    assert (difference.name, difference.stored, difference.again) == ("scenario", 4000, 5000)


def _metadata(store, change):
    metadata = json.loads((store / ".zmetadata").read_text())
    change(metadata["metadata"])
    (store / ".zmetadata").write_text(json.dumps(metadata))


DAMAGE = {
    "a chunk is cut": lambda store: (store / "value" / "2.0").write_bytes(b"short"),
    "a chunk is gone": lambda store: (store / "value" / "2.0").unlink(),
    "a chunk is a folder": lambda store: ((store / "value" / "2.0").unlink(), (store / "value" / "2.0").mkdir()),
    "a text is none": lambda store: (store / "unit" / "0").write_bytes(
        b"\xff" * len((store / "unit" / "0").read_bytes())
    ),
    "metadata are cut": lambda store: (store / ".zmetadata").write_text('{"metadata": {"value/.zarray": {'),
    "metadata are a list": lambda store: (store / ".zmetadata").write_text("[]"),
    "metadata nest without end": lambda store: (store / ".zmetadata").write_text("[" * 10**5),
    "metadata are gone": lambda store: (store / ".zmetadata").unlink(),
    "another type": lambda store: _metadata(store, lambda told: told["value/.zarray"].update(dtype="|O")),
    "no type": lambda store: _metadata(store, lambda told: told["value/.zarray"].update(dtype="xyz")),
    "compressed": lambda store: _metadata(store, lambda told: told["value/.zarray"].update(compressor={"id": "zlib"})),
    "other chunks": lambda store: _metadata(store, lambda told: told["value/.zarray"].update(chunks=[2, 5000])),
    "no chunks": lambda store: _metadata(store, lambda told: told["value/.zarray"].update(chunks=[1, 0])),
    "endless": lambda store: _metadata(store, lambda told: told["value/.zarray"].update(shape=[5, 10**15])),
    "another place": lambda store: _metadata(store, lambda told: told.update({"../x/.zarray": told["value/.zarray"]})),
    "no dimensions": lambda store: _metadata(store, lambda told: told["value/.zattrs"].clear()),
    "nothing of ours": lambda store: (shutil.rmtree(store), zarr.create_group(store, zarr_format=2)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_store_is_refused_in_a_line(store, damage):
    DAMAGE[damage](store)
    with pytest.raises(SimulateError) as caught:
        simulate.verify(store)
    assert str(caught.value).startswith(f"{store}: ")
    assert "\n" not in str(caught.value)


def test_a_store_is_no_run(command, store):
    for name in ("run", "tornado", "check", "compare"):
        code, _, err = command(name, store, out=False)
        assert (code, err) == (2, f"{store}: is a result of `simulate draws`; give one of `simulate run`\n")
