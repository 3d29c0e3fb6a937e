from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from synthetic import headline_dataset, run_dataset

from simulate import plots


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_bands_are_drawn_on_log_axes_each_with_its_unit():
    dataset = headline_dataset()
    figure = plots.bands(dataset)
    figure.draw_without_rendering()
    assert len(figure.axes) == 5
    assert {axis.get_xscale() for axis in figure.axes} == {"log"}
    assert [axis.get_ylabel().splitlines()[-1] for axis in figure.axes[:3]] == [
        "[USD]",
        "[USD/year]",
        "[USD]",
    ]
    assert figure.get_suptitle() == "A synthetic run"


def test_lines_span_the_percentiles():
    dataset = headline_dataset()
    thin, thick, middle, *_ = plots.bands(dataset, ["capex"]).axes[0].lines
    low, lower, median, upper, high = dataset["capex"].values
    assert list(thin.get_xdata()) == [low, high]
    assert list(thick.get_xdata()) == [lower, upper]
    assert list(middle.get_xdata()) == [median]
    assert thick.get_linewidth() > thin.get_linewidth()


def test_published_figure_is_marked_with_its_source():
    figure = plots.bands(headline_dataset(), ["capex", "opex_per_year"])
    assert "759 million, Guosheng Securities 2023-02-12" in texts(figure)
    assert sum("Guosheng" in text for text in texts(figure)) == 1


def test_constant_is_a_point():
    (axis,) = plots.bands(headline_dataset(), ["racks"]).axes
    assert list(axis.lines[0].get_xdata()) == [542]
    assert not axis.collections
    assert "542" in [text.get_text() for text in axis.texts]


@pytest.mark.parametrize("shift", [-1.0, -1e9])
def test_quantity_that_may_be_negative_has_a_linear_axis(shift):
    dataset = run_dataset({"a": ("A", "USD", 1.0, 1.0)})
    for name in ("a", "a_grid", "a_minimum", "a_maximum"):
        dataset[name] = dataset[name] + shift
    (axis,) = plots.bands(dataset).axes
    assert axis.get_xscale() == "linear"


def test_nan_and_zero_are_drawn_without_a_warning():
    dataset = run_dataset({"a": ("A", "USD", 1.0, 1.0), "b": ("B", "USD", 0.0, 0.0)})
    dataset["a"].values[:] = np.nan
    dataset["a_grid"].values[:] = np.nan
    figure = plots.bands(dataset)
    figure.draw_without_rendering()
    assert "not a number in some scenarios" in texts(figure)


def test_texts_of_a_file_are_no_mathematics():
    dataset = run_dataset({"a": ("Cost in $x_{$", "$", 1.0, 1.0)}, published=[("a", 2.0, "$\\frac{$ \x1b")])
    dataset.attrs["title"] = "$\\bad{$"
    plots.bands(dataset).draw_without_rendering()


@pytest.mark.parametrize("logarithmic", [True, False])
def test_density_of_a_normal_score_is_a_bell(logarithmic):
    dataset = run_dataset({"a": ("A", "1", 1.0, 1.0)})
    grid = dataset["a_grid"].values
    at, heights = plots.density(
        grid if logarithmic else np.log(grid), dataset["grid"].values, logarithmic=logarithmic
    )
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
    assert plots.figure_text(value) == text


def test_pyplot_stays_out():
    code = "import sys, simulate.plots as p; p.new_figure(2, 2); sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
