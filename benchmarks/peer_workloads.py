"""The workload of own_formulas.toml as the users of other packages would write it, by the name of each package.

Every one draws the 22 priors, computes the 12 quantities and tells their percentiles, with their standard errors below
them where it has any. `python -m benchmarks.peer_workloads NAME` imports the package, then works off what it is asked
on its standard input, a line each, for `python -m benchmarks peers`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.handwritten_formulas import (
    GUMBEL_5,
    GUMBEL_95,
    HOURS,
    PERCENTS,
    Z95,
    Array,
    analyse,
    compute,
    draw,
    simulate,
)
from benchmarks.measuring import peak_memory, processor_seconds

PRIORS = Path(__file__).parent / "own_formulas.toml"
ENGINEERS, OF_ENGINEERS = [4, 6, 8, 12], [0.2, 0.4, 0.3, 0.1]
GUMBEL = (0.14 - 0.06) / (GUMBEL_95 - GUMBEL_5)  # the scale of the price of electricity
OF_GUMBEL = 0.06 - GUMBEL * GUMBEL_5  # and its location

STATISTICS = ("percentiles", "percentiles_se")

Workload = Callable[[int, int], dict[str, Array]]  # of scenarios and a seed: percentiles by quantity


def _of_lognormal(p5: float, p95: float) -> tuple[float, float]:
    """The mean and standard deviation of the logarithm."""
    low, high = np.log(p5), np.log(p95)
    return float(low + high) / 2, float(high - low) / (2 * Z95)


LOGIT = _of_lognormal(0.2 / 0.8, 0.5 / 0.5)  # of the share of the hosts


def _shapes(lower: float, mode: float, upper: float) -> tuple[float, float]:
    """The parameters of the beta distribution that is a PERT."""
    return 1 + 4 * (mode - lower) / (upper - lower), 1 + 4 * (upper - mode) / (upper - lower)


def _told(columns: dict[str, Array]) -> dict[str, Array]:
    return {name: np.percentile(column, PERCENTS) for name, column in columns.items()}


def ours() -> Workload:
    """Ours, by its defaults."""
    import simulate

    priors = simulate.load_priors(PRIORS)

    def work(scenarios: int, seed: int) -> dict[str, Array]:
        bands = simulate.run(priors, scenarios=scenarios, seed=seed, percentiles=PERCENTS)
        told = np.stack([bands[name].transpose("quantity", "percentile").values for name in STATISTICS], axis=1)
        return dict(zip(bands["quantity"].values.tolist(), told, strict=True))

    return work


def numpy() -> Workload:
    """Hand-written numpy."""
    return simulate


def analysis() -> Workload:
    """The same draws, and of them all that ours tells."""

    def work(scenarios: int, seed: int) -> dict[str, Array]:
        told = analyse(scenarios, seed)
        return {name: np.stack([told[each][name] for each in STATISTICS]) for name in told["percentiles"]}

    return work


def numexpr() -> Workload:
    """The same draws, the formulas by its compiled expressions on all processors."""
    import numexpr as ne

    ne.set_num_threads(ne.detect_number_of_cores())
    formulas = {
        "questions_per_day": "customers * questions_per_customer",
        "tokens_per_day": "questions_per_day * (prompt_tokens + answer_tokens)",
        "busy_accelerators": "questions_per_day / 86400 / answer_speed"
        " * (answer_tokens + prompt_tokens * (1 - cached_share) / reading_speedup)",
        "accelerators": "busy_accelerators * peak_to_average / load_at_peak * (1 + spare_share)",
        "investment": "accelerators * accelerator_price * (1 + host_share)",
        "capital_cost": "investment * discount_rate / (1 - (1 + discount_rate) ** -lifetime)",
        "electricity_cost": "accelerator_power * (busy_accelerators + idle_load * (accelerators - busy_accelerators))"
        f" * pue * {HOURS} * electricity_price",
        "staff_cost": "engineers * engineer_cost",
        "cost_per_year": "capital_cost + electricity_cost + staff_cost + outage_hours * questions_per_day / 1200",
        "cost_per_question": "cost_per_year / 365 / questions_per_day",
        "api_cost": "tokens_per_day * api_price * 365e-6",
        "saving": "api_cost - cost_per_year",
    }

    def work(scenarios: int, seed: int) -> dict[str, Array]:
        columns = draw(scenarios, seed)
        for name, formula in formulas.items():
            columns[name] = ne.evaluate(formula, columns)
        return _told({name: columns[name] for name in formulas})

    return work


def squigglepy() -> Workload:
    """Its distributions, sampled as arrays, for in one expression it would draw a name anew at each place."""
    import squigglepy as sq

    def work(scenarios: int, seed: int) -> dict[str, Array]:
        sq.set_seed(seed)

        def sample(distribution: Any) -> Array:
            return np.asarray(sq.sample(distribution, scenarios, verbose=False))

        host = sq.norm(mean=LOGIT[0], sd=LOGIT[1])
        return _told(
            compute(
                customers=sample(sq.lognorm(2e6, 8e6)),
                questions_per_customer=sample(sq.gamma((4 / 1.5) ** 2, 1.5**2 / 4)),
                prompt_tokens=sample(sq.lognorm(600, 2400)),
                answer_tokens=260 * sample(sq.exponential(1)) ** (1 / 2.5),
                cached_share=sample(sq.beta(6, 9)),
                answer_speed=sample(sq.pert(900, 1800, 3200)),
                reading_speedup=np.exp(sample(sq.uniform(np.log(3), np.log(12)))),
                peak_to_average=1 + sample(sq.lognorm(0.3, 1.4)),
                load_at_peak=sample(sq.triangular(0.55, 0.7, 0.85)),
                spare_share=sample(sq.uniform(0.02, 0.08)),
                accelerator_price=sample(sq.norm(mean=30_000, sd=3_000)),
                host_share=1 / (1 + np.exp(-sample(host))),
                accelerator_power=sample(sq.triangular(1.1, 1.3, 1.5)),
                idle_load=sample(sq.beta(12, 36)),
                pue=1 + sample(sq.lognorm(0.1, 0.5)),
                electricity_price=OF_GUMBEL - GUMBEL * np.log(sample(sq.exponential(1))),
                lifetime=sample(sq.pert(2.5, 4, 6)),
                discount_rate=sample(sq.norm(mean=0.09, sd=0.015)),
                engineers=sample(sq.discrete([list(each) for each in zip(OF_ENGINEERS, ENGINEERS, strict=True)])),
                engineer_cost=sample(sq.norm(180e3, 320e3)),
                outage_hours=sample(sq.exponential(9)),
                api_price=sample(sq.mixture([[0.8, sq.lognorm(0.25, 0.6)], [0.2, sq.uniform(0.8, 1.2)]])),
            )
        )

    return work


def openturns() -> Workload:
    """A JointDistribution, a SymbolicFunction of its sample, the sample's quantiles."""
    import openturns as ot

    def pert(lower: float, mode: float, upper: float) -> Any:
        return ot.Beta(*_shapes(lower, mode, upper), lower, upper)

    price = ot.Mixture([ot.LogNormal(*_of_lognormal(0.25, 0.6)), ot.Uniform(0.8, 1.2)], [0.8, 0.2])
    priors = {
        "customers": ot.LogNormal(*_of_lognormal(2e6, 8e6)),
        "questions_per_customer": ot.Gamma((4 / 1.5) ** 2, 4 / 1.5**2),
        "prompt_tokens": ot.LogNormal(*_of_lognormal(600, 2400)),
        "answer_tokens": ot.WeibullMin(260, 2.5),
        "cached_share": ot.Beta(6, 9, 0, 1),
        "answer_speed": pert(900, 1800, 3200),
        "reading_speedup": ot.LogUniform(np.log(3), np.log(12)),
        "peak_to_average": ot.LogNormal(*_of_lognormal(0.3, 1.4), 1),
        "load_at_peak": ot.Triangular(0.55, 0.7, 0.85),
        "spare_share": ot.Uniform(0.02, 0.08),
        "accelerator_price": ot.Normal(30_000, 3_000),
        "host_logit": ot.Normal(*LOGIT),
        "accelerator_power": ot.Triangular(1.1, 1.3, 1.5),
        "idle_load": ot.Beta(12, 36, 0, 1),
        "pue": ot.LogNormal(*_of_lognormal(0.1, 0.5), 1),
        "electricity_price": ot.Gumbel(GUMBEL, OF_GUMBEL),
        "lifetime": pert(2.5, 4, 6),
        "discount_rate": ot.Normal(0.09, 0.015),
        "engineers": ot.FiniteDiscreteDistribution([[each] for each in ENGINEERS], OF_ENGINEERS),
        "engineer_cost": ot.Normal(250e3, 70e3 / Z95),
        "outage_hours": ot.Exponential(1 / 9),
        "api_price": price,
    }
    quantities = [
        "questions_per_day", "tokens_per_day", "busy_accelerators", "accelerators", "investment", "capital_cost",
        "electricity_cost", "staff_cost", "cost_per_year", "cost_per_question", "api_cost", "saving",
    ]  # fmt: skip
    formulas = f"""
        questions_per_day := customers * questions_per_customer;
        tokens_per_day := questions_per_day * (prompt_tokens + answer_tokens);
        busy_accelerators := questions_per_day / 86400 / answer_speed
            * (answer_tokens + prompt_tokens * (1 - cached_share) / reading_speedup);
        accelerators := busy_accelerators * peak_to_average / load_at_peak * (1 + spare_share);
        investment := accelerators * accelerator_price * (1 + 1 / (1 + exp(-host_logit)));
        capital_cost := investment * discount_rate / (1 - (1 + discount_rate) ^ (-lifetime));
        electricity_cost := accelerator_power * (busy_accelerators + idle_load * (accelerators - busy_accelerators))
            * pue * {HOURS} * electricity_price;
        staff_cost := engineers * engineer_cost;
        cost_per_year := capital_cost + electricity_cost + staff_cost + outage_hours * questions_per_day * 0.02 / 24;
        cost_per_question := cost_per_year / 365 / questions_per_day;
        api_cost := tokens_per_day * api_price * 365e-6;
        saving := api_cost - cost_per_year;
    """
    joint = ot.JointDistribution(list(priors.values()))
    function = ot.SymbolicFunction(list(priors), quantities, formulas)

    def work(scenarios: int, seed: int) -> dict[str, Array]:
        ot.RandomGenerator.SetSeed(seed)
        sample = function(joint.getSample(scenarios))
        percentiles = np.asarray(sample.computeQuantilePerComponent([percent / 100 for percent in PERCENTS]))
        return dict(zip(quantities, percentiles.T, strict=True))

    return work


def chaospy() -> Workload:
    """A joint distribution, sampled at random, the formulas in numpy; what it has no family for, from uniforms."""
    import chaospy as cp

    def lognormal(p5: float, p95: float, shift: float = 0.0) -> Any:
        mu, sigma = _of_lognormal(p5 - shift, p95 - shift)
        return cp.LogNormal(mu, sigma, shift=shift)

    def pert(lower: float, mode: float, upper: float) -> Any:  # its own PERT has another mean
        return cp.Beta(*_shapes(lower, mode, upper), lower, upper)

    priors = {
        "customers": lognormal(2e6, 8e6),
        "questions_per_customer": cp.Gamma((4 / 1.5) ** 2, 1.5**2 / 4),
        "prompt_tokens": lognormal(600, 2400),
        "answer_tokens": cp.Weibull(2.5, 260),
        "cached_share": cp.Beta(6, 9),
        "answer_speed": pert(900, 1800, 3200),
        "reading_speedup": cp.LogUniform(np.log(3), np.log(12)),
        "peak_to_average": lognormal(1.3, 2.4, shift=1),
        "load_at_peak": cp.Triangle(0.55, 0.7, 0.85),
        "spare_share": cp.Uniform(0.02, 0.08),
        "accelerator_price": cp.Normal(30_000, 3_000),
        "host_share": cp.Normal(*LOGIT),
        "accelerator_power": cp.Triangle(1.1, 1.3, 1.5),
        "idle_load": cp.Beta(12, 36),
        "pue": lognormal(1.1, 1.5, shift=1),
        "electricity_price": cp.LogWeibull(GUMBEL, OF_GUMBEL),
        "lifetime": pert(2.5, 4, 6),
        "discount_rate": cp.Normal(0.09, 0.015),
        "engineers": cp.Uniform(0, 1),
        "engineer_cost": cp.Normal(250e3, 70e3 / Z95),
        "outage_hours": cp.Exponential(9),
        "api_price": lognormal(0.25, 0.6),
        "dear": cp.Uniform(0, 1),
        "dear_price": cp.Uniform(0.8, 1.2),
    }
    joint = cp.J(*priors.values())

    def work(scenarios: int, seed: int) -> dict[str, Array]:
        columns = dict(zip(priors, joint.sample(scenarios, rule="random", seed=seed), strict=True))
        columns["host_share"] = 1 / (1 + np.exp(-columns["host_share"]))
        columns["engineers"] = np.array(ENGINEERS)[np.searchsorted(np.cumsum(OF_ENGINEERS[:-1]), columns["engineers"])]
        dear, dear_price = columns.pop("dear"), columns.pop("dear_price")
        columns["api_price"] = np.where(dear < 0.8, columns["api_price"], dear_price)
        return _told(compute(**columns))

    return work


def monaco() -> Workload:
    """A Sim of scipy's distributions, whose function runs once a case."""
    import monaco as mc
    from scipy import stats

    def pert(lower: float, mode: float, upper: float) -> tuple[Any, dict[str, Any]]:
        alpha, beta = _shapes(lower, mode, upper)
        return stats.beta, {"a": alpha, "b": beta, "loc": lower, "scale": upper - lower}

    def lognormal(p5: float, p95: float, shift: float = 0.0) -> tuple[Any, dict[str, Any]]:
        mu, sigma = _of_lognormal(p5 - shift, p95 - shift)
        return stats.lognorm, {"s": sigma, "loc": shift, "scale": np.exp(mu)}

    def triangular(lower: float, mode: float, upper: float) -> tuple[Any, dict[str, Any]]:
        width = upper - lower
        return stats.triang, {"c": (mode - lower) / width, "loc": lower, "scale": width}

    priors: dict[str, tuple[Any, dict[str, Any]]] = {
        "customers": lognormal(2e6, 8e6),
        "questions_per_customer": (stats.gamma, {"a": (4 / 1.5) ** 2, "scale": 1.5**2 / 4}),
        "prompt_tokens": lognormal(600, 2400),
        "answer_tokens": (stats.weibull_min, {"c": 2.5, "scale": 260}),
        "cached_share": (stats.beta, {"a": 6, "b": 9}),
        "answer_speed": pert(900, 1800, 3200),
        "reading_speedup": (stats.loguniform, {"a": 3, "b": 12}),
        "peak_to_average": lognormal(1.3, 2.4, shift=1),
        "load_at_peak": triangular(0.55, 0.7, 0.85),
        "spare_share": (stats.uniform, {"loc": 0.02, "scale": 0.06}),
        "accelerator_price": (stats.norm, {"loc": 30_000, "scale": 3_000}),
        "host_share": (stats.norm, {"loc": LOGIT[0], "scale": LOGIT[1]}),
        "accelerator_power": triangular(1.1, 1.3, 1.5),
        "idle_load": (stats.beta, {"a": 12, "b": 36}),
        "pue": lognormal(1.1, 1.5, shift=1),
        "electricity_price": (stats.gumbel_r, {"loc": OF_GUMBEL, "scale": GUMBEL}),
        "lifetime": pert(2.5, 4, 6),
        "discount_rate": (stats.norm, {"loc": 0.09, "scale": 0.015}),
        "engineers": (stats.rv_discrete(name="engineers", values=(ENGINEERS, OF_ENGINEERS)), {}),
        "engineer_cost": (stats.norm, {"loc": 250e3, "scale": 70e3 / Z95}),
        "outage_hours": (stats.expon, {"scale": 9}),
        "api_price": lognormal(0.25, 0.6),
        "dear": (stats.uniform, {}),
        "dear_price": (stats.uniform, {"loc": 0.8, "scale": 0.4}),
    }

    def before(case: Any) -> tuple[dict[str, Any]]:
        values = {name: case.invals[name].val for name in priors}
        values["host_share"] = 1 / (1 + np.exp(-values["host_share"]))
        dear, dear_price = values.pop("dear"), values.pop("dear_price")
        return ({**values, "api_price": values["api_price"] if dear < 0.8 else dear_price},)

    def run(values: dict[str, Any]) -> tuple[dict[str, Any]]:
        return (compute(**values),)

    def after(case: Any, found: dict[str, Any]) -> None:
        for name, value in found.items():
            case.addOutVal(name, value)

    def work(scenarios: int, seed: int) -> dict[str, Array]:
        functions = {"preprocess": before, "run": run, "postprocess": after}
        sim = mc.Sim("peers", scenarios, functions, samplemethod="random", seed=seed, verbose=False)
        for name, (distribution, parameters) in priors.items():
            sim.addInVar(name, distribution, parameters)
        sim.runSim()
        return _told({name: np.array(each.nums) for name, each in sim.outvars.items()})

    return work


class Peer(NamedTuple):
    """How a peer is called, its package, what makes its workload, and the share of the scenarios that it is given."""

    label: str
    package: str
    prepare: Callable[[], Workload]
    share: float = 1.0


PEERS = {
    "simulate": Peer("simulate", "simulate", ours),
    "numpy": Peer("hand-written numpy", "numpy", numpy),
    "analysis": Peer("numpy by hand, all that ours tells,", "numpy", analysis),
    "numexpr": Peer("numexpr", "numexpr", numexpr),
    "squigglepy": Peer("squigglepy", "squigglepy", squigglepy),
    "openturns": Peer("OpenTURNS", "openturns", openturns),
    "chaospy": Peer("chaospy", "chaospy", chaospy),
    "monaco": Peer("monaco", "monaco", monaco, share=1 / 256),  # a case takes a Python function and its objects
}


def serve(name: str) -> None:
    """Prepare a peer and answer lines of (scenarios, seed) with seconds, processor seconds and percentiles."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a package prints is no answer
    peer = PEERS[name]
    try:
        work = peer.prepare()
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), file=answers, flush=True)
        return
    print(json.dumps({"version": sys.modules[peer.package].__version__}), file=answers, flush=True)
    for line in sys.stdin:
        scenarios, seed = json.loads(line)
        start, of_processor = time.perf_counter(), processor_seconds()
        percentiles = work(scenarios, seed)
        seconds, of_processor = time.perf_counter() - start, processor_seconds() - of_processor
        rows = {each: np.atleast_2d(values).tolist() for each, values in percentiles.items()}
        answer = {"seconds": seconds, "processor": of_processor, "peak": peak_memory()}
        answer["percentiles"] = {each: told[0] for each, told in rows.items()}
        answer["errors"] = {each: told[1] for each, told in rows.items() if len(told) > 1}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
