from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from itertools import pairwise

import pytest

from simulate import comparison, engine, results
from simulate.cli import main
from simulate.comparison import cases
from simulate.comparison import plots as comparison_plots
from simulate.comparison import report as comparison_report
from simulate.priors import load_priors
from simulate.tables import plain

QUICK = ("--scenarios", "4096")
GUOSHENG, BASE = "priors/guosheng-2023.toml", "priors/base.toml"


@pytest.fixture
def compare(monkeypatch, capsys, tmp_path):
    """Run `simulate compare` in this process: its exit code, stdout and stderr."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments, out=True):
        place = ["--out", str(tmp_path / "out")] if out else []
        monkeypatch.setattr(sys, "argv", ["simulate", "compare", *arguments, *place])
        try:
            main()
            code = 0
        except SystemExit as error:
            code = error.code or 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture(scope="module")
def two():
    files = [load_priors(path) for path in (GUOSHENG, BASE)]
    made = cases.cases([(file.path, file) for file in files])
    return comparison.compare(made, scenarios=4096, pairs=2, quantities=["capex", "opex_per_year"])


def test_tables_and_files(compare, tmp_path):
    code, out, err = compare(GUOSHENG, BASE, *QUICK, "--quantities", "training_cost,cost_per_question")
    assert code == 0
    assert err == "warning: guosheng-2023 does not have cost_per_question: blank there\n"
    assert out.startswith("Inputs of base that differ from guosheng-2023\n")
    assert "base − guosheng-2023" in out
    assert "Training cost: from guosheng-2023 to base" in out
    assert not re.search(r"\bnan\b", out)
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == set(comparison_report.file_names(["guosheng-2023", "base"]))


def test_json_on_stdout_and_no_pictures_of_before(compare, tmp_path):
    arguments = (BASE, "--vary", "pue=1.1,1.2", *QUICK, "--quantities", "opex_per_year")
    assert compare(*arguments)[0] == 0
    assert (tmp_path / "out" / "waterfall.svg").exists()
    code, out, err = compare(*arguments, "--format", "json", "--bridge", "mean", "--scale", "log")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["cases"] == ["base", "base-2"]
    assert told["labels"]["base-2"] == "pue=1.2"
    opex = told["quantities"]["opex_per_year"]
    means = [opex["cases"][name]["mean"] for name in told["cases"]]
    assert list(opex["bridge"]["base-2"]) == ["mean"]
    assert opex["bridge"]["base-2"]["mean"]["pue"] == pytest.approx(math.log(means[1] / means[0]), rel=1e-12)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"compare.csv", "compare.json"}
    assert (tmp_path / "out" / "compare.json").read_text() == out


def test_folder_of_its_own_and_earlier_runs(compare, tmp_path, monkeypatch):
    file = tmp_path / "mine.toml"
    file.write_text(
        'model = "none"\n[priors.a]\ndist = "normal"\nmean = 9\nsd = 1\n[quantities.b]\nformula = "a"\n'
    )
    monkeypatch.chdir(tmp_path)
    run = engine.run(load_priors("mine.toml", ["a=5"]), 4096)
    (tmp_path / "outputs" / "mine").mkdir(parents=True)
    results.write_run(tmp_path / "outputs" / "mine", run)
    code, out, err = compare("outputs/mine", "mine.toml", "--format", "csv", out=False)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out[out.index("quantity,unit,case") :])))
    (part,) = (row for row in rows if row["figure"] == "bridge" and row["statistic"] == "50")
    assert (part["change"], part["case"]) == ("a", "mine-2")
    assert float(part["value"]) == pytest.approx(4, abs=0.01)
    assert (tmp_path / "outputs" / "mine-vs-mine-2" / "compare.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((BASE,), "one case compares with nothing"),
        ((BASE, "--vary", "pue"), "lists no values"),
        ((BASE, GUOSHENG, "--vary", "pue=1,2"), "name that alone"),
        ((BASE, BASE, "--bridge", "x"), "not a list of numbers"),
        ((BASE, BASE, "--bridge", "100"), "100 is no percentile"),
        ((BASE, "outputs-of-nobody.nc"), "there is no such file"),
    ],
)
def test_refusals(compare, tmp_path, arguments, message):
    code, out, err = compare(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert not (tmp_path / "out").exists()


def test_markdown_has_the_tables_of_the_terminal(two):
    text = comparison_report.markdown(two)
    assert "| change | P50 million USD | ± |" in text
    for line in text.splitlines():
        assert line == "" or line[0] in "|#" or not line.startswith(" ")
    headings = [section.heading for section in comparison_report.sections(two)]
    assert [line[4:] for line in text.splitlines() if line.startswith("### ")] == headings


def test_the_parts_of_a_table_leave_none_out(two):
    against = two.quantities["capex"].alternatives["base"]
    shown = comparison_report.shown_parts(against.bridges[50.0])
    values = [abs(part.value) for part in against.bridges[50.0].parts if part.name in shown]
    rest = [abs(part.value) for part in against.bridges[50.0].parts if part.name not in shown]
    assert len(shown) == comparison_report.PARTS
    assert min(values) >= max(rest)
    text = plain(comparison_report.report(two, 100))
    assert "nothing here" in text
    assert max(map(len, text.splitlines())) <= 100


def test_every_picture_shows_every_case(two):
    drawn = comparison_plots.figures(two)
    assert set(drawn) == {"bands", "exceedance", "waterfall"}
    for name in ("bands", "exceedance"):
        (legend,) = drawn[name].legends
        assert [text.get_text() for text in legend.get_texts()] == ["guosheng-2023", "base"]
    panel = drawn["waterfall"].axes[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert (labels[0], labels[-1]) == ("guosheng-2023", "base")
    # Each bar but the last begins where the one before has ended.
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in panel.patches]
    capex = two.quantities["capex"]
    assert ends[0][1] == capex.cases["guosheng-2023"].percentiles[2]
    assert ends[-1][1] == capex.cases["base"].percentiles[2]
    for before, after in pairwise(ends[:-1]):
        assert after[0] == pytest.approx(before[1])


def test_a_comparison_without_changes_has_no_waterfall():
    files = [load_priors(BASE)] * 2
    told = comparison.compare(
        cases.cases([(file.path, file) for file in files]), scenarios=1024, quantities=["capex"]
    )
    assert set(comparison_plots.figures(told)) == {"bands", "exceedance"}
    assert "None." in plain(comparison_report.report(told))


def test_saved_runs_that_cannot_be_drawn_again_still_give_pictures(tmp_path):
    run = engine.run(load_priors(BASE), 4096, quantities=["capex"])
    stated = json.loads(run.attrs["priors"])
    run.attrs["priors"] = json.dumps({**stated, "priors": {}})
    file = load_priors(BASE)
    made = cases.cases([(file.path, file), (tmp_path / "old", run)])
    told = comparison.compare(made, scenarios=4096, quantities=["capex"])
    assert set(comparison_plots.figures(told)) == {"bands", "exceedance"}
    text = plain(comparison_report.report(told))
    assert "Not known" in text
    assert "–" in text
    assert not re.search(r"\bnan\b", text)
