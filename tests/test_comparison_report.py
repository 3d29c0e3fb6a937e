from __future__ import annotations

import csv
import io
import json
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from readable import assert_readable

from simulate.comparison import compare
from simulate.comparison import plots as comparison_plots
from simulate.comparison import report as comparison_report
from simulate.comparison.waterfalls import DOWN, UP
from simulate.formats import FORMATS
from simulate.layout import laid_out, plain
from simulate.priors import load_priors
from simulate.results import netcdf
from simulate.runs import run

QUICK = ("--scenarios", "4096")
GUOSHENG, BASE = "priors/guosheng-2023.toml", "priors/base.toml"


@pytest.fixture(scope="module")
def two():
    return compare([GUOSHENG, BASE], scenarios=4096, quantities=["capex", "opex_per_year"])


def text_of(result, width=None):
    return plain(laid_out(comparison_report.sections(result), width))


def test_tables_and_files(command, tmp_path):
    code, out, err = command("compare", GUOSHENG, BASE, *QUICK, "--quantities", "training_cost,cost_per_question")
    assert code == 0
    missing, replaced, rare = err.splitlines()
    assert missing == "warning: guosheng-2023 does not have cost_per_question: blank there"
    assert replaced.startswith("warning: mfu_end_to_end, training_price, training_peak_flops: a prior in one of ")
    assert rare.startswith("warning: base: cost_per_question: mean and standard deviation rest on rare scenarios")
    assert out.startswith("Training cost\n")
    assert "base − guosheng-2023" in out
    assert "P(base < guosheng-…)" in out
    bridge = out.index("Training cost: from guosheng-2023 to base")
    assert bridge < out.index("Inputs of base that differ from guosheng-2023\n")
    assert not re.search(r"\bnan\b", out)
    files = {path.name for path in (tmp_path / "out").iterdir()}
    pictures = {f"{name}.{kind}" for name in ("bands", "exceedance", "waterfall") for kind in ("png", "svg")}
    assert files == {"compare.nc", "compare.csv", "compare.json", *pictures}


def test_json_on_stdout_and_no_pictures_of_before(command, tmp_path):
    arguments = ("compare", BASE, "--vary", "pue=1.1,1.2,1.3", *QUICK, "--quantities", "opex_per_year")
    assert command(*arguments)[0] == 0
    assert (tmp_path / "out" / "waterfall-base-3.svg").exists()
    assert "P(case < pue=1.1)" in command(*arguments, "--no-save", out=False)[1]
    code, out, err = command(*arguments, "--format", "json", "--bridge", "mean", "--scale", "log")
    assert (code, err) == (0, "")
    told = json.loads(out)
    labels = {name: case["label"] for name, case in told["result"]["cases"].items()}
    assert labels == {"base": "pue=1.1", "base-2": "pue=1.2", "base-3": "pue=1.3"}
    assert told["settings"]["scale"] == "log"
    figures = told["result"]["quantities"]["opex_per_year"]
    opex = {name: figures[name]["value"] for name in ("mean", "bridge", "bridge_baseline", "bridge_exact")}
    ratio = opex["mean"]["base-2"] / opex["mean"]["base"]
    assert opex["bridge"]["base-2"] == {"mean": {"pue": pytest.approx(math.log(ratio), rel=1e-12)}}
    assert opex["bridge_baseline"]["base-2"]["mean"] == pytest.approx(opex["mean"]["base"], rel=1e-12)
    assert opex["bridge_exact"] == {"base-2": 1, "base-3": 1}
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"compare.nc", "compare.csv", "compare.json"}
    assert (tmp_path / "out" / "compare.json").read_text() == out


def test_folder_of_its_own_and_earlier_runs(command, tmp_path, monkeypatch):
    file = tmp_path / "mine.toml"
    file.write_text('model = "none"\n[priors.a]\ndist = "normal"\nmean = 9\nsd = 1\n[quantities.b]\nformula = "a"\n')
    monkeypatch.chdir(tmp_path)
    assert command("run", "mine.toml", "--set", "a=5", *QUICK, "--no-pictures", out=False)[0] == 0
    code, out, err = command("compare", "outputs/mine", "mine.toml", "--format", "csv", "--save", out=False)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    (part,) = (row for row in rows if row["figure"] == "bridge" and row["statistic"] == "P50")
    assert (part["change"], part["case"], part["unit"]) == ("a", "mine-2", "1")
    assert float(part["value"]) == pytest.approx(4, abs=0.01)
    assert (tmp_path / "outputs" / "mine-vs-mine-2" / "compare.csv").exists()


def test_a_saved_run_is_told_under_its_condition(command, tmp_path):
    run_of = ("--scenarios", "65536", "--scheme", "random", "--given", "capex < 5e8", "--quantities", "capex")
    command("run", BASE, *run_of, "--format", "csv")
    code, out, err = command("compare", tmp_path / "out" / "result.nc", GUOSHENG, "--quantities", "capex")
    assert code == 0
    assert err.startswith("warning: out is told given capex < 5e8, worth ")
    assert "scenarios, random, seed" in out
    assert "out is told given capex < 5e8." in out
    assert "scenario by scenario" not in out
    assert "that of two separate runs" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((BASE,), "one case compares with nothing"),
        ((BASE, "--vary", "pue"), "lists no values"),
        ((BASE, GUOSHENG, "--vary", "pue=1,2"), "name that alone"),
        ((BASE, BASE, "--bridge", "x"), "'x' is no number"),
        ((BASE, BASE, "--bridge", "100"), "100 is not between 0 and 100"),
        ((BASE, BASE, "--scale", "cubic"), "no scale 'cubic'"),
        ((BASE, "outputs-of-nobody.nc"), "there is no such file"),
    ],
)
def test_refusals(command, tmp_path, arguments, message):
    code, out, err = command("compare", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert not (tmp_path / "out").exists()


def test_markdown_has_the_tables_of_the_terminal(two):
    file = io.StringIO()
    FORMATS["markdown"](None, lambda: comparison_report.sections(two), file)
    text = file.getvalue()
    assert "| change | P50 million USD | ± |" in text
    for line in text.splitlines():
        assert line == "" or line[0] in "|#" or not line.startswith(" ")
    told = comparison_report.sections(two)
    assert re.findall(r"^### (.*)", text, re.MULTILINE) == [
        each.heading for each in told if each.heading and not each.folded
    ]
    folded = re.findall(r"<summary>(.*?)</summary>", text)
    assert folded == [each.heading for each in told if each.folded]
    assert text.count("<details>") == text.count("</details>") == len(folded)


def test_a_comment_tells_changes_first_then_warnings_then_gates(load):
    text = """model = "none"
[run]
seed = {seed}
{gate}percentiles = [5, 50, 95]
[priors]
a = {{dist = "normal", mean = {mean}, sd = 1}}
b = {{dist = "normal", mean = {mean}, sd = 1}}
[quantities]
x = {{formula = "a + 1", unit = "USD"}}
y = {{formula = "b + log(a)"}}
"""
    gate = 'fail_if = ["mean(x) > 0"]\n'
    before = load(text.format(seed=1, gate="", mean=2), name="before")
    after = load(text.format(seed=2, gate=gate, mean=3), name="after")
    told = compare([before, after], scenarios=2**16, bridge=["mean"])
    file = io.StringIO()
    FORMATS["markdown"](told, lambda: comparison_report.sections(told), file)
    comment = file.getvalue()
    assert told.warnings
    wanted = ["### before → after\n", "| x \\[USD\\] |", "> [!WARNING]\n> - ", "| fail if |", "<details>", "### x: fr"]
    assert [comment.index(each) for each in wanted] == sorted(comment.index(each) for each in wanted)
    assert "b moves nothing here." in comment
    (inputs,) = [each for each in comparison_report.sections(told) if each.heading.startswith("Inputs")]
    assert inputs.remarks == [
        "Under [run]: seed 1 → 2; fail_if none → mean(x) > 0. All cases are drawn alike, as told below."
    ]


def test_the_parts_of_a_table_leave_none_out(two):
    bridge = comparison_report.bridges_of(two, "capex", "base")["P50"]
    shown = bridge.moving[: comparison_report.PARTS]
    values = [abs(bridge.parts[name]) for name in shown]
    rest = [abs(part) for name, part in bridge.parts.items() if name not in shown]
    assert len(shown) == comparison_report.PARTS
    assert min(values) >= max(rest)
    text = text_of(two, 100)
    assert " ".join(text.split()).count("of the changes move nothing here") == 2
    assert text.count("Shapley values") == 1  # below the last
    assert max(map(len, text.splitlines())) <= 100


def test_what_is_kept_in_a_file_is_told_the_same(two, tmp_path):
    (tmp_path / "compare.nc").write_bytes(netcdf.written(two))
    assert text_of(netcdf.read(tmp_path / "compare.nc"), 120) == text_of(two, 120)


def test_every_picture_shows_every_case(two):
    drawn = comparison_plots.plots(two)
    assert set(drawn) == {"bands", "exceedance", "waterfall"}
    names = ["guosheng-2023", "base"]
    assert [label.get_text() for label in drawn["bands"].axes[0].get_yticklabels()] == names
    assert [text.get_text() for text in drawn["exceedance"].texts[1:3]] == names
    panel = drawn["waterfall"].axes[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert (labels[0], labels[-1]) == ("guosheng-2023", "base")
    assert labels[1] == "Seconds per token"
    for picture in drawn.values():
        assert_readable(picture)


def test_headlines_of_a_comparison_say_what_is_told_of_its_first_quantity(two):
    drawn = comparison_plots.plots(two)
    told = {name: " ".join(figure.get_suptitle().split()) for name, figure in drawn.items()}
    assert re.fullmatch(r"Capex: \d+ million USD in base, 758.8 in guosheng-2023", told["bands"])
    assert re.fullmatch(r"Capex: P\(base < guosheng-2023\) = 8\d(\.\d)? %", told["exceedance"])
    assert re.fullmatch(
        r"Capex: 758.8 million USD in guosheng-2023, [\d.]+ in base, most by Seconds per token \(× 0.04\d+\)",
        told["waterfall"],
    )


def test_a_published_figure_is_labelled_where_it_crosses(two):
    """At 759 million, which the note says, is as much of the curve of base as its percentiles say."""
    picture = comparison_plots.plots(two)["exceedance"]
    (label,) = [each.get_text() for each in picture.axes[0].texts]
    curve = two.at("fine_percentiles", quantity="capex", case="base")
    share = 1 - np.interp(759e6, curve, two["fine_percentile"]) / 100
    assert label == f"759 million USD at {100 * share:.0f} %"
    assert "Guosheng Securities" in picture.get_supxlabel()


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_waterfall_is_of_bars_from_0_or_of_dots(scale):
    """Each step begins where the one before has ended; on a logarithmic axis a bar's length would mean nothing."""
    told = compare([GUOSHENG, BASE], scenarios=4096, quantities=["capex"], scale=scale)
    figure = comparison_plots.plots(told)["waterfall"]
    (panel,) = figure.axes
    medians = tuple(told.at("percentiles", quantity="capex", percentile=50.0))
    if scale == "linear":
        ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in panel.patches]
        assert (ends[0][1], ends[-1][1]) == medians
        assert ends[0][0] == ends[-1][0] == 0
    else:
        assert not panel.patches
        dots = [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "o"]
        assert (dots[0], dots[-1]) == medians
        ends = [
            tuple(line.get_xdata())
            for line in panel.lines
            if line.get_color() in {UP, DOWN} and len(line.get_xdata()) == 2
        ]
        ends = [(medians[0], medians[0]), *ends, (0, 0)]
    for before, after in pairwise(ends[:-1]):
        assert after[0] == pytest.approx(before[1])
    sides = {text.get_text()[0]: text.get_ha() for text in panel.texts if text.get_text()[0] in "+−"}
    assert scale == "log" or sides == {"+": "left", "−": "right"}
    assert_readable(figure)


@pytest.mark.parametrize("count", [2, 8])
def test_many_cases_are_labelled_at_their_lines_and_none_is_cut(count):
    values = ",".join(f"{1 + place / 10:.1f}" for place in range(count))
    long = "--a-name-that-is-rather-long"
    told = compare([BASE], vary=[f"pue={values}"], scenarios=1024, quantities=["opex_per_year"], bridge=[])
    labels = [f"{label}{long}" for label in told["case_label"]]
    told.coordinates["case_label"].values[:] = labels
    drawn = comparison_plots.plots(told)
    for picture in drawn.values():
        assert_readable(picture)
    keyed = ["".join(text.get_text().split()) for text in drawn["exceedance"].texts[1:]]
    at_lines = ["".join(text.get_text().split()) for text in drawn["exceedance"].axes[0].texts]
    assert set(labels) <= set(keyed if count <= 6 else at_lines)
    assert ["".join(each.get_text().split()) for each in drawn["bands"].axes[0].get_yticklabels()] == labels


def test_one_part_that_is_not_named_is_one_other(load):
    names = [f"x{number}" for number in range(comparison_report.PARTS + 1)]
    text = 'model = "none"\n[quantities.total]\nformula = "{}"\n'.format(" + ".join(names))
    one, two = (
        load(text + "".join(f"[priors.{name}]\nvalue = {value}\n" for name in names), name=f"all-{value}")
        for value in (1, 2)
    )
    told = compare([one, two], scenarios=16)
    (panel,) = comparison_plots.plots(told)["waterfall"].axes
    assert panel.get_yticklabels()[-2].get_text() == "1 other"
    assert "1 other " in text_of(told)


def test_pictures_show_what_all_cases_report_on_their_own_unless_quantities_are_named():
    told = compare([GUOSHENG, BASE], scenarios=256, bridge=[])
    (picture, _) = comparison_plots.plots(told).values()
    labels = [axis.get_title(loc="left").split(" [")[0] for axis in picture.axes]
    assert labels == ["Accelerators", "Capex", "Training cost"]
    assert picture.get_supxlabel().endswith(
        f"3 of {len(told.labels('quantity'))} quantities; --quantities names others"
    )
    named = ["power", "pue", "servers", "racks", "capex"]
    told = compare([GUOSHENG, BASE], scenarios=256, bridge=[], quantities=named)
    (picture, _) = comparison_plots.plots(told).values()
    assert len(picture.axes) == 5
    assert "--quantities" not in picture.get_supxlabel()


def test_pictures_of_cases_that_report_nothing_alike_show_what_both_have_or_one(priors_of):
    first = [f"a{number}" for number in range(7)]
    one, two, three = (
        priors_of(name, "".join(f"[quantities.{each}]\nformula = '{value}'\n" for each in [*own, *more]) + run_of)
        for name, own, more, value, run_of in (
            ("one", first, ["c"], 1, ""),
            ("two", ["b"], first, 2, "[run]\nquantities = ['b']\n"),
            ("three", ["d"], [], 3, ""),
        )
    )
    assert compare([one, two], scenarios=16).provenance["headline"] == first[:5]
    assert compare([one, three], scenarios=16).provenance["headline"] == first[:5]
    assert compare([three, one], scenarios=16).provenance["headline"] == ["d", *first[:4]]


def test_a_comparison_without_changes_has_no_waterfall():
    told = compare([BASE, BASE], scenarios=1024, quantities=["capex"])
    assert set(comparison_plots.plots(told)) == {"bands", "exceedance"}
    assert "None." in text_of(told)


HALF = "where(x > 0, x, log(x))"


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [("x", "x * 3 / 3", True), (HALF, f"{HALF} * 3 / 3", True), ("x", HALF, False), (HALF, "x", False)],
)
def test_what_is_no_number_in_one_of_two_cases_alone_is_not_equal(priors_of, first, second, equal):
    text = '[priors]\nx = {dist = "normal", mean = 0, sd = 1}\n[quantities.y]\nformula = '
    cases = [priors_of(name, f'{text}"{own}"\n') for name, own in (("one", first), ("two", second))]
    (row,) = [line for line in text_of(compare(cases, scenarios=2**14)).splitlines() if line.startswith("two − one")]
    assert (row.split()[-1] == "equal") is equal


def test_what_is_equal_is_not_told_as_never_lower():
    """What no change moves is the same in every scenario; what one moves is always lower, or never."""
    for change, lower in (("1e6,0", [">", "99.92", "%"]), ("0,1e6", ["<", "0.08", "%"])):
        names = ["capex", "opex_per_year"]
        result = compare([BASE], vary=[f"staff_cost={change}"], scenarios=4096, bridge=[], quantities=names)
        capex, opex = (line.split() for line in text_of(result, 200).splitlines() if "0 − " in line or "1e6 − " in line)
        assert capex[-1] == "equal"
        assert opex[-3:] == lower


def test_saved_runs_that_cannot_be_drawn_again_still_give_pictures():
    earlier = run(load_priors(BASE), scenarios=4096, quantities=["capex"])
    earlier.provenance["priors"] = {}
    told = compare([BASE, earlier], scenarios=4096, quantities=["capex"])
    assert set(comparison_plots.plots(told)) == {"bands", "exceedance"}
    text = text_of(told)
    assert "Not known" in text
    assert "–" in text
    assert not re.search(r"\bnan\b", text)


@pytest.mark.parametrize(
    ("scale", "statistics", "wanted"),
    [
        ("linear", [50.0, 95.0], "Parts sum to the difference of the P50s and that of the P95s; "),
        ("log", [50.0], "Factors multiply to the ratio of the P50s; "),
        ("linear", ["mean"], "Parts sum to the difference of the means; "),
    ],
)
def test_the_percentile_of_a_difference_is_not_called_a_difference_of_percentiles(scale, statistics, wanted):
    told = compare([GUOSHENG, BASE], scenarios=4096, quantities=["capex"], bridge=statistics, scale=scale)
    text = text_of(told)
    assert wanted in text
    assert "their P50 is not the difference or ratio of the P50s" in text
    (axis,) = comparison_plots.plots(told)["waterfall"].axes
    name = "mean" if statistics == ["mean"] else "P50"
    log = ", log scale" if scale == "log" else ""
    assert axis.get_title(loc="left") == f"Capex: from {name} to {name} [million USD{log}]"
    assert axis.get_xscale() == scale
