"""Pictures of runs, and the house's style of pictures."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from readable import assert_readable
from synthetic import headline_result, run_result

from simulate.plotting import density, figure_text, new_figure, widen
from simulate.runs import draws, run
from simulate.runs.plots import TAIL, bands, plots
from simulate.runs.report import sections
from simulate.runs.scenario_plots import FEW, scenario_plots


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def alone(name):
    """A run of which only this quantity was asked for."""
    result = headline_result()
    result.provenance["asked"] = [name]
    return result


def test_bands_lead_with_a_headline_and_have_each_its_unit_and_scale():
    """Only what spans more than 8 times its P5 is on a logarithmic axis, which says so."""
    (figure,) = plots(headline_result()).values()
    figure.draw_without_rendering()
    assert [axis.get_xscale() for axis in figure.axes] == ["log", "log", "log", "linear", "linear"]
    labels = [axis.get_ylabel().splitlines() for axis in figure.axes]
    assert [lines[-2:] for lines in labels[:3]] == [
        ["[million USD]", "log scale"],
        ["[million USD/year]", "log scale"],
        ["[USD]", "log scale"],
    ]
    assert labels[3] == ["Training cost", "[million USD]"]
    assert figure.get_suptitle() == "Initial investment: 190 million USD, nine of ten between 31 and 1,160"
    assert figure.texts[1].get_text() == "A synthetic run"
    assert_readable(figure)


def test_the_figures_of_a_picture_are_those_of_the_table():
    result = headline_result()
    (table,) = [section for section in sections(result) if section.columns and section.columns[1].title == "unit"]
    for axis, row in zip(bands(result).axes[:4], table.rows, strict=False):
        low, _, median, _, high = row[2:7]
        assert {low, median, high} <= {text.get_text() for text in axis.texts}
        assert f"[{row[1]}]" in axis.get_ylabel()


@pytest.mark.parametrize(
    ("bands_of", "alike"),
    [
        ({"a": (1.0, 1.0), "b": (2.0, 1.0)}, True),
        ({"a": (1.0, 1.0), "b": (1e6, 1.0)}, False),
        ({"a": (1.0, 0.2), "b": (1.2, 0.2)}, True),
        ({"a": (1.0, 0.2), "b": (1.2, 0.002)}, False),
        ({"a": (1.0, 0.5), "b": (1.0, 0.0)}, True),
    ],
)
def test_panels_of_one_unit_share_an_axis_where_each_can_be_read_on_it(bands_of, alike):
    figure = bands(run_result({name: (name, "USD", *each) for name, each in bands_of.items()}))
    figure.draw_without_rendering()
    first, second = (axis.get_xlim() for axis in figure.axes)
    assert (first == second) is alike
    shown = [any(label.get_visible() and label.get_text() for label in axis.get_xticklabels()) for axis in figure.axes]
    assert shown == [not alike, True]
    apart = bands(run_result({name: (name, "1", *each) for name, each in bands_of.items()})).axes
    assert apart[0].get_xlim() != apart[1].get_xlim(), "a count and a share have no unit in common"


def test_the_mean_is_marked_and_where_it_lies_far_out_pointed_at():
    result = run_result({"a": ("A", "USD", 1.0, 0.5)})
    (axis,) = bands(result).axes
    assert [line.get_xdata() for line in axis.lines if line.get_marker() == "D"] == [[result.at("mean", quantity="a")]]
    result["mean"][0] = 1e6
    (axis,) = bands(result).axes
    assert axis.get_xlim()[1] < 100
    assert any(text.get_text().endswith("→") for text in axis.texts)


UNIFORM = """
model = "none"
[priors]
u = {dist = "uniform", lower = 0, upper = 1}
v = {dist = "uniform", lower = 0, upper = 1}
[quantities]
w = {formula = "u"}
two = {formula = "u + v"}
"""
TAILS = {
    "w > 0.75": ("25.0 % above 0.75", [0.75]),
    "w < 0.25": ("25.0 % below 0.25", [0.25]),
    "(w > 0.5) & (w < 0.6)": ("10.0 % between 0.5 and 0.6", [0.5, 0.6]),
    "abs(w - 0.5) > 0.4": ("20.0 % below 0.1 or above 0.9", [0.1, 0.9]),
    "w > P90": ("10.0 % above 0.9001", [0.9]),
}


@pytest.mark.parametrize("condition", TAILS)
def test_a_probability_is_a_shaded_part_of_the_density(load, condition):
    result = run(load(UNIFORM), scenarios=2**14, quantities=["w"], probability=[condition])
    (axis,) = bands(result).axes
    text, ends = TAILS[condition]
    assert text in [each.get_text() for each in axis.texts]
    upright = [line.get_xdata() for line in axis.lines if line.get_color() == TAIL and len(line.get_xdata()) == 2]
    lines = sorted(first for first, second in upright if first == second)
    assert lines == pytest.approx(ends, abs=1e-3)
    shaded = [part.get_paths()[0].get_extents() for part in axis.collections[1:]]
    assert shaded[0].x0 <= ends[0] + 1e-3
    assert len(shaded) == len(result.provenance["tails"][condition]["between"])


def test_a_condition_of_several_quantities_shades_nothing(load):
    result = run(load(UNIFORM), scenarios=2**10, quantities=["w"], probability=["w > two"])
    assert result.provenance["tails"] == {}
    assert len(bands(result).axes[0].collections) == 1


def test_a_quantity_without_a_number_in_some_says_in_how_many(load):
    result = run(load(UNIFORM + 'half = {formula = "log(u - 0.5)"}\n'), scenarios=2**12, quantities=["half"])
    (axis,) = bands(result).axes
    assert axis.get_ylabel().splitlines()[-1] == "no number in 50 %"


@pytest.mark.parametrize("count", [1, 12])
def test_long_labels_and_many_panels_are_readable(count):
    label = "A cost of everything that anyone could think of, before taxes, after interest and in any currency"
    result = run_result(
        {
            f"q{place}": (f"{label} {place}", "USD/million token/year", 10.0**place, 0.3 + place)
            for place in range(count)
        },
        published=[("q0", 2.0, f"{label} of a source"), ("q0", 3.0, "another"), ("q0", 3.1, "another")],
    )
    result.attributes["title"] = f"{label}: {label}"
    figure = bands(result)
    assert_readable(figure)
    for place, axis in enumerate(figure.axes):
        assert " ".join(axis.get_ylabel().splitlines()).startswith(f"{label} {place}"), "no word is left out"


def test_sources_are_told_once_and_by_numbers_where_there_are_several():
    result = run_result(
        {"a": ("A", "USD", 1.0, 1.0), "b": ("B", "USD/year", 1.0, 1.0)},
        published=[("a", 2.0, "one"), ("a", 3.0, "two"), ("b", 2.0, "one")],
    )
    assert {"2 USD, one [1]", "3 USD, two", "2 USD/year [1]"} <= {*texts(bands(result))}


@pytest.mark.parametrize("percentiles", [(5, 25, 50, 75, 95), (10, 50)])
def test_lines_span_the_percentiles(percentiles):
    """Those told, or where others are asked for those of the fine curve."""
    result = run_result({"capex": ("Capex", "USD", 1.9e8, 1.1)}, percentiles=percentiles)
    thin, thick, middle, *_ = bands(result).axes[0].lines
    low, lower, median, upper, high = headline_result().at("percentiles", quantity="capex")
    assert list(thin.get_xdata()) == pytest.approx([low, high], rel=1e-12)
    assert list(thick.get_xdata()) == pytest.approx([lower, upper], rel=1e-12)
    assert list(middle.get_xdata()) == pytest.approx([median], rel=1e-12)
    assert thick.get_linewidth() > thin.get_linewidth()


def test_published_figure_is_marked_with_its_source():
    result = headline_result()
    result.provenance["asked"] = ["capex", "opex_per_year"]
    figure = bands(result)
    assert "759 million USD, Guosheng Securities 2023-02-12" in texts(figure)
    assert sum("Guosheng" in text for text in texts(figure)) == 1


def test_constant_is_a_point():
    (axis,) = bands(alone("racks")).axes
    assert list(axis.lines[0].get_xdata()) == [542]
    assert not axis.collections
    assert "542 in every scenario" in [text.get_text() for text in axis.texts]


@pytest.mark.parametrize("shift", [-1.0, -1e9])
def test_quantity_that_may_be_negative_has_a_linear_axis(shift):
    result = run_result({"a": ("A", "USD", 1.0, 1.0)})
    for name in ("percentiles", "fine_percentiles", "minimum", "maximum"):
        result[name][...] += shift
    (axis,) = bands(result).axes
    assert axis.get_xscale() == "linear"


def test_nan_and_zero_are_drawn_without_a_warning():
    result = run_result({"a": ("A", "USD", 1.0, 1.0), "b": ("B", "USD", 0.0, 0.0)})
    for name in ("percentiles", "fine_percentiles"):
        result[name][0] = np.nan
    figure = bands(result)
    figure.draw_without_rendering()
    assert "not a number in some scenarios" in texts(figure)


def test_texts_of_a_file_are_no_mathematics():
    result = run_result({"a": ("Cost in $x_{$", "$", 1.0, 1.0)}, published=[("a", 2.0, "$\\frac{$ \x1b")])
    result.attributes["title"] = "$\\bad{$"
    bands(result).draw_without_rendering()


@pytest.mark.parametrize("logarithmic", [True, False])
def test_density_of_a_normal_score_is_a_bell(logarithmic):
    result = run_result({"a": ("A", "1", 1.0, 1.0)})
    grid = result.at("fine_percentiles", quantity="a")
    shape = density(grid if logarithmic else np.log(grid), result["fine_percentile"], logarithmic=logarithmic)
    at, heights = shape.at, shape.heights
    assert not len(shape.spikes)
    scores = np.log(at) if logarithmic else at
    # Half the height of a normal density lies at 1.18 standard deviations; the kernel widens it by a
    # thirtieth (a quarter of the sd, added in quadrature).
    inside = scores[heights > 0.5]
    assert (inside[-1] - inside[0]) / 2 == pytest.approx(1.1774 * np.hypot(1, 0.25), abs=0.08)
    assert heights.max() == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (759e6, "760 million"),
        (0.00272, "0.0027"),
        (30382, "30,000"),
        (0, "0"),
        (-1234.5, "−1,200"),
        (9.99e8, "1 billion"),
    ],
)
def test_figures_in_words(value, text):
    assert figure_text(value) == text


@pytest.mark.parametrize(
    ("scale", "values", "widened"),
    [("log", [4.2, 4.2], (2.8, 6.3)), ("log", [4.0, 4.41], (1.0, 10.0)), ("linear", [4.2], (1.0, 10.0))],
)
def test_a_logarithmic_axis_has_some_width_around_a_single_value(scale, values, widened):
    axis = new_figure(2, 2).subplots()
    axis.set_xscale(scale)
    axis.set_xlim(1.0, 10.0)
    widen(axis, [np.array(values)])
    assert axis.get_xlim() == pytest.approx(widened)


def test_pyplot_stays_out():
    code = "import sys, simulate.plotting as p; p.new_figure(2, 2); sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def narrow(values):
    """A run of one quantity with these fine percentiles."""
    result = run_result({"a": ("A", "1", 1.0, 1.0)})
    curve = np.asarray(values, dtype=float)
    result["fine_percentiles"][0] = curve
    result["minimum"][0], result["maximum"][0] = curve[0], curve[-1]
    result["mean"][0], result["percentiles"][0] = curve[99], curve[[9, 49, 99, 149, 189]]
    for error in ("mean_se", "percentiles_se"):
        result[error][...] = 1e-6 * abs(curve[-1] - curve[0])
    return result


PERCENTS = np.arange(0.5, 100, 0.5)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (1.10, 1.12, {"1.1010", "1.1100", "1.1190"}),
        (2027.0, 2027.8, {"2,027.04", "2,027.40", "2,027.76"}),
        (-1.0, 1.0, {"−0.9000", "0.0000", "0.9000"}),
    ],
)
def test_labels_and_ticks_of_a_narrow_band_differ(low, high, labels):
    (axis,) = bands(narrow(low + (high - low) * PERCENTS / 100)).axes
    axis.figure.draw_without_rendering()
    assert labels <= {text.get_text() for text in axis.texts}
    first, last = axis.get_xlim()
    ticks = [label.get_text() for label in axis.get_xticklabels() if first <= label.get_position()[0] <= last]
    assert len(ticks) >= 3
    assert len(set(ticks)) == len(ticks)


def test_single_values_are_spikes_and_the_rest_a_density():
    percents = PERCENTS
    shape = density(np.repeat([0.0, 1.0, 2.0, 5.0], [50, 50, 49, 50]), percents, logarithmic=False)
    assert not len(shape.at)
    assert shape.spikes.tolist() == [0, 1, 2, 5]
    assert shape.spike_heights == pytest.approx([1, 1, 0.98, 1], abs=1e-9)
    mixed = density(np.r_[np.zeros(140), np.linspace(1, 9, 59)], percents, logarithmic=False)
    assert mixed.spikes.tolist() == [0]
    assert mixed.heights.max() == pytest.approx(59 / 140)
    rare = density(np.repeat([0.0, 1.0, 2.0, 3.0], [100, 70, 28, 1]), percents, logarithmic=False)
    assert rare.spikes.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_density_ends_where_the_values_do(logarithmic):
    values = 0.5 + PERCENTS / 200
    at, heights, *_ = density(values, PERCENTS, logarithmic=logarithmic, ends=(0.5, 1.0))
    assert (at[0], at[-1]) == pytest.approx((0.5, 1.0), rel=1e-12)
    uniform = heights / at if logarithmic else heights  # of the logarithm, the density rises with the value
    assert uniform.min() > 0.9 * uniform.max()  # half of it where what lies beyond the end is lost


@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e200, 1.7e308])
def test_what_no_axis_can_hold_is_said(size):
    figure = bands(narrow(size * ((PERCENTS - 30) / 100)))
    figure.draw_without_rendering()
    assert "too large or too small to be drawn" in texts(figure)


# ---------------------------------------------------------------------------------------------------------
# Pictures of the scenarios themselves


def scenario_picture(load, *names, scenarios=2**12, **options):
    """The run of a file, and the picture of its scenarios that is asked for."""
    priors = load(
        UNIFORM + 'square = {formula = "(u - 0.5)**2", unit = "1"}\nstep = {formula = "where(u > 0.75, 2, 1)"}\n'
    )
    result = run(priors, scenarios=scenarios, quantities=["square", "w"], **options)
    found = draws(priors, scenarios=scenarios, quantities=[*names], **options)
    (figure,) = scenario_plots(result, found, [names]).values()
    assert_readable(figure)
    return figure, found


@pytest.mark.parametrize("scenarios", [1024, 4096])
def test_a_scatter_has_every_scenario_as_a_dot_or_in_a_density(load, scenarios):
    figure, found = scenario_picture(load, "u", "square", scenarios=scenarios)
    (axis,) = figure.axes
    (drawn,) = axis.collections
    if scenarios <= FEW:
        assert drawn.get_offsets().tolist() == found["value"].T.tolist()
    else:
        assert drawn.get_array().sum() == pytest.approx(scenarios, rel=0.02), "but those beyond the axis"
    low, median, high = (line.get_ydata() for line in axis.lines)
    assert (low <= median).all()
    assert (median <= high).all()
    assert np.argmin(median) in {9, 10}, "the lines show the valley that a correlation of 0 hides"
    assert figure.get_suptitle().startswith("square against u: rank correlation")


def test_a_distribution_is_a_histogram_above_a_cumulative_curve(load):
    figure, found = scenario_picture(load, "w")
    above, below = figure.axes
    assert sum(bar.get_height() for bar in above.patches) == pytest.approx(100, rel=0.02)
    curve = below.lines[0]
    assert np.interp(0.3, curve.get_xdata(), curve.get_ydata()) == pytest.approx(30, abs=0.2)
    assert [line.get_xdata()[0] for line in below.lines if line.get_marker() == "o"] == pytest.approx(
        np.quantile(found.at("value", quantity="w"), [0.05, 0.5, 0.95]), abs=1e-3
    )
    assert figure.get_suptitle().startswith("w: 0.5")


def test_single_values_are_lines_as_high_as_they_are_probable(load):
    figure, _ = scenario_picture(load, "step")
    (lines,) = figure.axes[0].collections
    assert [(path.vertices[1].tolist()) for path in lines.get_paths()] == [[1, 75], [2, 25]]


def test_a_measured_value_weighs_what_is_drawn(load):
    figure, found = scenario_picture(load, "w", scenarios=2**14, observe=["w = 0.2 +- 0.05"])
    curve = figure.axes[1].lines[0]
    values, weights = found.at("value", quantity="w"), found["weight"]
    share = 100 * weights[values <= 0.2].sum() / weights.sum()
    assert np.interp(0.2, curve.get_xdata(), curve.get_ydata()) == pytest.approx(share, abs=0.5)
    assert "given w = 0.2 +- 0.05" in figure.texts[1].get_text()


def test_pictures_of_scenarios_are_asked_for_by_name_and_go_with_the_next_run(command, load, tmp_path):
    path = load(UNIFORM).path
    asked = ("run", path, "--scenarios", "1024", "--quantities", "w", "--out", tmp_path / "out")
    assert command(*asked, "--plot", "w", "--plot", "u:w", "--format", "csv", out=False)[0] == 0
    names = {each.name for each in (tmp_path / "out").glob("*.png")}
    assert names == {"distribution-w.png", "scatter-u-w.png"}
    assert command(*asked, out=False)[0] == 0
    assert {each.name for each in (tmp_path / "out").glob("*.png")} == {"bands.png"}
    code, _, err = command(*asked, "--plot", "wu", "--plot", "u:v:w", out=False)
    assert code == 2
    assert "--plot 'wu': there is no quantity wu" in err
    assert "--plot 'u:v:w': is no name of a quantity, nor two with a colon between them" in err
