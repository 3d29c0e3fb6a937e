"""Results: one layout in memory, in netCDF files and as Datasets, and the folders that they lie in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
import xarray
from synthetic import headline_result

from simulate.decisions import decide
from simulate.errors import SimulateError
from simulate.formats import FORMATS
from simulate.priors import load_priors
from simulate.results import Result, netcdf
from simulate.results import folder as folders
from simulate.results.provenance import STATED, described, settings_of
from simulate.results.result import LAYOUT
from simulate.runs import draws, run
from simulate.runs.plots import bands

# Names of the user's that are also ours, or look like it.
NAMES = """
model = "none"
[run]
scenarios = 4096
[priors]
prior = { dist = "normal", mean = 10, sd = 3, unit = "USD" }
percentile = { dist = "uniform", lower = 0, upper = 1 }
replicate = { value = 4 }
[quantities]
x = { formula = "prior * percentile", unit = "USD" }
x_se = { formula = "x + replicate * percentile", label = "Größe €" }
se = { formula = "x_se - prior" }
mean = { formula = "sqrt(percentile - 0.5)" }
mean_se = { formula = "mean + 1" }
percentiles = { formula = "2 * percentile" }
quantity = { formula = "3 * replicate" }
unit = { formula = "4 * percentile" }
label = { formula = "5 * percentile" }
fine_percentile = { formula = "6 * percentile" }
scenario = { formula = "7 * percentile" }
question = { formula = "8 * percentile" }
x_mean = { formula = "9 * percentile" }
case = { formula = "10 * percentile" }
"""


def named():
    return load_priors(NAMES)


RESULTS = {
    "synthetic": headline_result,
    "names": lambda: run(named(), quantities="all"),
    "questions": lambda: run(
        named(),
        scenarios=2**14,
        quantities=["x", "se"],
        probability=["x > 2", "se > 100"],
        given=["percentile > 0.25"],
        observe=["x = 6 +- 3"],
        statistics=["shortest 90", "expected_shortfall 95"],
    ),
    "draws": lambda: draws(named(), scenarios=100, quantities="all"),
}


def assert_same(result: Result, again: Result) -> None:
    """To the bit, nan included, with all that describes it."""
    assert again.question == result.question
    assert again.attributes == result.attributes
    assert {name: type(value) for name, value in again.attributes.items()} == {
        name: type(value) for name, value in result.attributes.items()
    }
    assert again.provenance == result.provenance
    for ours, theirs in ((result.coordinates, again.coordinates), (result.variables, again.variables)):
        assert set(theirs) == set(ours)
        for name, variable in ours.items():
            other = theirs[name]
            assert other.dims == variable.dims, name
            assert (other.label, other.unit, other.unit_of) == (variable.label, variable.unit, variable.unit_of), name
            assert other.values.dtype == variable.values.dtype, name
            if variable.values.dtype == object:
                assert other.values.tolist() == variable.values.tolist(), name
            else:
                assert other.values.tobytes() == variable.values.tobytes(), name


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_read_back_as_it_was(tmp_path, name):
    result = RESULTS[name]()
    path = tmp_path / "result.nc"
    path.write_bytes(netcdf.written(result))
    again = netcdf.read(path)
    assert_same(result, again)
    assert [*again.coordinates, *again.variables] == [*result.coordinates, *result.variables]


@pytest.mark.parametrize("name", RESULTS)
def test_a_dataset_is_a_result_and_back(name):
    result = RESULTS[name]()
    assert_same(result, Result.of_dataset(result.to_dataset()))


@pytest.mark.parametrize("name", RESULTS)
def test_a_file_is_the_dataset(tmp_path, name):
    """What xarray reads, and what it writes, is what we write and read."""
    result = RESULTS[name]()
    path, other = tmp_path / "result.nc", tmp_path / "other.nc"
    path.write_bytes(netcdf.written(result))
    with xarray.open_dataset(path, engine="h5netcdf") as dataset:
        xarray.testing.assert_equal(dataset.load(), result.to_dataset())
        assert set(dataset.coords) == set(result.coordinates)
        assert_same(result, Result.of_dataset(dataset))
        dataset.to_netcdf(other, engine="h5netcdf")
    again = netcdf.read(other)
    assert again.provenance == result.provenance
    for each, variable in result.variables.items():
        assert np.array_equal(again[each], variable.values, equal_nan=True), each


def stored(content: bytes) -> dict[str, object]:
    """All that an HDF5 file holds, in its order, with scales by their names: to the bit."""

    def plain(value: object) -> object:
        match value:
            case h5py.Reference():
                return file[value].name
            case list() | tuple():
                return [plain(each) for each in value]
            case np.ndarray() if value.dtype.hasobject:
                return plain(value.tolist())
            case np.ndarray() | np.generic():
                return value.dtype.str, value.shape, value.tobytes()
        return value

    found: dict[str, object] = {}
    with h5py.File(io.BytesIO(content)) as file:
        for name, each in file.items():
            found[name] = [each.dtype.str, each.shape, each.maxshape, each.compression, plain(each[...])]
        for holder in (file, *file.values()):
            for name, value in holder.attrs.items():
                told = plain(value)  # scales keep no order of what they are attached to
                found[f"{holder.name}@{name}"] = sorted(told) if name == "REFERENCE_LIST" else told
    return found


@pytest.mark.skipif(
    tuple(map(int, h5netcdf.__version__.split(".")[:2])) < (1, 8), reason="before, it left out some attributes"
)
@pytest.mark.parametrize("name", RESULTS)
def test_a_file_is_what_a_library_of_netcdf_writes(name):
    """Variables, attributes and scales; who has written it is told otherwise."""
    result = RESULTS[name]()
    result.put("nowhere", ("odd", "nothing"), np.zeros((3, 0)), np.zeros((3, 0)), label="Nothing")
    content, theirs = netcdf.written(result), io.BytesIO()
    assert content == netcdf.written(result)
    dataset = result.to_dataset()
    auxiliary = [name for name in result.coordinates if name not in dataset.sizes]
    with h5netcdf.File(theirs, "w") as file:
        file.dimensions.update({str(dimension): length for dimension, length in dataset.sizes.items()})
        for each, variable in {**result.coordinates, **result.variables}.items():
            kind = h5py.string_dtype() if variable.values.dtype == object else variable.values.dtype
            written = file.create_variable(each, variable.dims, kind, data=variable.values)
            for key, text in result.attributes_of(each).items():
                written.attrs[key] = text
        for key, value in {**result.described(), "coordinates": " ".join(auxiliary)}.items():
            file.attrs[key] = value
    ours, expected = stored(content), stored(theirs.getvalue())
    assert ours.pop("/@_NCProperties") != expected.pop("/@_NCProperties")
    assert set(ours) == set(expected)
    for each, held in ours.items():
        assert held == expected[each], each
    assert_same(result, netcdf.parsed(theirs.getvalue(), "theirs"))


def test_users_names_are_labels():
    result = RESULTS["names"]()
    assert set(result.labels("quantity")) == set(named().quantities)
    assert result.at("mean", quantity="quantity") == 12
    assert result.at("percentiles", quantity="percentiles", percentile=50) == pytest.approx(1, abs=1e-3)
    x, x_se = (result.at("mean", quantity=name) for name in ("x", "x_se"))
    assert x == pytest.approx(5, rel=0.01)
    assert x_se == pytest.approx(x + 2, rel=1e-3)
    assert result.at("mean_se", quantity="x_se") < 0.1
    assert result.at("label", quantity="x_se") == "Größe €"
    dataset = result.to_dataset()
    assert float(dataset["mean"].sel(quantity="mean")) == result.at("mean", quantity="mean")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_prior_beside_a_quantity_is_not_its_standard_error(form):
    """q_se is a prior of spread 1, and q three times it: the standard errors of q are of sampling, far smaller."""
    prior = 'model = "none"\n[priors]\nq_se = {dist = "normal", mean = 5, sd = 1}\n'
    result = run(
        load_priors(prior + '[quantities]\nq = {formula = "3 * q_se"}\n'), scenarios=2**14, quantities=["q", "q_se"]
    )
    file = io.StringIO()
    FORMATS[form](result, list, file)
    if form == "json":
        told = json.loads(file.getvalue())["result"]["quantities"]["q"]["percentiles"]["standard_error"].values()
    else:
        rows = list(csv.DictReader(file.getvalue().splitlines()))
        told = [row["standard_error"] for row in rows if (row["quantity"], row["figure"]) == ("q", "percentiles")]
    assert [*map(float, told)] == result.at("percentiles_se", quantity="q").tolist()
    assert max(map(float, told)) < 0.1


def test_no_unit_is_a_time_to_those_who_read_files(tmp_path):
    """xarray takes plurals, and what is since a day, for times: they are no units here."""
    text = 'model = "none"\n[priors]\nt = {dist = "normal", mean = 5, sd = 1, unit = "%s"}\n'
    text += '[quantities]\ny = {formula = "2 * t"}\n'
    for unit in ("seconds since 1970-01-01", "seconds", "days", "hours", "minutes"):
        with pytest.raises(SimulateError, match="there is no unit"):
            load_priors(text % unit)
    path = tmp_path / "a.nc"
    for unit in ("second", "min", "day", "month", "ns"):
        choices = "".join(f'[choices.c{each}.quantities.y]\nformula = "{each} * t"\n' for each in (1, 2))
        result = decide(load_priors(text % unit + choices), quantities=["y"], scenarios=1024)
        path.write_bytes(netcdf.written(result))
        with xarray.open_dataset(path, engine="h5netcdf") as dataset:
            assert dataset["evpi"].attrs["units"] == unit
            assert {dataset[name].dtype.kind for name in ("evpi", "mean", "evppi")} == {"f"}


def test_parts_are_taken_by_label():
    result = headline_result()
    row = result.at("percentiles", quantity="capex")
    assert row.shape == (5,)
    assert result.at("percentiles", quantity="capex", percentile=50) == row[2]
    assert type(result.at("percentiles", quantity="capex", percentile=50)) is float
    assert result.at("percentiles", percentile=50).tolist() == result["percentiles"][:, 2].tolist()
    value, error = result.estimate("mean", quantity="capex")
    assert error == pytest.approx(1e-3 * value)
    assert result.unit("percentiles", quantity="opex_per_year", percentile=5) == "USD/year"
    assert result.unit("variance_share", quantity="capex", prior="speed") == "1"
    assert result.labels("scenario") == []
    with pytest.raises(ValueError, match="is not in list"):
        result.at("mean", quantity="capx")


def test_taken_labels_leave_the_rest_as_it_is():
    result = headline_result()
    part = result.taken("percentile", [95.0, 50.0])
    assert part.labels("percentile") == [95, 50]
    assert part["percentiles"].tolist() == result["percentiles"][:, [4, 2]].tolist()
    assert part["mean"] is result["mean"]
    assert result.labels("percentile") == [5, 25, 50, 75, 95]


def test_figures_are_the_variables_without_their_errors():
    result = RESULTS["questions"]()
    assert set(result.figures()) == {name for name in result.variables if name + "_se" in result.variables} | {
        "minimum",
        "maximum",
        "nonfinite",
        "prior_median_given",
        "prior_median_probability",
        "prior_median_shift",
        "prior_distance",
        "fine_percentiles",
        "variance_share",
        "variance_share_by_evidence",
        "variance_share_together",
        "variance_of_logarithm",
        "direction",
        "rank_correlation",
        "prior_percentiles",
        "prior_percentiles_given",
        "prior_probability_given",
    }


def test_settings_are_told_and_read_back():
    priors = named()
    settings = priors.run.asked(
        scenarios=2**14,
        seed=5,
        scheme="random",
        percentiles=[10, 90],
        given=["percentile > 0.25"],
        observe=["x = 6 +- 3"],
    )
    asked = {
        name: getattr(settings, name) for name in ("scenarios", "seed", "scheme", "percentiles", "given", "observe")
    }
    again = settings_of(run(priors, quantities=["x"], **asked))
    assert {name: getattr(again, name) for name in asked} == asked


def test_units_are_attributes_that_readers_know():
    dataset = headline_result().to_dataset()
    assert dataset["percentiles"].attrs == {
        "long_name": "percentiles",
        "units_from": "unit",
        "ancillary_variables": "percentiles_se",
    }
    assert dataset["nonfinite"].attrs["units"] == "1"
    assert dataset["percentile"].attrs["units"] == "percent"
    assert "Conventions" not in dataset.attrs  # CF has no unit of money
    assert dataset.attrs["layout"] == LAYOUT
    assert json.loads(dataset.attrs["provenance"])["asked"] == dataset["quantity"].values.tolist()


def test_coordinates_have_no_fill_value(tmp_path):
    path = tmp_path / "a.nc"
    path.write_bytes(netcdf.written(headline_result()))
    with xarray.open_dataset(path, engine="h5netcdf", decode_cf=False) as raw:
        assert not any("_FillValue" in raw[name].attrs for name in raw.variables)


# ---------------------------------------------------------------------------------------------------------
# What is no result


def old_dataset():
    """As versions before wrote a run: a variable for each quantity and statistic."""
    return xarray.Dataset(
        {"capex": ("percentile", [1.0, 2.0]), "capex_se": ("percentile", [0.1, 0.1]), "capex_mean": 1.5},
        {"percentile": [5.0, 95.0]},
        {"title": "Old", "scenarios": 16, "seed": 7, "scheme": "sobol", "priors": "{}", "nonfinite": "[]"},
    )


REFUSED = {
    "old": (old_dataset, "written by an earlier version; run the priors file again"),
    "other": (lambda: xarray.Dataset({"a": 1.0}), "no result of `simulate`; run the priors file again"),
    "later": (
        lambda: headline_result().to_dataset().assign_attrs(layout=LAYOUT + 1),
        f"has layout {LAYOUT + 1}, and this version reads {LAYOUT}; run it again",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_result_of_this_layout_is_refused_in_a_line(tmp_path, name):
    made, message = REFUSED[name]
    path = tmp_path / "result.nc"
    made().to_netcdf(path, engine="h5netcdf")
    for where in (path, tmp_path):
        with pytest.raises(SimulateError) as caught:
            folders.read_run(where)
        assert str(caught.value) == f"{path}: {message}"
    with pytest.raises(SimulateError) as caught:
        Result.of_dataset(made())
    assert str(caught.value) == f"the Dataset: {message}"


def test_what_cannot_be_read_is_refused_in_a_line(tmp_path):
    whole = netcdf.written(headline_result())
    for name, content in (("text.nc", b"nothing"), ("empty.nc", b""), ("half.nc", whole[: len(whole) // 2])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SimulateError, match=rf"{name}: (is no netCDF file|cannot be read as netCDF: )") as caught:
            folders.read_run(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(SimulateError, match=r"none\.nc: there is no such file"):
        folders.read_run(tmp_path / "none.nc")


def test_another_question_is_no_run(tmp_path):
    path = tmp_path / "draws.nc"
    path.write_bytes(netcdf.written(draws(named(), scenarios=16)))
    with pytest.raises(SimulateError, match=r"draws\.nc: is a result of `simulate draws`; give one of `simulate run`"):
        folders.read_run(path)


# ---------------------------------------------------------------------------------------------------------
# Folders


def test_figure_is_drawn_the_same_twice():
    first, second = (folders.pictures("bands", bands(headline_result())) for _ in range(2))
    assert first == second
    assert first.keys() == {"bands.png", "bands.svg"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_leaves_the_folder_as_it_was(tmp_path, error):
    (tmp_path / "result.nc").write_text("old")

    def broken_off():
        with folders.output_folder(tmp_path, ["result.nc", "bands.png"]) as folder:
            folder.write("result.nc", b"ne")
            raise error

    with pytest.raises(error):
        broken_off()
    assert [path.name for path in tmp_path.iterdir()] == ["result.nc"]
    assert (tmp_path / "result.nc").read_text() == "old"


def test_failure_leaves_no_new_folder(tmp_path):
    with pytest.raises(KeyboardInterrupt), folders.output_folder(tmp_path / "new", []):
        raise KeyboardInterrupt
    assert not (tmp_path / "new").exists()


def test_files_of_an_earlier_run_give_way_and_others_stay(tmp_path):
    for name in ("result.nc", "bands.png", "notes.txt"):
        (tmp_path / name).write_text("old")
    with folders.output_folder(tmp_path, ["result.nc", "bands.png", "bands.svg"]) as folder:
        folder.write("result.nc", b"new")
        assert (tmp_path / "result.nc").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "result.nc"]
    assert (tmp_path / "result.nc").read_text() == "new"


def test_open_result_can_be_replaced(tmp_path):
    path = tmp_path / "result.nc"
    path.write_bytes(netcdf.written(headline_result()))
    with xarray.open_dataset(path, engine="h5netcdf") as opened:
        with folders.output_folder(tmp_path, ["result.nc"]) as folder:
            folder.write("result.nc", netcdf.written(headline_result()))
        assert opened["percentiles"].values.tolist() == headline_result()["percentiles"].tolist()


def test_folder_that_cannot_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SimulateError, match="cannot be written"), folders.output_folder(folder, []):
            pytest.fail("the block was entered")


def test_what_a_result_rests_on_is_described_without_figures():
    priors = named()
    from simulate.scenarios import Drawing

    drawn = Drawing({"": priors}, priors.run).scenarios("", ["x"])
    result = described("run", priors, priors.run, drawn)
    assert (result.variables, result.coordinates, result.warnings) == ({}, {}, [])
    assert result.attributes["scenarios"] == 4096
    assert result.provenance["files"][0]["text"] == NAMES
    assert set(result.provenance) == {"warnings", "aging", *STATED}


def test_a_folder_has_a_name_whatever_leads_to_it(tmp_path, monkeypatch):
    (tmp_path / "mine" / "below").mkdir(parents=True)
    (tmp_path / "mine" / "result.nc").write_bytes(netcdf.written(headline_result()))
    for place, path in (("mine/below", ".."), ("mine", "."), ("mine/below", "../."), (".", "mine/below/..")):
        monkeypatch.chdir(tmp_path / place)
        assert folders.name_of(Path(path)) == "mine"


def numbered(folder, text, files=("result.nc", "bands.png")):
    """Write a set of one file into a folder."""
    with folders.output_folder(folder, files) as replacement:
        replacement.write("result.nc", text.encode())
    return {path.name: path.is_dir() or path.read_text() for path in folder.iterdir()}


def test_files_of_the_users_own_stay_whatever_they_are(tmp_path, monkeypatch):
    """The folder is exchanged, or where it cannot be, its files are."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "bands.png").write_text("old")
    (folder / "notes.txt").write_text("own")
    folder.chmod(0o750)
    first = folder.stat()
    assert numbered(folder, "1") == {"result.nc": "1", "notes.txt": "own"}
    assert folder.stat().st_ino != first.st_ino
    assert folder.stat().st_mode == first.st_mode
    (folder / "mine").mkdir()
    (folder / "bands.png").write_text("old")
    first = folder.stat()
    assert numbered(folder, "2") == {"result.nc": "2", "notes.txt": "own", "mine": True}
    assert folder.stat().st_ino == first.st_ino
    (folder / "mine").rmdir()
    monkeypatch.chdir(folder)
    assert numbered(Path(), "3") == {"result.nc": "3", "notes.txt": "own"}
    assert folder.stat().st_ino == first.st_ino
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(folder)
    assert numbered(tmp_path / "link", "4") == {"result.nc": "4", "notes.txt": "own"}
    assert (tmp_path / "link").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"out", "link"}


def test_a_replacement_that_was_broken_off_is_completed_by_who_comes_next(tmp_path):
    begun = tmp_path / ".replacing-1"
    begun.mkdir()
    whole = netcdf.written(headline_result())
    (begun / "result.nc").write_bytes(whole)
    (begun / ".gone").write_text("bands.png\nnone.png\nold.zarr")
    (tmp_path / "bands.png").write_text("old")
    (tmp_path / "result.nc").write_text("old")
    for store, file in (
        (begun / "draws.zarr", "new"),
        (tmp_path / "draws.zarr", "old"),
        (tmp_path / "old.zarr", "old"),
    ):
        store.mkdir()
        (store / file).write_text("")
    assert_same(headline_result(), folders.read_run(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"result.nc", "draws.zarr"}
    assert [path.name for path in (tmp_path / "draws.zarr").iterdir()] == ["new"]


def test_what_dead_runs_left_is_removed_and_what_living_ones_write_is_not(tmp_path):
    (tmp_path / ".writing-dead").mkdir()
    with folders.output_folder(tmp_path / "one", []) as one:
        assert not (tmp_path / ".writing-dead").exists()
        assert numbered(tmp_path / "two", "2") == {"result.nc": "2"}
        one.write("result.nc", b"1")
    assert (tmp_path / "one" / "result.nc").read_text() == "1"
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


def test_a_folder_is_of_the_file_whose_result_lies_in_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "b/c/b"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "mine.toml").write_text(NAMES, encoding="utf-8")

    def placed(path):
        place, kept = folders.default_folder("mine", [Path(path)])
        with folders.output_folder(place, ["result.nc"]) as folder:
            folder.write("result.nc", netcdf.written(run(load_priors(Path(path)), quantities=["x"])))
        return str(place), kept

    kept = "outputs/mine/ is of a/mine.toml"
    for _ in range(2):
        assert placed("a/mine.toml") == ("outputs/mine", "")
        assert placed(tmp_path / "b" / "mine.toml") == ("outputs/b-mine", kept)
        assert placed("b/c/b/mine.toml") == ("outputs/c-b-mine", kept)
    (tmp_path / "a" / "mine.toml").unlink()
    assert placed("b/mine.toml") == ("outputs/mine", "")
