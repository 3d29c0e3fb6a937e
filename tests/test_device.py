"""Arrays of a device: draws, formulas and counts as on the host, by a stand-in for cupy and, where there is one, by it.

The stand-in computes as numpy does, so that every count is the same; by a device exp and log differ in last bits.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
import standin

import simulate
from simulate.arrays import drawn_by, here, to_host
from simulate.backends import cupy as backend
from simulate.cli import main
from simulate.distributions import distribution
from simulate.errors import SimulateError
from simulate.formulas import formula
from simulate.priors import load_priors
from simulate.rulers import Bits, laid_out
from simulate.sampling.tables import at_scores, at_words, score_table, uniform_table
from simulate.scenarios import Drawing
from simulate.summary import Summary
from simulate.tallies import tallied

SCENARIOS = 2**17
SAMPLED = ("variance", "direction", "rank")  # of some scenarios, under conditions others for chunks of another size
OWN = """
model = "none"
[priors]
wide = { dist = "loguniform", lower = 1e-12, upper = 1e12 }
torn = { dist = "mixture", weights = [1, 2], components = [{ dist = "arcsine", lower = 0, upper = 1 }, { value = 50 }] }
seen = { dist = "empirical", values = [1.0, 2.0, 4.0, 4.0, 9.0] }
tied = { dist = "lognormal", p5 = 3, p95 = 70 }
other = { dist = "normal", mean = 5, sd = 2 }
fixed = { value = 8 }
[correlations]
tied.other = 0.7
[quantities]
sum = { formula = "where(tied > 20, tied, other) + max(seen, fixed) / clip(other, 1, 6)" }
root = { formula = "sqrt(other - 4)" }
whole = { formula = "tied // 0.1 + other % -0.7 + floor(torn)" }
held = { formula = "(seen > 3) & ~(other < 4) | (root > 1)" }
broad = { formula = "wide ** 2 * exp(-abs(torn))" }
alone = { formula = "fixed * 2" }
"""
NAMES = ["sum", "root", "whole", "held", "broad", "alone", "seen"]
ASKED = {
    "probability": {"probability": ["sum > P90", "root > 1", "alone > 3"]},
    "given": {"given": ["sum > P50", "root > 0.5"], "scheme": "random"},
    "observe": {"observe": ["tied = 200 +- 1%"], "given": ["seen > 1"], "scheme": "latin_hypercube"},
}


@pytest.fixture(params=["kernels", "arrays", "device"])
def device(request, monkeypatch):
    """The module that `--backend cupy` takes: the stand-in, with kernels or without, or cupy itself."""
    if request.param == "device":
        cupy = pytest.importorskip("cupy")
        try:
            cupy.zeros(1)
        except cupy.cuda.runtime.CUDARuntimeError as error:
            pytest.skip(str(error))
        return cupy
    if request.param == "kernels" and not hasattr(standin, "RawModule"):
        pytest.skip("no C++ compiler, by which kernels run on the host")
    if request.param == "arrays":
        monkeypatch.delattr(standin, "RawModule", raising=False)
    monkeypatch.setitem(sys.modules, "cupy", standin)
    return standin


@pytest.fixture(scope="module")
def own():
    return load_priors(OWN)


@pytest.mark.parametrize("asked", ASKED)
def test_a_run_on_a_device_tells_what_one_on_the_host_does(own, device, asked):
    if not hasattr(device, "RawModule") and asked != "observe":
        pytest.skip("its operations are those of the others")
    found, expected = (
        simulate.run(own, scenarios=SCENARIOS, quantities=NAMES, backend=backend, **ASKED[asked])
        for backend in ("cupy", "serial")
    )
    held_to(found, expected, device)
    if device is not standin:
        again = simulate.run(own, scenarios=SCENARIOS, quantities=NAMES, backend="cupy", **ASKED[asked])
        for name, values in found.data_vars.items():
            np.testing.assert_array_equal(again[name], values, err_msg=name)


def held_to(found, expected, device):
    """A run on a device has the figures of that on the host: on the stand-in the same, else near, as draws are."""
    assert list(found.data_vars) == list(expected.data_vars)
    assert found.attrs["cpu"] == f"{expected.attrs['cpu']} cupy"  # so that nobody expects the last bits elsewhere
    apart, error = np.abs(found["percentiles"] - expected["percentiles"]), expected["percentiles_se"]
    assert (apart <= (0 if device is standin else 0.1) * error).where(np.isfinite(error), other=True).all()
    if device is standin:
        assert found.attrs["provenance"] == expected.attrs["provenance"]
        for name, values in expected.data_vars.items():
            if values.dtype.kind == "f" and not ("kept" in found.attrs["provenance"] and name.startswith(SAMPLED)):
                np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


def test_several_chunks_of_a_piece_are_drawn_at_once(priors_of, device):
    """So that a fault, which four scenarios have, is looked for behind the first chunk too."""
    text = 'priors.a = { dist = "lognormal", p5 = 3, p95 = 70 }\nquantities.b = { formula = "sqrt(1000 - a)" }'
    found, expected = (
        simulate.run(priors_of("two", text), scenarios=2**20, seed=2, backend=backend) for backend in ("cupy", "serial")
    )
    assert "nan or infinite in 4 of 1,048,576 scenarios" in expected.attrs["provenance"]
    held_to(found, expected, device)


def test_nothing_waits_while_the_model_is_drawn_and_computed():
    priors = load_priors("base")
    names = [name for name, quantity in priors.quantities.items() if quantity.function is not None]
    drawn = Drawing({"": priors}, priors.run).scenarios("", [name for name in names if name in priors.headline])
    words = drawn.sampler.words(3)(2, 3)
    expected = drawn.plan(drawn.inputs(words))
    before = standin.seen["waits"]
    with drawn_by(standin):
        found = drawn.plan(drawn.inputs(drawn.sampler.words(3)(2, 3)))
    assert standin.seen["waits"] == before
    for name, column in found.items():
        np.testing.assert_array_equal(to_host(column), expected[name], err_msg=name)


@pytest.mark.skipif(not hasattr(standin, "RawModule"), reason="no C++ compiler, by which kernels run on the host")
def test_little_but_the_counts_of_cells_comes_to_the_host():
    values = np.random.default_rng(1).normal(size=2**20)
    summary, before = Summary(laid_out([(values[: 2**14], None)], 2**-6)), standin.seen["numbers"]
    summary.add(standin.asarray(values), len(values))
    assert summary.count == len(values)
    assert standin.seen["numbers"] - before < len(values) / 16


WORDS = np.concatenate(
    [
        np.random.default_rng(1).integers(0, 2**32, 2**14, dtype=np.uint32),
        np.arange(70, dtype=np.uint32),
        np.arange(-70, 0).astype(np.uint32),
        2**31 + np.arange(-5, 5).astype(np.uint32),
    ]
)
SCORES = np.concatenate([2 * np.random.default_rng(2).normal(size=2**14), [-9, 9, 8.5, -8.5, 8.5 - 1e-12, 0.0]])


@pytest.mark.parametrize(
    ("family", "parameters"),
    [
        ("lognormal", {"p5": 3, "p95": 70}),
        ("gamma", {"shape": 0.01, "scale": 1.0}),
        ("uniform", {"lower": 1.0, "upper": 2.0}),
    ],
)
def test_tables_give_the_same_bits(device, family, parameters):
    drawn = distribution(family, parameters)
    for make, at, positions in ((uniform_table, at_words, WORDS), (score_table, at_scores, SCORES)):
        table = make(drawn)
        np.testing.assert_array_equal(to_host(at(table, device.asarray(positions))), at(table, positions))


COLUMNS = {
    "positive": np.random.default_rng(3).lognormal(3, 1.2, 2**16),
    "signed": np.random.default_rng(4).normal(size=2**16),
    "whole": np.ceil(np.random.default_rng(5).lognormal(1, 1, 2**16)),
    "undefined": np.where(np.arange(2**16) % 3 > 0, np.random.default_rng(6).normal(1, 1, 2**16), np.nan),
    "huge": np.random.default_rng(7).lognormal(3, 1, 2**16) * 1e200,
    "drifting": np.random.default_rng(8).lognormal(3, 1.2, 2**16) * np.arange(1, 2**16 + 1),
    "nowhere": np.full(2**16, np.nan),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_summary_is_the_same_on_a_device(device, kind, weighted):
    values = COLUMNS[kind]
    weights = np.random.default_rng(9).integers(0, 2**34, len(values)) if weighted else None
    kept = np.isfinite(values[: 2**13])
    pilot = (values[: 2**13][kept], None if weights is None else weights[: 2**13][kept])
    ruler = laid_out([pilot], 1 / 16)
    found, expected = Summary(ruler), Summary(ruler)
    for half in (slice(2**15), slice(2**15, 2**16)):
        own = None if weights is None else weights[half]
        expected.add(values[half], 2**15, own)
        there = None if own is None else device.asarray(own)
        found.add(device.asarray(values[half]), 2**15, there)
    found.finish()
    expected.finish()
    percents = np.linspace(0, 100, 201)
    np.testing.assert_array_equal(found.percentiles(percents), expected.percentiles(percents))
    for name in ("count", "nonfinite", "minimum", "maximum", "effective"):
        assert getattr(found, name) == getattr(expected, name)
    np.testing.assert_allclose([found.mean, found.sd], [expected.mean, expected.sd], rtol=1e-10)


def test_values_at_the_ends_of_a_ruler(device):
    ruler = laid_out([(COLUMNS["positive"][: 2**14], None)], 1 / 16)
    assert isinstance(ruler, Bits)
    edges = ruler.ends(np.array([-1, 0, 1, ruler.cells - 1, ruler.cells]))[0].repeat([1, 2, 4, 8, 16])
    found, expected = Summary(ruler), Summary(ruler)
    found.add(device.asarray(edges), len(edges))
    expected.add(edges, len(edges))
    for told, wanted in zip(found.finish().steps().edges, expected.finish().steps().edges, strict=True):
        np.testing.assert_array_equal(told, wanted)
    np.testing.assert_array_equal(found.steps().numbers, [1, 2, 4, 8, 16])
    assert found.mean == pytest.approx(edges.mean(), rel=1e-12)


def test_values_that_a_ruler_has_not_foreseen_come_to_the_host(device):
    values = np.concatenate([np.full(100, 0.5), np.linspace(1, 2, 2**16)])
    ruler = laid_out([(np.linspace(1, 2, 2**14), None)], 1 / 16)
    few = tallied(device.asarray(values[: 2**15]), None, ruler, 1.0)
    assert few.total == 2**15
    assert (few.others == 0.5).sum() in {1, 100}  # told one by one, or once with their number
    assert few.times[few.others == 0.5].sum() == 100
    many = tallied(device.asarray(values - 3), None, ruler, 1.0)
    assert many.times.sum() == many.total == len(values)


def test_division_with_a_remainder_is_pythons(device):
    ends = [0.0, -0.0, 0.1, 0.3, -0.7, 1.0, 2.5, -3.0, 1e300, -1e-300, np.inf, -np.inf, np.nan]
    left, right = (each.ravel() for each in np.meshgrid(ends, ends))
    for text in ("a // b", "a % b"):
        asked = formula(text)
        found = to_host(asked(device.asarray(left), device.asarray(right)))
        np.testing.assert_array_equal(found, asked(left, right), err_msg=text)


@pytest.mark.parametrize(
    "ask",
    [
        lambda priors: simulate.tornado(priors, scenarios=2**10, quantities=["sum"], method="sobol", backend="cupy"),
        lambda priors: simulate.compare([priors, priors], scenarios=2**10, backend="cupy"),
        lambda _: simulate.decide("own-or-rent", scenarios=2**10, backend="cupy"),
    ],
    ids=["tornado", "compare", "decide"],
)
def test_what_is_for_the_host_alone_is_refused_in_a_line(own, ask, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", standin)
    with pytest.raises(SimulateError, match=r"^--backend cupy: `simulate run` and .*leave --backend out$"):
        ask(own)


def test_swings_are_drawn_on_a_device(own, device):
    found, expected = (
        simulate.tornado(own, scenarios=2**17, quantities=["sum"], given=["sum > 1"], backend=backend)
        for backend in ("cupy", "serial")
    )
    rtol = 1e-9 if device is standin else 1e-6
    np.testing.assert_allclose(found["swing"], expected["swing"], rtol=rtol)


def test_without_cupy_a_line_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(sys, "argv", ["simulate", "run", "base", "--backend", "cupy", "--scenarios", "1000"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    told = capsys.readouterr().err.strip()
    assert told == f"--backend cupy: cupy is not installed; {backend.INSTALL}, or leave --backend out"


def test_without_a_device_a_line_says_so(own, monkeypatch):
    class NoDevice:
        @staticmethod
        def zeros(_):
            raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected\nand more")

    monkeypatch.setitem(sys.modules, "cupy", NoDevice)
    told = r"^--backend cupy: no device can be used \(cudaErrorNoDevice: [^\n]* is detected\); leave --backend out$"
    with pytest.raises(SimulateError, match=told):
        simulate.run(own, scenarios=1000, backend="cupy")


def test_a_device_without_memory_is_told_in_a_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", standin)

    def work(_task, _ticks):
        raise MemoryError("Out of memory allocating 8 bytes")

    with pytest.raises(SimulateError, match=r"^--backend cupy: the device has too little memory \(Out of"):
        list(backend.in_order(work, [0], 1, iter))


def test_a_task_draws_on_the_device_and_whoever_takes_its_result_does_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", standin)
    results = backend.in_order(lambda task, _ticks: (task, here()), range(5), 8, iter)
    assert [(task, module, here()) for task, module in results] == [(task, standin, np) for task in range(5)]
