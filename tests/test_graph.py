from __future__ import annotations

import weakref
from dataclasses import replace
from textwrap import dedent
from types import ModuleType

import numpy as np
import pytest

from simulate.errors import SimulateError
from simulate.graph import Quantity, distinct_values, missing, order, plan, quantities_of, settled

PRELUDE = """
from __future__ import annotations
from typing import Annotated
from simulate.graph import Array, Unit, otherwise, parameter, total
USD = Annotated[Array, Unit("USD")]
"""


def module(source: str) -> ModuleType:
    made = ModuleType("economics")
    exec(PRELUDE + dedent(source), made.__dict__)
    return made


SHOP = module(
    '''
    price = parameter("USD", "Price: of one piece.\\n\\n    More about it.", lower=0)
    pieces = parameter("1", "Pieces: sold.", default=2, lower=0)
    fee = parameter("USD", "Fee: for the stand.", lower=0)

    def sales(price: Array, pieces: Array) -> USD:
        """Sales: of all pieces. And so on."""
        return price * pieces

    @total
    def expected(sales: Array, fee: Array) -> USD:
        """Expected in all."""
        return sales + fee

    def _half(sales: Array) -> USD:
        return sales / 2
    '''
)


def test_parameters_and_functions_are_collected_in_the_order_written() -> None:
    shop = quantities_of([SHOP])
    assert list(shop) == ["price", "pieces", "fee", "sales", "expected"]
    assert shop["sales"].needs == ("price", "pieces")
    assert shop["sales"].unit == "USD"
    assert shop["price"].lower == 0
    assert shop["pieces"].default == 2
    assert shop["price"].definition == "Price: of one piece.\n\nMore about it."


def test_a_label_ends_at_the_first_colon_or_full_stop_unless_stated() -> None:
    shop = quantities_of([SHOP])
    assert shop["price"].label == "Price"
    assert shop["expected"].label == "Expected in all"
    assert Quantity("rate", "1", "Rate 1.5: of it.", stated_label="Tax").label == "Tax"
    assert Quantity("rate", "1", "Rate 1.5: of it.").label == "Rate 1.5"


def test_totals_are_marked() -> None:
    assert [name for name, quantity in quantities_of([SHOP]).items() if quantity.is_total] == ["expected"]


def test_a_name_declared_twice_is_refused() -> None:
    with pytest.raises(SimulateError, match="price is declared twice"):
        quantities_of([SHOP, module('price = parameter("USD", "Price: again.")')])


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SimulateError, match="profit needs turnover, which nothing declares"):
        quantities_of([module('def profit(turnover: Array) -> USD:\n        """Profit."""\n')])


def test_a_cycle_is_refused_by_name_and_cut_where_one_of_it_is_bound() -> None:
    needs = {"egg": "hen", "hen": "chick", "chick": "egg"}
    circle = {name: Quantity(name, "1", name, abs, (need,)) for name, need in needs.items()}
    with pytest.raises(SimulateError, match=r"^these need each other: \w+ -> \w+ -> \w+ -> \w+$"):
        order(circle)
    assert order(circle, {"hen"}) == ["hen", "egg", "chick"]


def test_missing_names_the_parameters_behind_a_quantity() -> None:
    assert missing(quantities_of([SHOP]), ["price"]) == {"fee": ("fee",), "expected": ("fee",)}
    assert missing(quantities_of([SHOP]), ["price", "expected"]) == {"fee": ("fee",)}


SCALED = module(
    '''
    from simulate.composing import recomputing

    @recomputing("expected", of="pieces")
    def twice(pieces: Array, fee: Array, expected: Array) -> USD:
        """Twice: as many pieces."""
        return expected(2 * pieces) - fee

    @recomputing("twice", of="fee")
    def free(twice: Array) -> USD:
        """Free: twice as many pieces at no fee, were sales as they are."""
        return twice(0.0)
    '''
)


def test_a_quantity_may_be_computed_anew_at_any_value_of_another() -> None:
    shop = quantities_of([SHOP, SCALED])
    assert shop["twice"].needs == ("pieces", "fee", "price")
    assert shop["free"].needs == ("pieces", "price")
    given = {"price": np.array([5.0, 7.0]), "fee": 1.0, "pieces": 3.0}
    found = plan(shop, given, ["twice", "expected", "free"])(given)
    np.testing.assert_array_equal(found["expected"], [16, 22])
    np.testing.assert_array_equal(found["twice"], [30, 42])
    np.testing.assert_array_equal(found["free"], [30, 42])


def test_what_is_computed_anew_is_what_a_file_makes_of_it() -> None:
    shop = quantities_of([SHOP, SCALED])
    given = {"sales": 5.0, "fee": 1.0, "pieces": 3.0, "price": 9.0}
    assert plan(shop, given, ["twice"])(given) == {"twice": 5.0}  # sales hang on pieces no more
    shop["sales"] = replace(shop["sales"], function=lambda pieces: pieces**2, needs=("pieces",))
    free = {"fee": 1.0, "pieces": 3.0, "price": 9.0}
    assert plan(shop, free, ["twice", "free"])(free) == {"twice": 36.0, "free": 36.0}
    assert settled(shop, free)["free"].needs == ("pieces",)
    shop["price"] = replace(shop["price"], function=lambda twice: twice, needs=("twice",))
    with pytest.raises(SimulateError, match="these need each other"):
        plan(quantities_of([SHOP, SCALED]) | {"price": shop["price"]}, {"fee": 1.0}, ["twice"])


def test_a_plan_computes_the_outputs_and_nothing_else() -> None:
    prices = np.array([1.0, 2.0])
    planned = plan(quantities_of([SHOP]), ["price", "fee"], ["sales"])
    assert planned.inputs == ("price",)
    assert planned.defaults == {"pieces": 2}
    computed = planned({"price": prices, "unused": prices})
    assert list(computed) == ["sales"]
    np.testing.assert_array_equal(computed["sales"], [2.0, 4.0])


def test_a_bound_quantity_replaces_its_function() -> None:
    planned = plan(quantities_of([SHOP]), ["price", "sales", "fee"], ["expected", "fee"])
    assert set(planned.inputs) == {"sales", "fee"}
    assert planned({"sales": 5.0, "fee": 1.0}) == {"expected": 6.0, "fee": 1.0}


def test_a_parameter_can_be_an_output() -> None:
    assert plan(quantities_of([SHOP]), ["pieces"], ["pieces"])({"pieces": 3.0}) == {"pieces": 3.0}
    assert plan(quantities_of([SHOP]), [], ["pieces"])({}) == {"pieces": 2.0}


def test_columns_are_dropped_after_their_last_use() -> None:
    freed: list[str] = []

    def first(start: np.ndarray) -> np.ndarray:
        made = start + 1
        weakref.finalize(made, freed.append, "first")
        return made

    def last(second: np.ndarray) -> np.ndarray:
        assert freed == ["first"]
        return second

    chain = {
        "start": Quantity("start", "1", "Start."),
        "first": Quantity("first", "1", "First.", first, ("start",)),
        "second": Quantity("second", "1", "Second.", np.negative, ("first",)),
        "last": Quantity("last", "1", "Last.", last, ("second",)),
    }
    np.testing.assert_array_equal(plan(chain, ["start"], ["last"])({"start": np.zeros(2)})["last"], [-1, -1])


def test_what_has_another_value_for_want_of_what_it_needs_is_computed_where_it_is_had() -> None:
    source = "rate = parameter('1', 'Rate: of it.')\n\n@otherwise(3)\n"
    source += "def tip(rate: Array, sales: Array) -> USD:\n    'Tip: on top.'\n    return rate * sales\n\n"
    source += "@total\ndef paid(sales: Array, tip: Array) -> USD:\n    'Paid: in all.'\n    return sales + tip\n"
    shop = quantities_of([SHOP, module(source)])
    given = {"sales": 10.0}
    assert "paid" not in missing(shop, given)
    assert plan(shop, given, ["paid"])(given) == {"paid": 13.0}
    assert settled(shop, given)["tip"].function is None
    given["rate"] = 0.5
    assert plan(shop, given, ["paid"])(given) == {"paid": 15.0}
    assert settled(shop, given) == shop
    assert plan(shop, [*given, "tip"], ["paid"])({**given, "tip": 1.0}) == {"paid": 11.0}
    assert "paid" in missing(shop, ["rate"])


def test_what_computes_anew_lacks_nothing_that_only_a_default_would_be_computed_from() -> None:
    source = "from simulate.composing import recomputing\nrate = parameter('1', 'Rate: of it.')\n\n@otherwise(3)\n"
    source += "def tip(rate: Array, sales: Array) -> USD:\n    'Tip: on top.'\n    return rate * sales\n\n"
    source += "@total\ndef paid(sales: Array, tip: Array) -> USD:\n    'Paid: in all.'\n    return sales + tip\n\n"
    source += "@recomputing('paid', of='price')\ndef dear(price: Array, paid: Array) -> USD:\n    'Dear.'\n"
    source += (
        "    return paid(2 * price)\n\n@recomputing('dear', of='pieces')\ndef many(dear: Array) -> USD:\n    'Many.'\n"
    )
    source += "    return dear(10.0)\n"
    shop = quantities_of([SHOP, module(source)])
    assert missing(shop, ["price"]) == {"fee": ("fee",), "rate": ("rate",), "expected": ("fee",)}
    assert missing(shop, []).keys() > {"dear", "many"}
    given = {"price": 5.0}
    assert plan(shop, given, ["dear", "many"])(given) == {"dear": 23.0, "many": 103.0}
    given["rate"] = 0.5
    assert plan(shop, given, ["dear", "many"])(given) == {"dear": 30.0, "many": 150.0}


def test_what_cannot_be_planned_is_refused() -> None:
    shop = quantities_of([SHOP])
    with pytest.raises(SimulateError, match="there is no quantity profit"):
        plan(shop, ["price"], ["profit"])
    with pytest.raises(SimulateError, match="expected cannot be computed: no prior for price, fee"):
        plan(shop, [], ["expected"])


def test_a_value_that_is_not_a_number_passes_without_a_warning() -> None:
    ratio = {
        "part": Quantity("part", "1", "Part."),
        "share": Quantity("share", "1", "Share.", lambda part: part / part, ("part",)),
    }
    shares = plan(ratio, ["part"], ["share"])({"part": np.array([0.0, 2.0])})["share"]
    np.testing.assert_array_equal(shares, [np.nan, 1.0])


def test_a_constant_divides_as_a_column_does() -> None:
    """By 0 to inf or nan, whether it is given, a default or what a function gives."""
    ratios = {
        "part": Quantity("part", "1", "Part."),
        "none": Quantity("none", "1", "None.", default=0.0),
        "nothing": Quantity("nothing", "1", "Nothing.", lambda part: float(part - part), ("part",)),
        "by_default": Quantity("by_default", "1", "Ratio.", lambda part, none: part / none, ("part", "none")),
        "by_result": Quantity("by_result", "1", "Ratio.", lambda part, nothing: part / nothing, ("part", "nothing")),
        "of_none": Quantity("of_none", "1", "Ratio.", lambda none, nothing: none / nothing, ("none", "nothing")),
    }
    found = plan(ratios, ["part"], ["by_default", "by_result", "of_none"])({"part": 2.0})
    assert found["by_default"] == found["by_result"] == np.inf
    assert np.isnan(found["of_none"])


@pytest.mark.parametrize("values", [[], [3.0, -0.0, 0.0, 3.0, np.inf, 1.0], [np.nan, 2.0, np.nan, -np.inf]])
def test_distinct_values_are_those_of_numpy(values):
    np.testing.assert_array_equal(distinct_values(values), np.unique(np.array(values)))
