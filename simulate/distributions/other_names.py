"""What other libraries and spreadsheets call families and their parameters, and what stands for it here.

A word that is near one of ours may mean something else: a rate is one over a scale. Each has its translation, or where
it means different things in different places, all of them. They stand here without capitals, blanks and signs.
"""

import re
from collections.abc import Collection

from simulate.errors import suggestion

FAMILIES = {
    **dict.fromkeys(("norm", "gaussian", "gauss"), 'dist = "normal"'),
    **dict.fromkeys(("lognorm", "lnorm"), 'dist = "lognormal"'),
    **dict.fromkeys(("lognorm2", "lognormal2"), 'dist = "lognormal" with mu and sigma'),
    "to": 'dist = "lognormal" or "normal", with p5 and p95',
    "unif": 'dist = "uniform"',
    **dict.fromkeys(("expon", "exp"), 'dist = "exponential"'),
    **dict.fromkeys(("weibullmin", "weib"), 'dist = "weibull"'),
    **dict.fromkeys(
        ("gumbelr", "gumbelmax", "extvalue", "extremevalue", "maxextreme", "maximumextreme"), 'dist = "gumbel"'
    ),
    **dict.fromkeys(("t", "student", "students", "studentst", "tdist"), 'dist = "student_t"'),
    "reciprocal": 'dist = "loguniform"',
    **dict.fromkeys(("triang", "tri", "triangle"), 'dist = "triangular"'),
    "betapert": 'dist = "pert"',
    "betageneral": 'dist = "beta" with lower and upper',
    **dict.fromkeys(("discrete", "categorical", "custom"), 'dist = "choice"'),
    **dict.fromkeys(
        ("duniform", "discreteuniform", "intuniform", "uniformint", "randint"), 'dist = "choice" with all its values'
    ),
    **dict.fromkeys(("fixed", "delta", "dirac", "point", "const"), "value = NUMBER alone"),
    **dict.fromkeys(("bernoulli", "yesno"), 'dist = "choice", values = [0, 1], weights = [1 - p, p]'),
    **dict.fromkeys(("histogram", "histogrm", "histo"), 'dist = "mixture" with uniform components'),
    **dict.fromkeys(("mix", "mx", "mixed"), 'dist = "mixture"'),
    "cauchy": 'dist = "student_t", df = 1',
    "erlang": 'dist = "gamma"',
    **dict.fromkeys(("chi2", "chisq", "chisquare", "chisquared"), 'dist = "gamma", shape = df / 2, scale = 2'),
    "rayleigh": 'dist = "weibull", shape = 2, scale = sqrt(2) * sigma',
    **dict.fromkeys(("truncnorm", "truncatednormal", "truncnormal"), 'dist = "normal" with lower and upper'),
    **dict.fromkeys(("halfnorm", "halfnormal"), 'dist = "normal", mean = 0, sd = sigma, lower = 0'),
    "logistic": 'dist = "metalog", a1 = location, a2 = scale, a3 = 0',
}

_LOW = ("min", "low", "lo", "minimum", "left", "start", "from", "bottom", "minvalue", "lowerbound", "lb")
_HIGH = ("max", "high", "hi", "maximum", "right", "stop", "end", "to", "top", "maxvalue", "upperbound", "ub")
_SD = ("std", "stdev", "stddev", "standarddev", "standarddeviation", "sdev")
_VARIANCE = ("variance", "var", "sigma2", "sigmasq", "sigmasquared")
_PRECISION = ("precision", "tau")
_RATE = ("rate", "lambda", "lambd", "lam", "inversescale", "hazard")
_PROBABILITIES = ("probabilities", "probability", "probs", "prob", "p", "pmf", "frequencies", "frequency", "counts")
_DEGREES = ("nu", "dof", "degreesoffreedom", "v")

_BOUNDS = {**dict.fromkeys((*_LOW, "a"), "lower"), **dict.fromkeys((*_HIGH, "b"), "upper")}
_FROM_LOWER = {"loc": "lower", "scale": "upper = lower + scale", "width": "upper = lower + width"}
_MODE = {
    **dict.fromkeys(("likely", "likeliest", "mostlikely", "ml", "peak", "best"), "mode"),
    "c": "mode = c, or mode = lower + c * (upper - lower) where it is a share",
    "b": "upper or mode, whichever it is",
}
_CUTS = {
    **dict.fromkeys((*_LOW, "a"), "p5 where it is the low end of a 90 % interval, lower where nothing lies below it"),
    **dict.fromkeys(
        (*_HIGH, "b"), "p95 where it is the high end of a 90 % interval, upper where nothing lies above it"
    ),
}
_MOMENTS = {
    **dict.fromkeys(_SD, "sd"),
    **dict.fromkeys(_VARIANCE, "sd = sqrt(variance)"),
    **dict.fromkeys(("cv", "coefficientofvariation"), "sd = cv * mean"),
}
_SHARES = {**dict.fromkeys((*_PROBABILITIES, "weight", "w"), "weights")}
_VALUES = {
    **_SHARES,
    **dict.fromkeys(("x", "xs", "outcomes", "options", "choices", "items", "data", "samples"), "values"),
    **dict.fromkeys(("path", "filename", "csv"), "file"),
    **dict.fromkeys(("sep", "delimiter"), "separator"),
}
_BETA = "scale = beta, or scale = 1 / beta where it is a rate"

PARAMETERS: dict[str, dict[str, str]] = {
    "constant": dict.fromkeys(("x", "val", "v", "loc", "mean", "mode", "median"), "value"),
    "uniform": {
        **_BOUNDS,
        **_FROM_LOWER,
        "mean": "lower = mean - sqrt(3) * sd and upper = mean + sqrt(3) * sd",
        **dict.fromkeys(("sd", *_SD), "lower = mean - sqrt(3) * sd and upper = mean + sqrt(3) * sd"),
    },
    "loguniform": _BOUNDS,
    "arcsine": {**_BOUNDS, **_FROM_LOWER},
    "trapezoid": _BOUNDS,
    "triangular": {**_BOUNDS, **_FROM_LOWER, **_MODE},
    "pert": {**_BOUNDS, **_FROM_LOWER, **_MODE},
    "beta": {
        **dict.fromkeys(("a", "shape1"), "alpha"),
        **dict.fromkeys(("b", "shape2"), "beta"),
        **dict.fromkeys(_LOW, "lower"),
        **dict.fromkeys(_HIGH, "upper"),
        **_FROM_LOWER,
        **_MOMENTS,
        **dict.fromkeys(("concentration", "kappa"), "sd = sqrt(mean * (1 - mean) / (1 + concentration))"),
    },
    "logitnormal": {**_BOUNDS, "loc": "mu", **dict.fromkeys(("scale", "sd", *_SD), "sigma")},
    "metalog": _BOUNDS,
    "normal": {
        **_CUTS,
        **_MOMENTS,
        **dict.fromkeys(("loc", "location", "mode", "median", "average", "avg", "m"), "mean"),
        **dict.fromkeys(("scale", "s"), "sd"),
        **dict.fromkeys(_PRECISION, "sd = 1 / sqrt(precision)"),
    },
    "lognormal": {
        **_CUTS,
        **_MOMENTS,
        **dict.fromkeys(("gsd", "gstd", "geometricsd", "geometricstd"), "sigma = log(gsd)"),
        **dict.fromkeys(("gm", "gmean", "geometricmean"), "median"),
        **dict.fromkeys(("s", "sdlog", "logsd", "sigmalog", "logsigma", "shape"), "sigma"),
        **dict.fromkeys(("meanlog", "logmean", "mulog", "logmu"), "mu"),
        "scale": "median = scale where it is exp(mu), sigma where it is the sd of the logarithm",
        **dict.fromkeys(("loc", "location"), "shift where it is added, mu where it is the mean of the logarithm"),
        "mode": "mu = log(mode) + sigma^2",
        **dict.fromkeys(_PRECISION, "sigma = 1 / sqrt(precision)"),
    },
    "gamma": {
        **_CUTS,
        **_MOMENTS,
        **dict.fromkeys(_RATE, "scale = 1 / rate"),
        **dict.fromkeys(("k", "alpha", "a"), "shape"),
        "theta": "scale",
        **dict.fromkeys(("beta", "b"), _BETA),
    },
    "exponential": {
        **_CUTS,
        **dict.fromkeys(_RATE, "scale = 1 / rate"),
        "theta": "scale",
        "beta": _BETA,
        **dict.fromkeys(("sd", *_SD), "scale = sd"),
        **dict.fromkeys(_VARIANCE, "scale = sqrt(variance)"),
    },
    "weibull": {
        **_CUTS,
        **dict.fromkeys(("k", "c", "alpha", "a"), "shape"),
        **dict.fromkeys(("lambda", "lambd", "lam", "eta"), "scale"),
        "rate": "scale = 1 / rate",
        **dict.fromkeys(("beta", "b"), "shape or scale, whichever it is"),
    },
    "gumbel": {
        **_CUTS,
        **dict.fromkeys(("loc", "mu", "mode"), "location"),
        **dict.fromkeys(("beta", "sigma"), "scale"),
        "mean": "location = mean - 0.5772 * scale",
        **dict.fromkeys(("sd", *_SD), "scale = sqrt(6) / pi * sd"),
        **dict.fromkeys(_VARIANCE, "scale = sqrt(6 * variance) / pi"),
    },
    "student_t": {
        **_CUTS,
        **dict.fromkeys(_DEGREES, "df"),
        **dict.fromkeys(("loc", "mu", "mean", "median", "mode"), "location"),
        "sigma": "scale",
        **dict.fromkeys(("sd", *_SD), "scale = sd * sqrt((df - 2) / df)"),
        **dict.fromkeys(_VARIANCE, "scale = sqrt(variance * (df - 2) / df)"),
        **dict.fromkeys(_PRECISION, "scale = 1 / sqrt(precision)"),
    },
    "choice": _VALUES,
    "empirical": _VALUES,
    "mixture": {**_SHARES, **dict.fromkeys(("dists", "distributions", "parts"), "components")},
}
NOTES = {  # what other programs call what is told beside the numbers, of whatever it is
    **dict.fromkeys(("description", "comment", "comments", "remark"), "note"),
    **dict.fromkeys(("reference", "ref", "citation", "url", "link"), "source"),
}
COMMON = {**dict.fromkeys(("distribution", "family", "type"), "dist"), **NOTES}
KEYS = {  # of tables in a priors file
    **dict.fromkeys(("samples", "iterations", "trials", "draws", "simulations", "size", "n"), "scenarios"),
    "quantiles": "percentiles",
    **dict.fromkeys(("sampler", "sampling", "method"), "scheme"),
    **dict.fromkeys(("random_seed", "random_state", "rng"), "seed"),
    "outputs": "quantities",
    **dict.fromkeys(("expression", "expr", "equation"), "formula"),
    **NOTES,
    **dict.fromkeys(("inputs", "parameters", "variables", "distributions"), "priors"),
    **dict.fromkeys(("formulas", "expressions"), "quantities"),
    **dict.fromkeys(("include", "includes", "inherits", "import"), "extends"),
}


_PERCENTILE = re.compile(r"(?:p|q|pct|perc|percentile)?_?(\d\d?(?:\.\d+)?)(?:%|th)?", re.IGNORECASE | re.ASCII)


def family_meant(name: str, families: Collection[str], otherwise: str) -> str:
    """What to write in place of an unknown family: its translation, what it is misspelt of, or the other advice."""
    word = _word(name).removeprefix("risk")  # as the functions of @RISK begin
    own = (f'dist = "{each}"' for each in families if _word(each) == word)
    other = FAMILIES.get(word) or next(own, "")
    return f"; write {other}" if other else suggestion(name, families, otherwise, slips=True)


def names_elsewhere(family: str) -> list[str]:
    """What other libraries and spreadsheets call a family, without capitals, blanks and signs."""
    return [word for word, meant in FAMILIES.items() if meant == f'dist = "{family}"']


def mend_of(family: str, key: str, known: tuple[str, ...], otherwise: str = "") -> str:
    """What to write in place of an unknown key: its translation, what it is misspelt of, or the other advice."""
    other = PARAMETERS.get(family, {}).get(_word(key)) or COMMON.get(_word(key))
    percentile = _PERCENTILE.fullmatch(key)
    if percentile and float(percentile[1]) >= 1 and key != f"p{percentile[1]}":
        other = f'"p{percentile[1]}"' if "." in percentile[1] else f"p{percentile[1]}"
    return f"; write {other}" if other else suggestion(key, known, otherwise, slips=True)


def _word(name: str) -> str:
    """A name without capitals, blanks and signs, which are a matter of taste."""
    return re.sub(r"[\W_]", "", name.lower())
