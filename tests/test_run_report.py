"""What a person reads of a run: bands, how well they are known, what moves them, what has been published."""

from __future__ import annotations

import math
import re

import pytest
from synthetic import headline_result, run_result

from simulate.layout import cell_width, laid_out, plain
from simulate.priors import load_priors
from simulate.runs import run
from simulate.runs.components import components, indented
from simulate.runs.plots import plots
from simulate.runs.report import falls_at, sections
from simulate.sensitivity.tornado import tornado
from simulate.units import conversion_factor

SHOP = """
title = "A shop"
model = "none"
[priors.visitors]
dist = "lognormal"
p5 = 100
p95 = 900
evidence = "judgement"
[priors.spending]
dist = "lognormal"
p5 = 20
p95 = 45
unit = "USD"
evidence = "sourced"
[quantities.income]
formula = "visitors * spending"
unit = "USD"
label = "Income of a day"
[quantities.odd]
formula = "log((spending in USD) - 30)"
[[published]]
quantity = "income"
value = 9000
unit = "USD"
source = "The owner"
"""


@pytest.fixture
def shop():
    return load_priors(SHOP)


@pytest.fixture(scope="module")
def base():
    return load_priors("base")


@pytest.fixture(scope="module")
def base_run(base):
    return run(base, scenarios=2**12, parts=True)


def report(result, width=None):
    return plain(laid_out(sections(result), width))


@pytest.mark.parametrize(
    ("sigma", "value", "place"),
    [
        (1.0, 1.0, "P50"),
        (1.0, math.exp(1.2815515655446004), "P90"),
        (1.0, math.exp(3), "above P99.5"),
        (1.0, math.exp(-3), "below P0.5"),
        (1.0, math.exp(6), "above all"),
        (1.0, math.exp(-6), "below all"),
        (0.0, 1.0, "equal"),
        (0.0, 1.07, "7 % above"),
        (0.0, 0.75, "25 % below"),
    ],
)
def test_published_figure_falls_where_it_should(sigma, value, place):
    assert falls_at(run_result({"a": ("A", "1", 1.0, sigma)}), "a", value) == place


def test_what_moves_a_quantity_is_told_with_its_share_and_its_way():
    result = headline_result()
    lines = report(result).splitlines()
    titles = next(line for line in lines if line.startswith("variance of"))
    assert re.split("  +", titles) == ["variance of", "from judgement", "together", "moved most by (% of the variance)"]
    told = next(line for line in lines if line.startswith("log(capex)"))
    assert re.split("  +", told) == ["log(capex)", "64 %", "4.0 %", "speed +64, price −32"]
    assert not any(line.startswith("racks  ") for line in lines)  # which does not vary
    result["variance_share"][0], result["direction"][0] = [math.nan, 0.32], [math.nan, 0]
    told = next(line for line in report(result).splitlines() if line.startswith("log(capex)"))
    assert told.endswith("  price 32")


@pytest.mark.parametrize(
    ("share", "error", "shown"),
    [
        (0.7312, 0.0003, "73"),
        (0.0117, 0.0025, "1"),
        (0.0117, 0.0002, "1.2"),
        (0.9948, 0.0006, "99.5"),
        (0.99947, 0.00002, "99.95"),
        (0.99998, 0.00002, "100"),
        (1.0, 0.0, "100"),
        (0.3, 0.08, "30.0 ± 8.0"),
    ],
)
def test_a_share_has_the_digits_that_it_supports(share, error, shown):
    result = run_result({"a": ("A", "1", 1.0, 1.0)})
    result["variance_share"][0], result["variance_share_se"][0] = [share, math.nan], [error, math.nan]
    told = next(line for line in report(result).splitlines() if line.startswith("log(a)"))
    assert told.endswith(f"  speed +{shown}")


def test_sums_come_with_their_parts(base):
    parts_of = components(base.quantities, base.priors)
    shown = indented(parts_of, ["capex", "server_capex", "training_cost"])
    parts = ["capex", "it_capex", "server_capex", "network_capex", "other_it_capex", "facility_capex"]
    assert list(shown) == [*parts, "training_cost"]
    assert indented(components(base.quantities, ["capex"]), ["capex"]) == {"capex": 0}


def test_report_tells_bands_error_drivers_published_and_settings(base_run):
    text = report(base_run)
    for name in base_run.provenance["asked"]:
        assert base_run.at("label", quantity=name) in text
    lines = text.splitlines()
    capex = next(line for line in lines if line.startswith("Capex "))
    assert "million USD" in capex
    assert "759, P" in capex
    assert any(line.startswith("    Server capex ") for line in lines)
    assert "Sampling error of the figures above: at most " in text
    assert "from judgement" in text
    assert re.search(r"log\(capex\) .* seconds_per_token \+[67]\d", text)
    assert re.search(r"More: simulate tornado \S*base.toml --quantities", text)
    assert "4,096 scenarios, sobol, seed 20230214." in text


def test_sections_are_separated_by_one_empty_line(base_run):
    assert "\n\n\n" not in report(base_run)
    assert report(base_run).count("\n\n") == len(sections(base_run)) - 1


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
def test_narrow_report_keeps_the_outer_percentiles_and_the_median_whole(base_run, width):
    wide = report(base_run).splitlines()
    titles = next(line for line in wide if "P50" in line).split()
    lines = report(base_run, width).splitlines()
    assert max(cell_width(line) for line in lines if "simulate tornado" not in line) <= width
    words = " ".join(lines).split()
    for label in ("Capex ", "Training cost "):
        figures = next(line for line in wide if line.startswith(label)).split()[-len(titles) - 4 :]
        numbers = [word for word in figures if word[0].isdigit()][:5]
        for figure in (numbers[0], numbers[2], numbers[4]):
            assert figure in words


def test_median_stands_out(base_run):
    lines = laid_out(sections(base_run))
    capex = next(line for line in lines if plain([line]).startswith("Capex "))
    bold = [text for text, style in capex if style == "bold"]
    assert len(bold) == 1
    median = base_run.at("percentiles", quantity="capex", percentile=50)
    assert float(bold[0].replace(",", "")) * 1e6 == pytest.approx(median, 0.05)


def test_nothing_varies_in_constants():
    text = report(run(load_priors("guosheng-2023"), scenarios=16))
    for figure in ("30,381.9", "3,798", "758.8", "591,864", "47,349.1", "million USD"):
        assert figure in text
    assert "nothing varies" in text
    assert "from judgement" not in text


def test_nan_is_told_and_never_stands_in_a_table(shop):
    result = run(shop, scenarios=1024)
    assert [message.split(":")[0] for message in result.warnings if "nan" in message] == ["odd"]
    assert not re.search(r"\bnan\b", report(result))


def test_own_quantities_are_reported(shop):
    text = report(run(shop, scenarios=1024, quantities=["income"]))
    assert "A shop" in text
    assert "Income of a day" in text
    assert "Published: income 9,000 USD, The owner." in text


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(9000, "USD", "9,000 USD"), (4.6, "million USD", "4.6 million USD"), (1287, "kUSD", "1,287 kUSD")],
)
def test_a_published_figure_is_told_in_the_unit_in_which_it_was_stated(value, unit, shown):
    text = SHOP.replace('value = 9000\nunit = "USD"', f'value = {value}\nunit = "{unit}"')
    result = run(load_priors(text), scenarios=1024, quantities=["income"])
    assert f"Published: income {shown}, The owner." in report(result)
    (figure,) = result.provenance["published"]
    assert (figure["value"], figure["unit"]) == (pytest.approx(value * conversion_factor(unit, "USD")), "USD")
    assert (figure["stated"], figure["stated_unit"]) == (value, unit)


def test_a_quantity_in_millions_is_told_in_no_millions_of_them():
    text = SHOP.replace(
        "[[published]]",
        '[quantities.shown]\nformula = "1e7 * income"\nunit = "USD"\n'
        '[quantities.millions]\nformula = "shown"\nunit = "million USD"\n[[published]]',
    )
    result = run(load_priors(text), scenarios=1024, quantities=["shown", "millions"])
    rows = [line.split() for line in report(result).splitlines() if line.startswith(("shown ", "millions "))]
    assert rows[0][1:9] == rows[1][1:9]
    assert rows[0][1:3] == ["billion", "USD"]


def test_a_statistic_asked_for_has_a_column(shop):
    result = run(shop, scenarios=2**14, quantities=["income"], statistics=["shortest 90", "expected_shortfall"])
    heads, income = (next(line for line in report(result).splitlines() if start in line) for start in ("P50", "Income"))
    assert "shortest 90 %" in heads
    assert "mean beyond P95" in heads
    lower, upper = result.at("shortest", quantity="income")
    assert "thousand USD" in income
    low, high = re.search(r"([\d,.]+) to ([\d,.]+)", income).groups()
    errors = result.at("shortest_se", quantity="income")  # no digit is finer than these
    for text, end, error in zip((low, high), (lower, upper), errors, strict=True):
        assert abs(1e3 * float(text.replace(",", "")) - end) <= 5 * error


def test_prior_that_is_only_correlated_moves_nothing(base_run):
    training = {"quantity": "training_cost"}
    # correlated with the cloud price, not needed
    assert math.isnan(base_run.at("variance_share", prior="server_price", **training))
    assert base_run.at("direction", prior="training_mfu_deviation", **training) == -1


SMALL_ERRORS = """
model = "none"
[priors]
a = {dist = "normal", mean = 5, sd = 1}
b = {dist = "lognormal", mu = 0, sigma = 2.5}
c = {dist = "normal", mean = 0, sd = 1}
d = {dist = "lognormal", mu = 0, sigma = 0.4}
e = {dist = "lognormal", mu = 0, sigma = 0.8}
rare = {dist = "choice", values = [0, 1], weights = [999, 1]}
[quantities]
alone = {formula = "2 * a"}
heavy = {formula = "b * (1 + a)"}
calm = {formula = "a + log(b)"}
near_zero = {formula = "c + a - 5"}
skewed = {formula = "d * (a + 5)"}
atom = {formula = "rare * 1000"}
lone = {formula = "e * 2"}
wide = {formula = "exp(1.8 * c) * (a > -100)"}
"""


@pytest.mark.parametrize("scheme", ["sobol", "latin_hypercube", "random"])
def test_statistics_that_rest_on_rare_scenarios_are_named(scheme):
    """Of a lognormal with sigma 2.5 or 1.8; not of a mean near 0, of a kurtosis of 3.6, of a frequent atom."""
    result = run(load_priors(SMALL_ERRORS), scenarios=2**14, scheme=scheme)
    rare = result.provenance["rare"]
    assert {"heavy", "wide"} <= set(rare) <= {"heavy", "wide", "lone"}
    assert rare["heavy"] == ["mean", "standard deviation"]
    assert "standard deviation" in rare["wide"]
    told = [message for message in result.warnings if "rare scenarios" in message]
    assert any(re.match(r"heavy(, wide)?: mean and standard deviation rest on rare scenarios", line) for line in told)
    assert not any("standard deviation rests" in line for line in told)  # which no table shows
    assert "standard deviation" not in report(result).lower()


def test_methods_of_the_variance_say_where_it_rests_on_rare_scenarios():
    priors = load_priors(SMALL_ERRORS)
    asked = {"scenarios": 2**12, "quantities": ["wide", "calm"]}
    sobol, rank = (tornado(priors, method=method, **asked).warnings for method in ("sobol", "rank"))
    assert any("wide" in line and "standard deviation" in line for line in sobol)
    assert not any("calm" in line for line in [*sobol, *rank])


NEAR_ZERO = """
model = "none"
[priors]
z = {dist = "normal", mean = 0, sd = 1}
w = {dist = "normal", mean = 0, sd = 1}
[quantities]
zero = {formula = "z + w"}
above = {formula = "exp((z + w) / 4)"}
rare = {formula = "z > 3"}
nothing = {formula = "0 * z"}
"""


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["zero"], r"at most 0\.\d+ % of the width from P5 to P95 where a band reaches 0\.$"),
        (["above"], r"at most 0\.\d+ % of a median and 0\.\d+ % of any other percentile\.$"),
        (["zero", "above"], r"% of any other percentile, and 0\.\d+ % of the width from P5 to P95 where a band"),
        (["rare"], r"^Sampling error of the figures above: none\.$"),
        (["nothing"], r"^Sampling error of the figures above: none, nothing varies\.$"),
    ],
)
def test_errors_are_told_as_shares_of_what_is_not_0(names, text):
    told = report(run(load_priors(NEAR_ZERO), scenarios=2**14, quantities=names)).splitlines()
    (line,) = (line for line in told if line.startswith("Sampling error"))
    assert re.search(text, line)


def test_an_error_that_is_not_known_is_said():
    result = run_result({"a": ("A", "1", 1.0, 1.0), "b": ("B", "1", 1.0, 1.0)})
    result["percentiles_se"][1] = math.nan
    assert "percentile. Not known of b." in report(result)


@pytest.mark.parametrize(
    ("constant", "published", "told"),
    [
        (1e-306, 1000, "1×10³⁰⁹, 1.0×10³⁰⁹ times"),
        (2.0, 30, "30, 15 times"),
        (2.0, 3, "3, 50 % above"),
        (2.0, -50, "−50, −25 times"),
        (1e300, 1e-10, "100 % below"),
        (-2.0, 30, "30, −15 times"),
    ],
)
def test_a_published_figure_far_from_a_constant_is_told_in_its_multiples(constant, published, told):
    result = run(
        load_priors(
            f'model = "none"\n[priors.a]\nvalue = {constant}\n[quantities.q]\nformula = "a"\n'
            f'[[published]]\nquantity = "q"\nvalue = {published}\n'
        ),
        scenarios=16,
    )
    text = plain(laid_out(sections(result)))
    assert told in text
    assert "inf" not in text
    assert "Published: q" in text
    assert ", ." not in text  # no source is stated


def test_percentiles_near_100_have_names_of_their_own():
    priors = load_priors(SHOP)
    result = run(priors, scenarios=2**12, percentiles=[50, 99.9999, 99.99999], statistics=["shortest 99.99999"])
    header = plain(laid_out(sections(result))).splitlines()[2]
    assert header.split()[1:4] == ["P50", "P99.9999", "P99.99999"]
    assert "shortest 99.99999 %" in header


DATES = """
model = "none"
[priors.t]
dist = "normal"
mean = 2027.6
sd = 0.3
unit = "year"
[quantities.date]
formula = "t + 0"
unit = "year"
[quantities.cost]
formula = "1000 [USD/year] * t"
unit = "USD"
"""


@pytest.mark.parametrize("question", ["run", "compare", "tornado", "decide", "explain"])
def test_a_year_has_no_separator_of_thousands(question, command, load):
    """P5, P50 and P95 are apart, to the digit that the band needs; two million USD keep what they have."""
    file = load(DATES).path
    other = load(DATES.replace("2027.6", "2029.6") + "[choices.a]\n[choices.b.priors.t]\nvalue = 2031\n", name="b").path
    asked = {
        "run": ["run", file],
        "compare": ["compare", file, other, "--quantities", "date"],
        "tornado": ["tornado", file, "--quantities", "date"],
        "decide": ["decide", other, "--quantities", "date"],
        "explain": ["explain", "t", file],
    }[question]
    code, table, _ = command(*asked)
    assert code == 0
    assert not re.findall(r"\b[12],\d{3}\b(?! scenarios)(?!,)(?!.*USD)", table), table
    years = re.findall(r"\b20[23]\d\b", table)
    assert years
    if question == "run":
        row = next(line for line in table.splitlines() if line.startswith("date "))
        assert row.split()[2:7] == ["2027.11", "2027.40", "2027.60", "2027.80", "2028.09"]


def test_a_picture_writes_years_as_years(load):
    (axis, *_) = plots(run(load(DATES), scenarios=2**14, quantities=["date"]))["bands"].axes
    texts = [each.get_text() for each in (*axis.texts, *axis.get_xticklabels())]
    assert any(text.startswith("202") for text in texts)
    assert not any("," in text for text in texts)
