"""Units of formulas: what they are derived to be, what is converted, and what is refused with which readings."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulate import model
from simulate.formulas import FormulaError, Units, formula
from simulate.units import conversion_factor

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "formulas.md").read_text(encoding="utf-8")
OF_MODEL = {name: quantity.unit for name, quantity in model.quantities("llm_cost").items()}
OWN = {
    "cost": "USD",
    "millions": "million USD",
    "yearly": "USD/year",
    "daily": "USD/day",
    "price": "USD/kWh",
    "power": "kW",
    "hours": "h",
    "months": "month",
    "work": "FLOP",
    "rate": "1/year",
    "share": "1",
    "count": "1",
    "growth": "%",
    "carbon": "kgCO2eq/kWh",
    "busy": "1",
    "plain": "1",
    "other": "1",
}
NUMBERS = ("plain", "other")  # of which no unit is stated


def compiled(text, stated="", into="", units=OWN, counts=None):
    return formula(text, units, Units(units, stated, into, NUMBERS, counts or {}))


def value(text, stated="", into="", **values):
    done = compiled(text, stated, into)
    return done(*[values[name] for name in done.names])


def refusal(text, stated="", **options):
    with pytest.raises(FormulaError) as refused:
        compiled(text, stated, **options)
    message = str(refused.value)
    assert message.isprintable()
    return message


def lines(kind):
    """The lines of a fenced block of the page: formula, stated unit, and what stands after the arrow."""
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[1]
    parts = [re.fullmatch(r"(.*?)(?: \| (.*?))? +-> (.*)", line).groups() for line in found.splitlines()]
    return [(text, stated or "", after) for text, stated, after in parts]


# ---------------------------------------------------------------- the page


@pytest.mark.parametrize(("text", "stated", "unit"), lines("units"))
def test_units_of_the_page(text, stated, unit):
    assert compiled(text, stated, units=OF_MODEL).unit == unit


@pytest.mark.parametrize(("text", "stated", "reason"), lines("refused"))
def test_what_the_page_refuses_is_refused_for_its_reason(text, stated, reason):
    assert reason in refusal(text, stated, units=OF_MODEL)


def test_the_line_of_the_page_is_the_line():
    (line,) = re.findall(r"^    (staff_cost / 365 is .*)$", PAGE, re.MULTILINE)
    assert refusal("staff_cost / 365", "USD/day", units=OF_MODEL) == f"column 14: {line}"


# ---------------------------------------------------------------- what is derived

DERIVED = {
    "cost": "USD",
    "millions": "million USD",
    "power * hours": "kWh",
    "power * hours * price": "USD",
    "power * price": "USD/h",
    "yearly / daily": "1",
    "cost / yearly": "year",
    "hours / months": "1",
    "price ** -1": "kWh/USD",
    "1 / (months * months)": "1/month^2",
    "carbon * power * hours": "kgCO2eq",
    "sqrt(cost ** 2)": "USD",
    "sqrt(power * price * hours * cost)": "USD",
    "-abs(+cost)": "USD",
    "cost % millions": "USD",
    "cost // millions": "1",
    "hours // 2": "h",
    "sign(cost) * share": "1",
    "exp(share) * cost": "USD",
    "(cost > 1) & ~(power < 2) | (share == 1)": "1",
    "cost * (power > 2)": "USD",
    "clip(cost, 0, 5)": "USD",
    "where(share > 0.5, 1, cost)": "USD",
    "min(3, 4)": "",
    "plain * other + 1": "",
    "plain * cost": "USD",
    "cost - 99": "USD",
    "cost + plain": "USD",
    "cost + 0": "USD",
    "0 - cost": "USD",
    "1 + share": "1",
    "1 + growth": "1",
    "growth + share": "%",
    "growth": "%",
    "pi * cost": "USD",
    "2 ** ceil(log(count) / log(2))": "1",
    "1.02 ** count * cost": "USD",
    "(months in year)": "1",
    "log(months in year)": "1",
    "(cost + 5 [USD] in million USD)": "1",
    "3 [kWh]": "kWh",
    "5 [%]": "1",
    "5 [million]": "1",
    "2 [USD] * count": "USD",
    "cost ** (1 + 1)": "USD^2",
    "max(yearly, daily)": "USD/year",
}


@pytest.mark.parametrize("text", DERIVED)
def test_units_are_derived(text):
    assert compiled(text).unit == DERIVED[text]


@pytest.mark.parametrize(
    ("text", "stated", "expected"),
    [
        ("cost", "million USD", 2e-6),
        ("cost", "cent", 200.0),
        ("millions", "USD", 2e6),
        ("yearly / daily", "", 1 / 365),
        ("yearly + daily", "", 2 + 2 * 365),
        ("daily + yearly", "", 2 + 2 / 365),
        ("daily > yearly", "", 1.0),
        ("millions > cost", "", 1.0),
        ("max(cost, millions)", "", 2e6),
        ("where(cost > 1, millions, cost)", "million USD", 2.0),
        ("1 + growth", "", 1.02),
        ("1 + growth", "%", 102.0),
        ("cost // daily", "day", 1.0),
        ("millions // cost", "", 1e6),
        ("millions % cost", "", 2 - 2e-6 * (2 // 2e-6)),
        ("sqrt(power * hours * power * hours)", "kWh", 4.0),
        ("sqrt(power * power * hours * hours)", "MWh", 0.004),
        ("exp(hours / months)", "", np.exp(1 / 730)),
        ("2 ** (growth)", "", 2**0.02),
        ("(1 + growth) ** 2", "", 1.02**2),
        ("staff * 5 [%]", "", 0.1),
        ("(months in day)", "", 2 * 365 / 12),
        ("1.4 [billion USD] + cost", "", 1.4e9 + 2),
        ("7 [%]", "", 0.07),
        ("floor(months) * 1 [day/month]", "day", 2.0),
        ("3", "USD", 3.0),
        ("where(cost > 0, 1, where(cost > 1, 2, 3))", "year", 1.0),
        ("power * 24 [h/day] * price", "USD/day", 96.0),
        ("yearly / 365 [day/year]", "USD/day", 2 / 365),
        ("yearly / 365 [1]", "USD/day", 2 / 365 / 365),
        ("1.4e6 * cost", "USD", 2.8e6),
        ("cost - 99", "USD", -97.0),
        ("plain * other", "million USD", 4.0),
        ("cost + plain", "USD", 4.0),
        ("where(plain > 1, plain, cost)", "USD", 2.0),
    ],
)
def test_scales_are_converted(text, stated, expected):
    units = {**OWN, "staff": "USD"}
    done = compiled(text, stated, units=units)
    assert done(*[2.0] * len(done.names)) == pytest.approx(expected, rel=1e-13)


def test_a_formula_goes_into_another_unit():
    assert value("cost", "million USD", "cent", cost=3.0) == 300.0
    assert value("3", "million USD", "USD") == 3e6
    assert compiled("cost", "million USD", "cent").unit == "cent"


def test_what_needs_no_conversion_keeps_its_bits():
    values = np.random.default_rng(1).uniform(1, 2, 1000)
    np.testing.assert_array_equal(value("yearly / 365 [day/year]", "USD/day", yearly=values), values / 365)
    np.testing.assert_array_equal(
        value("hours * power * price", "USD", hours=values, power=0.3, price=0.7), values * 0.3 * 0.7
    )


def test_units_survive_pickling():
    again = pickle.loads(pickle.dumps(compiled("millions + cost", "USD")))
    assert again.unit == "USD"
    assert again(1.0, 2.0) == 1_000_002.0


# ---------------------------------------------------------------- what is refused

CLOSED = {
    ("cost + price", ""): "column 8: price is in USD/kWh, but cost is in USD; mend one of the two",
    ("cost", "kg"): "column 1: cost is in USD, but the unit stated is kg; mend one of the two",
    ("min(cost, power)", ""): "column 11: power is in kW, but cost is in USD; mend one of the two",
    ("where(cost > 1, power, hours)", ""): "column 24: hours is in h, but power is in kW; mend one of the two",
    ("cost > power", ""): "column 8: power is in kW, but cost is in USD; mend one of the two",
    ("cost % power", ""): "column 8: power is in kW, but cost is in USD; mend one of the two",
    ("share", "USD"): (
        "column 1: share is a mere number, but the unit stated is USD; give what is in it its unit, or write "
        'formula = "share * 1 [USD]"'
    ),
    ("log(cost)", ""): (
        'column 5: cost is in USD, but log takes what is in 1; its bare number is formula = "log((cost in USD))"'
    ),
    ("2 ** cost", ""): (
        'column 6: cost is in USD, but an exponent is in 1; its bare number is formula = "2 ** (cost in USD)"'
    ),
    ("work ** -0.34", ""): (
        "column 1: work is in FLOP, and this power of it has no unit; its bare number is "
        'formula = "(work in FLOP) ** -0.34"'
    ),
    ("work ** count", ""): (
        "column 1: work is in FLOP, and this power of it has no unit; its bare number is "
        'formula = "(work in FLOP) ** count"'
    ),
    ("log(cost - 30)", ""): (
        "column 5: cost - 30 is in USD, but log takes what is in 1; "
        'its bare number is formula = "log((cost - 30 in USD))"'
    ),
    ("sqrt(cost)", ""): (
        'column 6: cost is in USD, and its square root has no unit; its bare number is formula = "sqrt((cost in USD))"'
    ),
    ("(cost in kWh)", ""): "column 2: cost is in USD, but the unit asked for is kWh; mend one of the two",
    ("(2 * 3 in kWh)", ""): "column 2: 2 * 3 is a mere number already; write it alone",
    ("  cost + 3 [kUSDs]", ""): "column 13: there is no unit 'kUSDs'; did you mean 'kUSD'?",
    ("2 * (share in bllion)", ""): "column 15: there is no unit 'bllion'; did you mean 'billion'?",
    ("cost + 3 [wug]", ""): (
        "column 8: there is no unit 'wug'; units are names joined by * and /, such as USD/kWh, ms/token, 1/day"
    ),
}


@pytest.mark.parametrize(("text", "stated"), CLOSED)
def test_what_measures_something_else_is_refused_with_both_units(text, stated):
    assert refusal(text, stated) == CLOSED[text, stated]


# text, stated unit: the reading told, what to write for the first, and for the second
OPEN = {
    ("24 * busy", "h/day"): (
        "column 1: 24 * busy is in h/day if 24 is in h/day, and a mere number if not",
        'formula = "24 [h/day] * busy"',
        'formula = "24 [1] * busy"',
    ),
    ("count * 1.4e6", "USD"): (
        "column 9: count * 1.4e6 is in USD if 1.4e6 is in USD, and a mere number if not",
        'formula = "count * 1.4e6 [USD]"',
        'unit = "1"',
    ),
    ("cost / 1e6", "million USD"): (
        "column 8: cost / 1e6 is in million USD if 1e6 is in 1/million, and in USD if not",
        'formula = "cost / 1e6 [1/million]"',
        'formula = "cost / 1e6 [1]"',
    ),
    ("price*power/1e3*24", "kUSD/day"): (
        "column 13: price*power/1e3*24 is in kUSD/day if 1e3 is in USD/kUSD and 24 is in h/day, and in USD/h if not",
        'formula = "price*power/1e3 [USD/kUSD]*24 [h/day]"',
        'formula = "price*power/1e3 [1]*24 [1]"',
    ),
    ("100 * share", "%"): (
        "column 1: 100 * share is in % if 100 is in %, and a mere number if not",
        'formula = "100 [%] * share"',
        'formula = "100 [1] * share"',
    ),
    ("yearly / 12 / 365", "USD/day"): (
        "column 15: yearly / 12 / 365 is in USD/day if 365 is in day/year, and in USD/year if not",
        'formula = "yearly / 12 / 365 [day/year]"',
        'formula = "yearly / 12 [1] / 365 [1]"',
    ),
    ("yearly + 365 * daily", ""): (
        "column 10: 365 * daily is in USD/year if 365 is in day/year, and in USD/day if not",
        'formula = "yearly + 365 [day/year] * daily"',
        'formula = "yearly + 365 [1] * daily"',
    ),
    ("365 * daily - yearly", ""): (
        "column 1: 365 * daily is in USD/year if 365 is in day/year, and in USD/day if not",
        'formula = "365 [day/year] * daily - yearly"',
        'formula = "365 [1] * daily - yearly"',
    ),
    ("yearly > 365 * daily", ""): (
        "column 10: 365 * daily is in USD/year if 365 is in day/year, and in USD/day if not",
        'formula = "yearly > 365 [day/year] * daily"',
        'formula = "yearly > 365 [1] * daily"',
    ),
    ("cost + 5", "million USD"): (
        "column 8: 5 may be in million USD or in USD",
        'formula = "cost + 5 [million USD]"',
        'formula = "cost + 5 [USD]"',
    ),
    ("cost + plain", "million USD"): (
        "column 8: plain may be in million USD or in USD",
        'formula = "cost + (plain * 1 [million USD])"',
        'unit = "USD"',
    ),
    ("max(cost, 5, millions)", ""): (
        "column 11: 5 may be in USD or in million USD",
        'formula = "max(cost, 5 [USD], millions)"',
        'formula = "max(cost, 5 [million USD], millions)"',
    ),
    ("2025.25 + months / 12", ""): (
        "column 1: 2025.25 may be in month or a mere number",
        'formula = "2025.25 [month] + months / 12"',
        'formula = "2025.25 + (months / 12 in month)"',
    ),
    ("cost * (1 + rate) ** 3", ""): (
        "column 9: 1 may be in 1/year or a mere number",
        'formula = "cost * (1 + (rate in 1/year)) ** 3"',
        'formula = "cost * (1 [1/year] + rate) ** 3"',
    ),
    ("10 ** 6 * count", "USD"): (
        "column 1: 10 ** 6 * count may be in USD or a mere number",
        'formula = "10 ** 6 * count * 1 [USD]"',
        'unit = "1"',
    ),
    ("floor(months)", "year"): (
        "column 1: floor(months) may be in year or in month",
        'formula = "floor(months) * 1 [year/month]"',
        'unit = "month"',
    ),
    ("exp(-0.01 * hours)", ""): (
        "column 6: -0.01 * hours is in 1 if 0.01 is in 1/h, and in h if not",
        'formula = "exp(-0.01 [1/h] * hours)"',
        'formula = "exp((-0.01 * hours in h))"',
    ),
    ("count * 3 + busy * 4", "USD"): (
        "column 9: count * 3 is in USD if 3 is in USD, and a mere number if not",
        'formula = "count * 3 [USD] + busy * 4 [USD]"',
        'unit = "1"',
    ),
    ("power * 8766 * price - 6e5 * 1.03 ** 2 - cost * 0.02", "USD"): (
        "column 9: power * 8766 * price is in USD if 8766 is in h, and in USD/h if not",
        'formula = "power * 8766 [h] * price - 6e5 * 1.03 ** 2 - cost * 0.02"',
        "",
    ),
    ("3 [USD] * count + 2e3 * busy", ""): (
        "column 19: 2e3 * busy is in USD if 2e3 is in USD, and a mere number if not",
        'formula = "3 [USD] * count + 2e3 [USD] * busy"',
        'formula = "(3 [USD] * count in USD) + 2e3 * busy"',
    ),
}


@pytest.mark.parametrize(("text", "stated"), OPEN)
def test_what_is_open_is_refused_with_both_readings(text, stated):
    reading, first, second = OPEN[text, stated]
    told = f"{reading}; write {first}" + (f", or {second}" if second else "")
    assert refusal(text, stated) == told


@pytest.mark.parametrize(("text", "stated"), OPEN)
def test_the_lines_that_are_offered_are_taken(text, stated):
    for line in OPEN[text, stated][1:]:
        if line:
            key, written = re.fullmatch(r'(\w+) = "(.*)"', line).groups()
            compiled(*((written, stated) if key == "formula" else (text, written)))


@pytest.mark.parametrize(("text", "stated"), OPEN)
def test_the_first_line_gives_the_numbers_as_they_stand(text, stated):
    """As the formula did when nothing was held against units, in the unit that was meant."""
    line = re.fullmatch(r'formula = "(.*)"', OPEN[text, stated][1])
    plain, mended = formula(text), compiled(line[1], stated)
    values = {name: 1.7 + 0.1 * place for place, name in enumerate(OWN)}
    if {"millions", "daily"} & set(plain.names) or stated == "million USD":
        return  # whose parts are converted
    expected = plain(*[values[name] for name in plain.names])
    assert mended(*[values[name] for name in mended.names]) == pytest.approx(expected, rel=1e-12)


def test_long_formulas_are_mended_in_parts():
    text = " + ".join(["cost * 1", *(f"count * {number}{'0' * 20}" for number in range(1, 40))])
    assert refusal(text, "USD").endswith(f", 39{'0' * 20} [USD]")


def test_counts_in_billions_are_asked_for_where_a_number_may_be_fitted_to_them():
    counts = {"count": "billion"}
    for text in ("0.3 * count + 0.2", "exp(2 * count)", "(2 * count) ** 0.5", "ceil(1.2 * count)", "2 * count + busy"):
        told = refusal(text, counts=counts)
        column = text.index("count") + 1
        assert told.startswith(f"column {column}: count is written in billion, and ")
        for unit in ("billion", "1"):
            line = text.replace("count", f"(count in {unit})")
            assert f'formula = "{line}"' in told
            assert compiled(line, counts=counts).unit == "1"
    for text in ("2 * count", "1 + count", "log(count)", "2 * count + 3 * count", "count > 3", "ceil(count / 8 [1])"):
        assert compiled(text, counts=counts).unit == "1"
    assert compiled("0.3 * (count in billion) + 0.2")(5e9) == pytest.approx(1.7, rel=1e-15)


# ---------------------------------------------------------------- scales do not matter

SCALES = {
    "cost": ["USD", "cent", "kUSD", "million USD"],
    "yearly": ["USD/year", "USD/day", "kUSD/month"],
    "power": ["kW", "W", "MW"],
    "hours": ["h", "day", "s", "month"],
    "price": ["USD/kWh", "cent/kWh", "USD/MWh"],
    "share": ["1", "%"],
}
INVARIANT = [
    "cost + power * hours * price",
    "cost - yearly * hours",
    "sqrt(cost * power * price * hours) * (1 + share)",
    "max(cost, yearly * hours) / min(hours, 3 [day])",
    "where(cost > 1e3 [USD], cost, 2 [1] * cost)",
    "abs(-cost) * exp(-share) / (power * hours) ** 2",
    "(cost / hours) % yearly",
    "cost // (yearly * hours) + sign(cost)",
    "(cost in USD) ** 0.3 * log(hours in h)",
    "clip(hours, 1 [h], 1 [year]) ** -2 * power",
]


@given(st.sampled_from(INVARIANT), st.fixed_dictionaries({name: st.sampled_from(of) for name, of in SCALES.items()}))
def test_the_scales_of_the_parts_do_not_change_the_result(text, units):
    plain = {name: of[0] for name, of in SCALES.items()}
    values = {"cost": 7123.0, "yearly": 41000.0, "power": 3.3, "hours": 77.7, "price": 0.13, "share": 0.17}
    base = formula(text, plain, Units(plain))
    stated = Units(units, base.unit)
    scaled = formula(text, units, stated)
    told = scaled(*[values[name] * conversion_factor(plain[name], units[name]) for name in scaled.names])
    assert told == pytest.approx(base(*[values[name] for name in base.names]), rel=1e-9)
