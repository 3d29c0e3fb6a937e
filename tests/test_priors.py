import hashlib
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulate import graph, model
from simulate.priors import PriorsError, choice, load_priors
from simulate.priors.positions import line_of, positions
from simulate.settings import Settings

PRIORS = sorted((Path(__file__).parent.parent / "priors").glob("*.toml"))

EXAMPLE = """
title = "ChatGPT, late January 2023"

[run]
scenarios = 4096
percentiles = [95, 5, 50]
quantities = ["capex", "cost_per_visit"]

[priors.visitors_per_day]
dist = "lognormal"
p5 = 10e6
p95 = 20e6

[priors.questions_per_visitor]
dist = "lognormal"
"p2.5" = 3
"p97.5" = 12
evidence = "judgement"

[priors.seconds_per_token]
dist = "lognormal"
p5 = 3
p95 = 70
unit = "ms/token"
evidence = "sourced"
source = "a guide"
note = "at peak load"

[priors.server_price]
dist = "lognormal"
median = 200
sigma = 0.2
unit = "kUSD"

[priors.cloud_price_reserved]
dist = "uniform"
lower = 1
upper = 2

[priors.accelerators_per_server]
value = 8
label = "GPUs in a server"

[correlations]
visitors_per_day.questions_per_visitor = -0.3
server_price.cloud_price_reserved = { gaussian_copula = 0.5 }
seconds_per_token.server_price = { kendall = -0.1 }

[[published]]
quantity = "server_capex"
value = 759
unit = "MUSD"
source = "Guosheng"

[[published]]
quantity = "server_capex"
value = 800e6

[quantities.cost_per_visit]
formula = "own_cost_per_year / (365 [day/year] * visitors_per_day)"
unit = "USD"
label = "Cost of a visit"

[quantities.racks]
formula = "round(servers / 7)"
"""


def percentile(prior, percent):
    return float(prior.distribution.quantile(np.float64(percent / 100)))


# ---------------------------------------------------------------- one file


@pytest.mark.parametrize("path", PRIORS, ids=lambda path: path.stem)
def test_shipped_files_load(path):
    priors = load_priors(path)
    assert priors.title
    assert priors.priors
    for case in (priors, *(choice(priors, name) for name in priors.choices)):
        lacking = graph.missing(case.quantities, case.priors)
        assert not set(case.run.quantities) & set(lacking)


def test_priors(load):
    priors = load(EXAMPLE)
    assert priors.title == "ChatGPT, late January 2023"
    assert priors.model == "llm_cost"
    seconds = priors.priors["seconds_per_token"]
    assert (seconds.family, seconds.unit, seconds.evidence) == ("lognormal", "ms/token", "sourced")
    assert (seconds.source, seconds.note, seconds.inherited) == ("a guide", "at peak load", False)
    assert seconds.specification == {"p5": 3, "p95": 70}
    assert (seconds.file.name, seconds.line) == ("priors.toml", 20)
    assert percentile(seconds, 5) == pytest.approx(0.003, rel=1e-12)
    assert percentile(seconds, 95) == pytest.approx(0.070, rel=1e-12)
    assert percentile(priors.priors["server_price"], 50) == pytest.approx(200e3, rel=1e-12)
    assert percentile(priors.priors["questions_per_visitor"], 2.5) == pytest.approx(3, rel=1e-12)
    eight = priors.priors["accelerators_per_server"]
    assert (eight.family, eight.specification, eight.evidence) == ("constant", {"value": 8}, "")
    assert eight.distribution.support == (8, 8)
    assert eight.label == priors.quantities["accelerators_per_server"].label == "GPUs in a server"


def test_a_unit_left_out_is_the_quantitys_own(load):
    assert load(EXAMPLE).priors["cloud_price_reserved"].unit == "USD/h"


def test_run_correlations_and_published_figures(load):
    priors = load(EXAMPLE)
    assert priors.run == Settings(scenarios=4096, percentiles=(5, 50, 95), quantities=("capex", "cost_per_visit"))
    assert [(pair.first, pair.second, pair.measure, pair.value) for pair in priors.correlations] == [
        ("visitors_per_day", "questions_per_visitor", "spearman", -0.3),
        ("server_price", "cloud_price_reserved", "gaussian_copula", 0.5),
        ("seconds_per_token", "server_price", "kendall", -0.1),
    ]
    assert [
        (figure.quantity, figure.value, figure.stated, figure.unit, figure.source) for figure in priors.published
    ] == [("server_capex", 759e6, 759, "MUSD", "Guosheng"), ("server_capex", 800e6, 800e6, "USD", "")]


def test_formulas_join_the_model_or_replace_its_functions(load):
    priors = load(EXAMPLE)
    names = list(model.quantities("llm_cost"))
    assert list(priors.quantities) == [*names, "cost_per_visit"]
    assert priors.own == ("cost_per_visit", "racks")
    assert priors.headline == (*model.HEADLINE, "cost_per_visit")
    visit = priors.quantities["cost_per_visit"]
    assert (visit.unit, visit.label, visit.needs) == (
        "USD",
        "Cost of a visit",
        ("own_cost_per_year", "visitors_per_day"),
    )
    assert visit.function(730.0, 2.0) == 1.0
    racks, original = priors.quantities["racks"], model.quantities("llm_cost")["racks"]
    assert (racks.unit, racks.label, racks.needs) == (original.unit, original.label, ("servers",))
    assert "round(servers / 7)" in racks.definition


def test_a_replacing_formula_is_in_its_own_unit(load):
    priors = load('[quantities.capex]\nformula = "2 [MUSD] * servers"\nunit = "MUSD"\n')
    assert priors.quantities["capex"].unit == "USD"
    assert priors.quantities["capex"].function(3.0) == 6e6


def test_own_priors_enter_formulas_as_plain_numbers(load):
    priors = load(
        'model = "none"\n[priors]\nworth = {value = 100, unit = "million USD"}\nrise = {value = 3, unit = "percent"}\n'
        'wait = {value = 5, unit = "ms"}\n[quantities]\nnext = {formula = "worth * (1 + rise)", unit = "USD"}\n'
        'shown = {formula = "next", unit = "million USD"}\nrate = {formula = "worth / wait"}\n'
    )
    assert {name: each.unit for name, each in priors.quantities.items()} == {
        "worth": "USD",
        "rise": "1",
        "wait": "ms",
        "next": "USD",
        "shown": "million USD",
        "rate": "USD/ms",
    }
    assert [percentile(priors.priors[name], 50) for name in ("worth", "rise", "wait")] == [1e8, 0.03, 5.0]
    assert (priors.priors["worth"].unit, priors.priors["worth"].specification) == ("million USD", {"value": 100})
    assert priors.quantities["next"].function(1e8, 0.03) == 1.03e8
    assert priors.quantities["shown"].function(1.03e8) == 103.0


def test_units_are_derived_through_formulas_whatever_their_order(load):
    text = (
        'model = "none"\n[quantities]\nz = {formula = "y * 2"}\ny = {formula = "x / n"}\nbare = {formula = "3 * n"}\n'
    )
    priors = load(text + '[priors]\nx = {value = 1, unit = "USD"}\nn = {value = 2}\n')
    assert [priors.quantities[name].unit for name in ("z", "y", "bare")] == ["USD", "USD", "1"]
    with pytest.raises(
        PriorsError, match=r"priors.toml:3: quantities.z.formula: column 5: y \* 2 is in h if 2 is in h/USD"
    ):
        load(
            text.replace('"y * 2"', '"y * 2", unit = "h"')
            + '[priors]\nx = {value = 1, unit = "USD"}\nn = {value = 2}\n'
        )


def test_a_formula_of_numbers_alone_may_be_in_any_unit(load):
    text = 'model = "none"\n[quantities]\ncost = {formula = "2 * bare", unit = "USD"}\nbare = {formula = "3 * n"}\n'
    assert load(text + "[priors]\nn = {value = 2}\n").quantities["cost"].unit == "USD"
    with pytest.raises(PriorsError, match="2 \\* bare is in USD if 2 is in USD"):
        load(text + '[priors]\nn = {value = 2, unit = "1"}\n')


def test_a_prior_in_place_of_an_own_one_is_in_its_unit(load):
    text = 'model = "none"\n[priors.a]\nvalue = 1\nunit = "million USD"\n[quantities.y]\nformula = "a"\nunit = "USD"\n'
    priors = load(text, "a=5")
    assert (priors.quantities["a"].unit, percentile(priors.priors["a"], 50)) == ("USD", 5.0)


def test_a_prior_breaks_a_circle_of_formulas(load):
    text = 'model = "none"\n[priors.n]\nvalue = 2\nunit = "h"\n'
    text += '[quantities.a]\nformula = "b + n"\n[quantities.b]\nformula = "a"\n'
    priors = load(text, "b=5")
    assert priors.quantities["a"].unit == "h"


@pytest.mark.parametrize(("kind", "table"), [("priors", "value = 1"), ("quantities", 'formula = "2"')])
def test_an_own_unit_must_be_written_as_one(load, kind, table):
    with pytest.raises(PriorsError, match=f"toml:4: {kind}.a.unit: there is no unit 'usd'; did you mean 'USD'"):
        load(f'model = "none"\n[{kind}.a]\n{table}\nunit = "usd"\n[quantities.y]\nformula = "a"\n')


def test_a_formula_in_place_of_the_models_tells_its_unit(load):
    priors = load('[quantities.capex]\nformula = "2 [MUSD] * servers"\nunit = "MUSD"\n')
    assert "capex = 2 [MUSD] * servers  [MUSD]" in priors.quantities["capex"].definition


def test_an_own_prior_hides_a_constant_and_needs_a_use(load):
    priors = load('model = "none"\n[priors.e]\nvalue = 2\nunit = "apples"\n[quantities.x]\nformula = "e * pi"\n')
    assert priors.quantities["x"].needs == ("e",)
    assert priors.quantities["e"].unit == "apples"
    assert priors.headline == ("x",)
    assert set(priors.quantities) == {"x", "e"}
    graph.plan(priors.quantities, priors.priors, ["x"])


def test_an_own_prior_may_be_used_by_a_correlation_alone(load):
    text = """[priors.pue]
    dist = "uniform"
    lower = 1.1
    upper = 1.3
    [priors.weather]
    dist = "normal"
    mean = 0
    sd = 1
    [correlations]
    weather.pue = 0.5
    """
    assert load(text).priors["weather"].unit == "1"


def test_defaults(load):
    priors = load("[priors.pue]\nvalue = 1.1\n", name="alone")
    assert priors.title == "alone"
    assert priors.run == Settings()
    assert priors.correlations == priors.published == priors.own == ()
    assert priors.headline == model.HEADLINE


def test_the_file_is_kept_with_its_digest(load):
    priors = load(EXAMPLE)
    assert [file.path for file in priors.files] == [priors.path]
    assert priors.files[0].text == EXAMPLE
    assert priors.files[0].digest == hashlib.sha256(EXAMPLE.encode()).hexdigest()


def test_a_negligible_part_beyond_the_bound_is_let_be(load):
    priors = load('[priors.pue]\ndist = "normal"\nmean = 1.4\nsd = 0.1\n')  # P(pue < 1) = 3e-5
    assert priors.priors["pue"].distribution.support[0] < 1


def test_a_mixed_case_of_dotted_tables_and_inline_ones(load):
    text = 'priors.pue = { dist = "uniform", lower = 1.1, upper = 1.3 }\npriors.mfu_step.value = 0.4\n'
    priors = load(text)
    assert priors.priors["pue"].line == 1
    assert priors.priors["mfu_step"].line == 2


def test_a_csv_file_lies_beside_the_file_that_names_it(load, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/prices.csv").write_text("price\n1\n2\n3\n", encoding="utf-8")
    entry = '[priors.pue]\ndist = "empirical"\nfile = "prices.csv"\ncolumn = "price"\n'
    load(entry, name="folder/base")
    priors = load('extends = "folder/base.toml"\n[priors.pue]\nnote = "mine"\n')
    assert priors.priors["pue"].distribution.support == (1, 3)


# ---------------------------------------------------------------- extends


def test_an_entry_with_a_family_replaces_and_one_without_changes(load):
    load(EXAMPLE, name="base")
    priors = load("""
    extends = "base.toml"
    [run]
    seed = 7
    [priors.seconds_per_token]
    p95 = 90
    [priors.server_price]
    value = 250_000
    [priors.accelerators_per_server]
    note = "as before"
    """)
    seconds = priors.priors["seconds_per_token"]
    assert seconds.specification == {"p5": 3, "p95": 90}
    assert (seconds.unit, seconds.source, seconds.inherited) == ("ms/token", "a guide", False)
    assert (seconds.file.name, seconds.line) == ("priors.toml", 5)
    assert percentile(seconds, 95) == pytest.approx(0.090, rel=1e-12)
    price = priors.priors["server_price"]
    assert (price.specification, price.unit, price.distribution.support) == (
        {"value": 250_000},
        "USD",
        (250_000, 250_000),
    )
    assert priors.priors["accelerators_per_server"].specification == {"value": 8}
    assert priors.priors["visitors_per_day"].inherited
    assert priors.run == Settings(
        scenarios=4096, seed=7, percentiles=(5, 50, 95), quantities=("capex", "cost_per_visit")
    )
    assert priors.title == "priors"
    assert [file.path.name for file in priors.files] == ["priors.toml", "base.toml"]


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        ("[run]\nseed = 7", ["server_capex", "racks"]),
        ("[priors.server_price]\nvalue = 250_000", ["racks"]),
        ("[priors.seconds_per_token]\np95 = 90", []),
        ("[quantities.server_capex]\nformula = '1e6 [USD] * racks'\nunit = 'USD'", ["racks"]),
        ("[priors.seconds_per_token]\np95 = 90\n[[published]]\nquantity = 'racks'\nvalue = 9", ["racks"]),
        ("[choices.dear.priors.server_price]\nvalue = 9e5\n[choices.cheap]", ["server_capex", "racks"]),
    ],
)
def test_a_published_figure_is_inherited_where_it_is_of_the_same_case(entries, kept, load, tmp_path):
    """Not where the file states what its quantity comes from; an override asks what would be, of the same case."""
    figures = "".join(f"[[published]]\nquantity = '{name}'\nvalue = 5\n" for name in ("server_capex", "racks"))
    example = EXAMPLE[: EXAMPLE.index("[[published]]")].replace('"capex", "cost_per_visit"', '"capex"')
    load(example + figures, name="base")
    priors = load(f'extends = "base.toml"\n{entries}\n')
    assert sorted(each.quantity for each in priors.published) == sorted(kept)
    again = load_priors(tmp_path / "priors.toml", ["servers_per_rack=6"])
    assert sorted(each.quantity for each in again.published) == sorted(kept)
    if "dear" in entries:
        assert [each.quantity for each in priors.cases["dear"].published] == ["racks"]


def test_correlations_are_inherited_by_unordered_pair(load):
    load(EXAMPLE, name="base")
    priors = load("""
    extends = "base.toml"
    [correlations]
    questions_per_visitor.visitors_per_day = 0
    cloud_price_reserved.server_price = 0.4
    """)
    assert {(pair.first, pair.second): (pair.measure, pair.value) for pair in priors.correlations} == {
        ("cloud_price_reserved", "server_price"): ("spearman", 0.4),
        ("seconds_per_token", "server_price"): ("kendall", -0.1),
    }


def test_an_inherited_correlation_of_what_is_now_fixed_falls_idle(load):
    load(EXAMPLE, name="base")
    text = 'extends = "base.toml"\n[priors.server_price]\nvalue = 2e5\n[quantities.visitors_per_day]\nformula = "3"\n'
    priors = load(text)
    assert priors.correlations == ()
    assert "visitors_per_day" not in priors.priors
    assert load(EXAMPLE, "server_price=2e5").correlations[0].first == "visitors_per_day"
    assert len(load(EXAMPLE, "server_price=2e5").correlations) == 1


def test_the_nearer_of_a_prior_and_a_formula_holds(load):
    load('[quantities.pue]\nformula = "1.3"\n[priors.idle_load]\nvalue = 0.2\n', name="base")
    priors = load('extends = "base.toml"\n[priors.pue]\nvalue = 1.2\n[quantities.idle_load]\nformula = "0.1 + 0.2"\n')
    assert set(priors.priors) == {"pue"}
    assert priors.quantities["idle_load"].function() == pytest.approx(0.3, abs=1e-15)


def test_an_inherited_prior_may_fall_idle(load):
    load('[priors.a]\nvalue = 1\n[quantities.x]\nformula = "a"\n', name="base")
    priors = load('extends = "base.toml"\n[quantities.x]\nformula = "2 * capex"\n')
    assert priors.priors["a"].inherited


def test_a_quantitys_label_may_change_alone(load):
    load('[priors.a]\nvalue = 1\nunit = "USD"\n[quantities.x]\nformula = "a"\nunit = "USD"\n', name="base")
    priors = load('extends = "base.toml"\n[quantities.x]\nlabel = "Mine"\n')
    assert (priors.quantities["x"].label, priors.quantities["x"].unit) == ("Mine", "USD")


def test_published_figures_of_a_quantity_replace_the_inherited_ones(load):
    load(EXAMPLE, name="base")
    priors = load('extends = "base.toml"\n[[published]]\nquantity = "server_capex"\nvalue = 1e9\n')
    assert [figure.value for figure in priors.published] == [1e9]


def test_an_accelerators_figures_lie_beneath_the_file_that_names_it(load):
    load("[priors.peak_flops]\nvalue = 1\n[priors.memory_bandwidth]\nvalue = 1\n", name="base")
    priors = load('extends = "base.toml"\naccelerator = "H100 SXM5"\n[priors.peak_flops]\nvalue = 2e15\n')
    assert priors.priors["peak_flops"].distribution.support[0] == 2e15
    assert priors.priors["memory_bandwidth"].distribution.support[0] > 1e12
    assert priors.priors["memory_bandwidth"].inherited


# ---------------------------------------------------------------- overrides


def test_overrides(load):
    priors = load(
        EXAMPLE,
        "seconds_per_token.p95 = 80",
        'pue = {dist = "uniform", lower = 1.05, upper = 1.3}',
        "run.seed = 3",
        'quantities.racks.formula = "servers / 2"',
        "correlations.server_price.pue = 0.2",
        "peak_to_average=2",
        "peak_to_average=3",
    )
    assert priors.priors["seconds_per_token"].specification == {"p5": 3, "p95": 80}
    assert priors.priors["pue"].distribution.support == (1.05, 1.3)
    assert priors.priors["peak_to_average"].distribution.support == (3, 3)
    assert priors.run.seed == 3
    assert priors.quantities["racks"].function(6.0) == 3.0
    assert ("server_price", "pue") in [(pair.first, pair.second) for pair in priors.correlations]
    assert not priors.priors["visitors_per_day"].inherited
    assert len(priors.overrides) == 7
    assert len(priors.files) == 1


# ---------------------------------------------------------------- choices

CHOICES = """
model = "none"
[priors.price]
dist = "uniform"
lower = 1
upper = 2
unit = "USD"
[priors.rent_price]
value = 3
unit = "USD"
[quantities.cost]
formula = "10 * price"
unit = "USD"
[choices.own]
label = "Own it"
[choices.rent.quantities.cost]
formula = "4 * rent_price"
[choices.cheap.priors.price]
upper = 1.5
"""


def test_choices_override_the_files_entries(load):
    priors = load(CHOICES)
    assert {name: option.label for name, option in priors.choices.items()} == {
        "own": "Own it",
        "rent": "rent",
        "cheap": "cheap",
    }
    assert priors.quantities["cost"].needs == ("price",)
    assert choice(priors, "own").quantities["cost"].needs == ("price",)
    rent = choice(priors, "rent")
    assert (rent.quantities["cost"].needs, rent.chosen) == (("rent_price",), "rent")
    assert rent.quantities["cost"].function(3.0) == 12.0
    assert choice(priors, "cheap").priors["price"].distribution.support == (1, 1.5)
    assert list(rent.quantities) == list(priors.quantities)


def test_an_override_goes_before_a_choice(load):
    priors = load(CHOICES, "price.upper = 1.25")
    assert choice(priors, "cheap").priors["price"].distribution.support == (1, 1.25)


def test_choices_are_inherited(load):
    load(CHOICES, name="base")
    priors = load('extends = "base.toml"\n[priors.price]\nlower = 0.5\n[choices.cheap.priors.price]\nupper = 1.4\n')
    assert list(priors.choices) == ["own", "rent", "cheap"]
    assert choice(priors, "cheap").priors["price"].distribution.support == (0.5, 1.4)


def test_choices_of_accelerators(load):
    text = '[priors.pue]\nvalue = 1.1\n[choices.a]\naccelerator = "H100 SXM5"\n[choices.b]\naccelerator = "V100"\n'
    priors = load(text)
    flops = [choice(priors, name).priors["peak_flops"].distribution.support[0] for name in "ab"]
    assert flops[0] > 4 * flops[1]
    assert "peak_flops" not in priors.priors


def test_an_unknown_choice(load):
    with pytest.raises(PriorsError, match=r"priors.toml: there is no choice rents; did you mean rent\?$"):
        choice(load(CHOICES), "rents")


# ---------------------------------------------------------------- correlations as a matrix


def pairs_of(correlations, names):
    entries = "".join(f'[priors.{name}]\ndist = "normal"\nmean = 0\nsd = 1\n' for name in names)
    return f'model = "none"\n{entries}[quantities.x]\nformula = "{"+".join(names)}"\n[correlations]\n{correlations}'


def test_a_singular_matrix_is_allowed(load):
    priors = load(pairs_of("a.b = 1\nb.c = 1\na.c = 1\n", "abc"))
    assert len(priors.correlations) == 3


def test_measures_are_compared_as_the_copulas_parameter(load):
    # latent 0.5, -0.5 and -0.5 are the edge of what three normals can have; a little beyond it is refused
    edge = 6 / np.pi * np.arcsin(0.5 / 2)
    good = f"a.b = {edge}\nb.c = {{ gaussian_copula = -0.5 }}\na.c = {{ kendall = {-1 / 3} }}\n"
    assert len(load(pairs_of(good, "abc")).correlations) == 3
    triple = f"a.b = {{ gaussian_copula = -0.5 }}\na.c = {{ kendall = {-1 / 3} }}\n"
    assert load(pairs_of(f"{triple}b.c = {-edge + 1e-9}\n", "abc"))
    with pytest.raises(PriorsError, match="cannot hold together"):
        load(pairs_of(f"{triple}b.c = {-edge - 1e-6}\n", "abc"))


def test_only_what_conflicts_is_named(load):
    chain = "".join(f"{a}.{b} = 0.5\n" for a, b in zip("abcdefg", "bcdefgh", strict=True))
    with pytest.raises(PriorsError) as refused:
        load(pairs_of(f"{chain}f.h = -0.9\n", "abcdefgh"))
    assert ": f with g (0.5), f with h (-0.9), g with h (0.5);" in str(refused.value)
    assert "a with b" not in str(refused.value)


# ---------------------------------------------------------------- lines, and imports


def test_lines_of_keys():
    text = '# c\na.b = 1\n[t."x y"]\nk = [1,\n2, {z = 3}]\n[[l]]\nv = 1\n[[l]]\nw = { p = 1, q.r = 2 }\n[l.m]\nn = 1\n'
    lines = positions(text)
    assert lines["a", "b"] == 2
    assert lines["t", "x y"] == 3
    assert lines["t", "x y", "k", 1] == 5
    assert lines["t", "x y", "k", 2, "z"] == 5
    assert (lines["l", 0], lines["l", 0, "v"], lines["l", 1]) == (6, 7, 8)
    assert lines["l", 1, "w", "q", "r"] == 9
    assert lines["l", 1, "m", "n"] == 11
    assert line_of(text, ("t", "x y", "missing")) == 3
    assert line_of(text, ("l", 1, "w", "missing")) == 9
    assert line_of(text, ("nowhere",)) == 1


def test_loading_a_good_file_imports_nothing_that_only_errors_need(load):
    program = (
        f"import sys; from simulate.priors import load_priors; load_priors({str(load(EXAMPLE).path)!r});"
        "print([name for name in ('tree_sitter', 'scipy.stats', 'xarray', 'pint') if name in sys.modules])"
    )
    root = str(Path(__file__).parent.parent)
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": root}
    )
    assert ran.stdout.strip() == "[]"


THREE = "".join(f"[priors.{name}]\ndist = 'lognormal'\np5 = 1\np95 = 10\n" for name in "abc")
SUM = "[quantities.y]\nformula = 'a + b + c'\n"


def test_what_a_gaussian_copula_reaches_of_correlations_that_are_possible_is_told(priors_of):
    """Spearman's -0.5 of three pairs is possible, but not with normal scores, of which each is -1/2 at least."""

    def three(value):
        pairs = "".join(f"{pair} = {value}\n" for pair in ("a.b", "a.c", "b.c"))
        return priors_of("three", f"{THREE}{SUM}[correlations]\n{pairs}")

    with pytest.raises(PriorsError) as caught:
        three(-0.5)
    told = re.search(r"a Gaussian copula does not reach these together: .*; it reaches (\S+)$", str(caught.value))
    assert float(told[1]) == -math.floor(6 / math.pi * math.asin(1 / 4) * 1e5) / 1e5
    assert len(three(told[1]).correlations) == 3
    with pytest.raises(PriorsError, match="cannot hold together"):
        three(-0.51)


@pytest.mark.parametrize("value", ["1e7", "{value = 1e7}", '{dist = "choice", values = [1e7]}'])
def test_a_constant_set_in_place_of_a_correlated_prior_is_told(value):
    priors = load_priors("base", [f"visitors_per_day={value}"])
    where = f"--set 'visitors_per_day={value}'"
    told = f"is a constant in {where}: its correlation with questions_per_visitor (-0.3) falls idle"
    assert priors.warnings["visitors_per_day"] == f"visitors_per_day {told}"


def test_what_an_extending_file_fixes_is_told_where_its_partner_varies(load):
    pairs = "[correlations]\na.b = 0.5\na.c = 0.3\n"
    load(f'model = "none"\n{THREE}{SUM}{pairs}', name="base")
    fixed = load("extends = 'base.toml'\n[priors.a]\nvalue = 3\n", name="constant")
    told = "its correlations with b (0.5), c (0.3) fall idle"
    assert fixed.warnings == {"a": f"a is a constant in {fixed.path}: {told}"}
    computed = load("extends = 'base.toml'\n[quantities.a]\nformula = 'b * 2'\n", name="computed")
    assert computed.warnings == {"b": f"a is given by a formula in {computed.path}: {told}"}
    alone = load("extends = 'base.toml'\n[priors]\na.value = 3\nb.value = 1\nc.value = 2\n", name="alone")
    assert not alone.warnings
    assert not load("extends = 'base.toml'\n[correlations]\na.b = 0.1\n", name="weaker").warnings


def test_a_bound_that_cuts_off_nothing_changes_nothing():
    bounded = load_priors("base", ["seconds_per_token.lower=0"]).priors["seconds_per_token"].distribution
    whole = load_priors("base").priors["seconds_per_token"].distribution
    p = [1e-6, 0.05, 0.5, 0.95, 1 - 1e-6]
    assert bounded.quantile(p).tolist() == whole.quantile(p).tolist()


def test_a_setting_in_percent_is_converted_and_never_changes_what_is_measured():
    text = (
        "model = 'none'\n[priors.share]\ndist = 'uniform'\nlower = 5\nupper = 30\nunit = '%'\n"
        "[priors.cost]\nvalue = 2\nunit = 'USD'\n[quantities.y]\nformula = 'share * cost'\n"
    )
    assert load_priors(text, ["share=10%"]).priors["share"].distribution.mean == 0.1
    assert load_priors("base", ["pue=110%"]).priors["pue"].distribution.mean == pytest.approx(1.1)
    with pytest.raises(PriorsError, match=r"^--set 'cost=10%': priors\.cost\.unit: % does not convert to USD"):
        load_priors(text, ["cost=10%"])
    with pytest.raises(PriorsError, match="% does not convert to 1/day"):
        load_priors("base", ["visitors_per_day=10%"])
