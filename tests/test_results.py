from __future__ import annotations

import csv

import pytest
import xarray
from synthetic import headline_dataset

from simulate import plots, results


def test_run_is_read_back_as_it_was(tmp_path):
    dataset = headline_dataset()
    with results.output_folder(tmp_path / "a" / "b") as folder:
        results.write_run(folder, dataset)
    for path in (tmp_path / "a" / "b", tmp_path / "a" / "b" / "result.nc"):
        again = results.read_run(path)
        xarray.testing.assert_equal(again, dataset)
        assert again["capex"].attrs["units"] == "USD"
        assert again["capex"].attrs["ancillary_variables"].split()[0] == "capex_se"
        assert again.attrs["Conventions"].startswith("CF-")
        assert again.attrs["priors"] == dataset.attrs["priors"]
    rows = list(csv.reader((tmp_path / "a" / "b" / "percentiles.csv").read_text().splitlines()))
    assert rows[0] == ["quantity", "unit", "percentile", "value", "standard_error"]
    assert float(rows[1][3]) == float(dataset["capex"][0])


def test_coordinates_have_no_fill_value(tmp_path):
    results.write_dataset(tmp_path / "a.nc", headline_dataset())
    with xarray.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_cf=False) as raw:
        assert not any("_FillValue" in raw[name].attrs for name in ("percentile", "grid", "prior"))


def test_figure_is_written_the_same_twice(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        results.write_figure(tmp_path / name, "bands", plots.bands(headline_dataset(), ["capex"]))
    for file in ("bands.png", "bands.svg"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_leaves_the_folder_as_it_was(tmp_path, error):
    (tmp_path / "result.nc").write_text("old")

    def broken_off():
        with results.output_folder(tmp_path) as folder:
            (folder / "result.nc").write_text("ne")
            raise error

    with pytest.raises(error):
        broken_off()
    assert [path.name for path in tmp_path.iterdir()] == ["result.nc"]
    assert (tmp_path / "result.nc").read_text() == "old"


def test_failure_leaves_no_new_folder(tmp_path):
    with pytest.raises(KeyboardInterrupt), results.output_folder(tmp_path / "new"):
        raise KeyboardInterrupt
    assert not (tmp_path / "new").exists()


def test_files_of_an_earlier_run_give_way_and_others_stay(tmp_path):
    for name in ("result.nc", "bands.png", "notes.txt"):
        (tmp_path / name).write_text("old")
    with results.output_folder(tmp_path) as folder:
        (folder / "result.nc").write_text("new")
        assert (tmp_path / "result.nc").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "result.nc"]
    assert (tmp_path / "result.nc").read_text() == "new"


def test_open_result_can_be_replaced(tmp_path):
    results.write_dataset(tmp_path / "result.nc", headline_dataset())
    with xarray.open_dataset(tmp_path / "result.nc", engine="h5netcdf") as opened:
        with results.output_folder(tmp_path) as folder:
            results.write_run(folder, headline_dataset())
        assert float(opened["capex"][0]) == float(headline_dataset()["capex"][0])


def test_folder_that_cannot_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(results.ResultError, match="cannot be written"), results.output_folder(folder):
            pytest.fail("the block was entered")


def test_what_is_no_result_is_refused(tmp_path):
    (tmp_path / "broken.nc").write_text("nothing")
    headline_dataset()[["prior"]].to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    for name, reason in (
        ("broken.nc", "cannot be read"),
        ("other.nc", "no bands"),
        ("none.nc", "no such file"),
    ):
        with pytest.raises(results.ResultError, match=reason) as caught:
            results.read_run(tmp_path / name)
        assert "\n" not in str(caught.value)
