"""What a run is asked for: one type for each value, whoever gives it."""

from __future__ import annotations

import numpy as np
import pytest

from simulate.errors import SimulateError
from simulate.settings import Settings, most_scenarios

TAKEN = {
    "scenarios": (64, [64, 64.0, 6.4e1, np.int64(64), np.uint8(64), np.float32(64)]),
    "seed": (7, [7, np.int32(7), 7.0]),
    "percentiles": (
        (5.0, 50.0),
        [[50, 5], (5.0, 50.0, 5), np.array([5, 50]), iter([np.float32(50), 5]), range(5, 51, 45), "50, 5"],
    ),
    "given": (("pue > 1",), ["pue > 1", ["pue > 1"], np.array(["pue > 1"]), np.str_("pue > 1")]),
    "quantities": (("capex", "pue"), [["capex", "pue"], np.array(["capex", "pue"]), {"capex": 1, "pue": 2}.keys()]),
}
ODD = [True, np.True_, 1.5, float("nan"), np.float64("inf"), -1, 10**400, "", "5", b"5", 1j, object(), {}, {"a": 1}]
ODD += [np.array(5.5), np.array([[5.0]]), [[]], [None], [True], [float("nan")], [10**400], [1j]]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (_, values) in TAKEN.items() for value in values])
def test_values_of_numpy_are_taken_like_pythons_own(name, value):
    expected, _ = TAKEN[name]
    told = getattr(Settings().asked(**{name: value}), name)
    assert told == expected
    assert {type(each) for each in np.atleast_1d(np.array(told, dtype=object))} <= {int, float, str}


@pytest.mark.parametrize("name", ["scenarios", "seed", "scheme", "percentiles", "quantities", "given", "observe"])
@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_other_values_are_refused_in_a_line(name, value):
    if isinstance(value, str) and (name in {"given", "observe"} or (name, value) == ("percentiles", "5")):
        return  # a text alone is a list of one
    with pytest.raises(SimulateError, match=f"^{name}: ") as refused:
        Settings().asked(**{name: value})
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200


def test_nothing_asked_leaves_what_is():
    assert Settings(seed=3).asked(seed=None, percentiles=None) == Settings(seed=3)


def test_an_array_without_a_length_is_no_list():
    with pytest.raises(SimulateError, match=r"^percentiles: must be a list in square brackets, not 5$"):
        Settings().asked(percentiles=np.array(5))


def test_the_environment_limits_how_many_scenarios_a_run_may_have(monkeypatch):
    monkeypatch.setenv("SIMULATE_MOST_SCENARIOS", "1000")
    assert Settings().asked(scenarios=1000).scenarios == 1000
    with pytest.raises(
        SimulateError, match=r"^scenarios: must be at most 1_000 here, by SIMULATE_MOST_SCENARIOS, not 1_000_000$"
    ):
        Settings().asked(seed=1)


@pytest.mark.parametrize(("stated", "most"), [("1e3", 1000), ("1000", 1000), ("", 10**15)])
def test_the_limit_is_a_count_as_elsewhere(monkeypatch, stated, most):
    monkeypatch.setenv("SIMULATE_MOST_SCENARIOS", stated)
    assert most_scenarios() == most


@pytest.mark.parametrize("stated", ["many", "0", "1_000", "1.5", "\u0661"])
def test_a_limit_that_is_no_count_is_refused(monkeypatch, stated):
    monkeypatch.setenv("SIMULATE_MOST_SCENARIOS", stated)
    with pytest.raises(SimulateError, match=f'SIMULATE_MOST_SCENARIOS: must be .*, not "?{stated}"?$'):
        Settings().asked(seed=1)


def test_a_file_of_more_scenarios_than_the_limit_is_read_and_refused_where_it_runs(command, load, monkeypatch):
    path = load('[run]\nscenarios = 5000\n[quantities]\none = { formula = "1" }\n').path
    monkeypatch.setenv("SIMULATE_MOST_SCENARIOS", "1e3")
    line = "scenarios: must be at most 1_000 here, by SIMULATE_MOST_SCENARIOS, not 5_000\n"
    for asking in (("check", path), ("run", path)):
        code, _, told = command(*asking)
        assert (code, told.endswith(line)) == (2, True)
    code, _, _ = command("run", path, "--scenarios", 64)
    assert code == 0
