from __future__ import annotations

import re
from itertools import product

import pint
import pytest

from simulate.units import (
    BASE,
    DERIVED,
    MEANT,
    UnitError,
    conversion_factor,
    is_cost,
    measure,
    plain,
    reduced,
    simplified,
)

# pint has its own parser and arithmetic: an independent check of the list, from the same definitions
REGISTRY = pint.UnitRegistry(None, cache_folder=None)
for base in BASE:
    REGISTRY.define(f"{base} = [{base}]")
for derived, (count, of) in DERIVED.items():
    if derived != "%":
        REGISTRY.define(f"{derived} = {float(count)!r} * {of}" if of != "1" else f"{derived} = {float(count)!r}")


@pytest.mark.parametrize(
    ("unit", "to", "factor"),
    [
        ("ms/token", "s/token", 1e-3),
        ("cents/kWh", "USD/kWh", 0.01),
        ("cent / kWh", "USD/kWh", 0.01),
        ("USD/MWh", "USD/kWh", 1e-3),
        ("million USD", "USD", 1e6),
        ("MUSD", "USD", 1e6),
        ("million/day", "1/day", 1e6),
        ("TFLOP/s", "FLOP/s", 1e12),
        ("GB", "B", 1e9),
        ("GiB", "B", 2.0**30),
        ("TB/s", "B/s", 1e12),
        ("USD/hour", "USD/h", 1.0),
        ("USD/accelerator/h", "USD/h", 1.0),
        ("USD/server", "USD", 1.0),
        ("%", "1", 0.01),
        ("%/year", "1/year", 0.01),
        ("USD/kW/year", "USD/kW/month", 1 / 12),
        ("USD*kW^-1*month^-1", "USD/kW/month", 1.0),
        ("kWh", "kW*h", 1.0),
        ("kWh/day", "kW", 1 / 24),
        ("year", "day", 365.0),
        ("month", "h", 730.0),
        ("USD/Mtoken", "USD/ktoken", 1e-3),
        ("FLOP/token^2", "FLOP/token/token", 1.0),
    ],
)
def test_conversions_are_correctly_rounded(unit: str, to: str, factor: float) -> None:
    assert conversion_factor(unit, to) == factor


def test_every_pair_of_names_converts_as_in_pint() -> None:
    names = [name for name in (*BASE, *DERIVED) if name != "%"]
    converted = 0
    for unit, to in product(names, names):
        convertible = REGISTRY.Unit(unit).is_compatible_with(REGISTRY.Unit(to))
        assert convertible == (measure(unit).dimension == measure(to).dimension), (unit, to)
        if convertible:
            assert conversion_factor(unit, to) == pytest.approx(REGISTRY.Quantity(1.0, unit).m_as(to), rel=1e-14)
            converted += 1
    assert converted > 2 * len(names)


@pytest.mark.parametrize("unit", ["USD/kWh", "s/token", "1", "1/day", "no such unit"])
def test_equal_strings_need_no_list(unit: str) -> None:
    assert conversion_factor(unit, unit) == 1.0


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ("pct", "there is no unit 'pct'; did you mean '%'?"),
        ("k token", "there is no unit 'k token'; did you mean 'ktoken'?"),
        ("$", "there is no unit '$'; did you mean 'USD'?"),
        ("usd/kWh", "there is no unit 'usd'; did you mean 'USD'?"),
        ("USD/kwh", "there is no unit 'kwh'; did you mean 'kWh'?"),
        ("toks", "there is no unit 'toks'; did you mean 'token'?"),
        ("FLOPS", "there is no unit 'FLOPS'; did you mean 'FLOP/s'?"),
        ("PFLOPS", "there is no unit 'PFLOPS'; did you mean 'PFLOP/s'?"),
        ("TFLOPs", "there is no unit 'TFLOPs'; did you mean 'TFLOP' or 'TFLOP/s'?"),
        ("USD/hrs", "there is no unit 'hrs'; did you mean 'h'?"),
        ("Dollars", "there is no unit 'Dollars'; did you mean 'USD'?"),
        ("USD/Mtok", "there is no unit 'Mtok'; did you mean 'Mtoken'?"),
        ("GBps", "there is no unit 'GBps'; did you mean 'GB/s'?"),
        ("s²", "'s²' is no unit: powers are written s^2"),
        ("USD*h⁻¹", "'USD*h⁻¹' is no unit: powers are written s^2"),
        ("USD//h", "'USD//h' is no unit: a name is missing; powers are written s^2"),
        ("", "'' is no unit: a name is missing; powers are written s^2"),
    ],
)
def test_what_is_not_in_the_list_is_refused_with_a_suggestion(unit: str, message: str) -> None:
    with pytest.raises(UnitError) as error:
        conversion_factor(unit, "USD")
    assert str(error.value) == message


@pytest.mark.parametrize(
    "unit",
    ["2*h", "h**2", "h^0", "h^1.5", "h^99", "(USD)", "USD per h", "kW h", "__import__", "USD\n/h;", "s2", "x" * 200],
)
def test_what_is_not_written_as_a_unit_is_refused(unit: str) -> None:
    with pytest.raises(UnitError):
        measure(unit)


@pytest.mark.parametrize(("unit", "to"), [("kW", "kWh"), ("USD", "USD/year"), ("token/s", "s/token"), ("GB", "GFLOP")])
def test_what_measures_something_else_does_not_convert(unit: str, to: str) -> None:
    assert measure(unit)
    with pytest.raises(UnitError, match=f"^{unit} does not convert to {to}$"):
        conversion_factor(unit, to)


def test_what_is_suggested_is_in_the_list_and_its_misspelling_is_not() -> None:
    for written, meant in MEANT.items():
        assert measure(meant)
        with pytest.raises(UnitError):
            measure(written)


@pytest.mark.parametrize(
    ("unit", "meant"),
    [
        ("µs/token", "us"),
        ("μs/token", "us"),
        ("KWh", "kWh"),
        ("mwh", ""),
        ("mUSD", ""),
        ("Ms", ""),
        ("Msec", ""),
        ("USDm", ""),
        ("bnUSD", ""),
        ("GBP", ""),
        ("gtoken", ""),
        ("bilion", "billion"),
        ("Servers", "server"),
    ],
)
def test_what_is_suggested_has_the_same_size(unit: str, meant: str) -> None:
    with pytest.raises(UnitError) as error:
        conversion_factor(unit, "USD")
    assert ("did you mean" in str(error.value)) == bool(meant)
    assert str(error.value).endswith(f"did you mean {meant!r}?" if meant else "1/day")


@pytest.mark.parametrize("unit", ["apples", "kgCO2eq", "EUR/kWh", "L", "site", "t/MWh"])
def test_other_names_are_units_of_their_own(unit: str) -> None:
    assert measure(unit) != measure("1")
    assert conversion_factor(unit, unit) == 1.0
    assert conversion_factor(f"{unit}/day", f"{unit}/h") == pytest.approx(1 / 24, rel=1e-15)
    with pytest.raises(UnitError, match="there is no unit"):
        conversion_factor(unit, "USD")


@pytest.mark.parametrize("unit", ["usd", "toks", "Kwh", "s2", "µs", "hr", "k", "mUSD", "GPUs"])
def test_a_name_near_one_of_the_list_is_none_of_its_own(unit: str) -> None:
    with pytest.raises(UnitError):
        measure(unit)


@pytest.mark.parametrize(
    ("unit", "without"),
    [
        ("million USD", "USD"),
        ("%", "1"),
        ("percent/year", "1/year"),
        ("billion", "1"),
        ("USD/million kWh", "USD/kWh"),
        ("ms/token", "ms/token"),
        ("MUSD", "MUSD"),
    ],
)
def test_mere_numbers_are_taken_out(unit: str, without: str) -> None:
    assert plain(unit) == without


def test_a_number_belongs_to_the_name_after_it() -> None:
    assert conversion_factor("USD/million kWh", "USD/kWh") == 1e-6


@pytest.mark.parametrize(
    ("unit", "shorter"),
    [
        ("kW*h", "kWh"),
        ("kWh/kW", "h"),
        ("kWh/kW/day", "h/day"),
        ("USD/kWh*kW", "USD/h"),
        ("year/day", "year/day"),
        ("million USD", "million USD"),
        ("W/W", "1"),
    ],
)
def test_names_that_stand_for_two_are_written_as_one(unit: str, shorter: str) -> None:
    assert simplified(measure(unit)).text == shorter
    assert simplified(measure(unit)).factor == measure(unit).factor


@pytest.mark.parametrize(
    ("unit", "other", "factor"),
    [
        ("USD/year/day", "USD/year/day", 1.0),
        ("year/day", "1", 365.0),
        ("kWh/day*h", "kWh", 1 / 24),
        ("USD", "USD", 1.0),
    ],
)
def test_names_of_a_derived_unit_cancel(unit: str, other: str, factor: float) -> None:
    assert reduced(measure(unit)).text == other
    assert float(measure(unit).over(reduced(measure(unit))) or 0) == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize(
    ("unit", "cost"),
    [
        *dict.fromkeys(("USD", "million USD/day", "cent/kWh", "EUR"), 1).items(),
        *dict.fromkeys(("h", "1", "token/USD", "kgCO2eq", "t"), 0).items(),
    ],
)
def test_costs_are_in_a_unit_of_money(unit: str, cost: int) -> None:
    assert is_cost(unit) == cost


@pytest.mark.parametrize(
    ("unit", "meant"),
    [
        ("µs/token", "us"),
        ("μs/token", "us"),
        ("KWh", "kWh"),
        ("USD/KWh", "kWh"),
        ("milliseconds", "ms"),
        ("microsecond", "us"),
        ("usec", "us"),
        ("kilowatts", "kW"),
        ("Month", "month"),
        ("bn", "billion"),
        ("mio", "million"),
        ("mUSD", None),
        ("Ms", None),
        ("mWh", None),
        ("mW", None),
        ("pFLOP", None),
        ("Gb", None),
        ("mflop", None),
    ],
)
def test_what_may_have_been_meant_is_never_of_another_size(unit, meant):
    with pytest.raises(UnitError) as caught:
        conversion_factor(unit, "1")
    told = re.search(r"did you mean '(\w+)'", str(caught.value))
    assert (told[1] if told else None) == meant


@pytest.mark.parametrize("unit", ["GBP", "EUR", "kg"])
def test_a_unit_of_its_own_is_exchanged_for_none(unit):
    assert measure(unit).dimension == ((unit, 1),)
    with pytest.raises(UnitError, match=f"there is no unit '{unit}'; units are names"):
        conversion_factor(unit, "USD")


def test_a_count_below_the_line_is_read():
    assert conversion_factor("USD/million kWh", "USD/kWh") == 1e-6
    assert conversion_factor("million USD/million kWh", "USD/kWh") == 1
    with pytest.raises(UnitError, match=r"is no unit: there are no brackets; a / stands before each name"):
        conversion_factor("USD/(million kWh)", "USD/kWh")
