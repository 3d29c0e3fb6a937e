"""What other libraries and spreadsheets call families and their parameters, and what stands for it here.

A word that is near one of ours may mean something else: a rate is one over a scale. Each has its translation, or where
it means different things in different places, all of them.
"""

from simulate.errors import suggestion

FAMILIES = {
    **dict.fromkeys(("norm", "gaussian", "gauss"), 'dist = "normal"'),
    **dict.fromkeys(("lognorm", "log_normal", "log-normal"), 'dist = "lognormal"'),
    **dict.fromkeys(("expon", "exp"), 'dist = "exponential"'),
    **dict.fromkeys(("weibull_min", "weib"), 'dist = "weibull"'),
    **dict.fromkeys(("gumbel_r", "gumbel_max", "extvalue", "extreme_value"), 'dist = "gumbel"'),
    **dict.fromkeys(("t", "student", "studentt", "students_t"), 'dist = "student_t"'),
    **dict.fromkeys(("reciprocal", "log_uniform", "log-uniform"), 'dist = "loguniform"'),
    **dict.fromkeys(("triang", "tri", "triangle"), 'dist = "triangular"'),
    **dict.fromkeys(("betapert", "beta_pert"), 'dist = "pert"'),
    **dict.fromkeys(("discrete", "categorical", "custom"), 'dist = "choice"'),
    **dict.fromkeys(("fixed", "delta", "dirac", "point", "const"), "value = NUMBER alone"),
    "bernoulli": 'dist = "choice", values = [0, 1], weights = [1 - p, p]',
    "cauchy": 'dist = "student_t", df = 1',
    "erlang": 'dist = "gamma"',
    **dict.fromkeys(("chi2", "chisquare", "chi_squared"), 'dist = "gamma", shape = df / 2, scale = 2'),
    "rayleigh": 'dist = "weibull", shape = 2, scale = sqrt(2) * sigma',
    **dict.fromkeys(("truncnorm", "truncated_normal", "truncnormal"), 'dist = "normal" with lower and upper'),
    **dict.fromkeys(("halfnorm", "half_normal", "halfnormal"), 'dist = "normal", mean = 0, sd = sigma, lower = 0'),
    "logistic": 'dist = "metalog", a1 = location, a2 = scale, a3 = 0',
}

_LOW = ("min", "low", "lo", "minimum", "left", "start", "lower_bound", "lb")
_HIGH = ("max", "high", "hi", "maximum", "right", "stop", "end", "upper_bound", "ub")
_SD = ("std", "stdev", "stddev", "std_dev", "standard_deviation", "sdev")
_VARIANCE = ("variance", "var")
_PRECISION = ("precision", "tau")
_RATE = ("rate", "lambda", "lambd", "lam", "inverse_scale", "hazard")
_PROBABILITIES = ("probabilities", "probability", "probs", "prob", "p", "pmf", "frequencies", "frequency", "counts")
_DEGREES = ("nu", "dof", "degrees_of_freedom", "v")

_BOUNDS = {**dict.fromkeys((*_LOW, "a"), "lower"), **dict.fromkeys((*_HIGH, "b"), "upper")}
_FROM_LOWER = {"loc": "lower", "scale": "upper = lower + scale", "width": "upper = lower + width"}
_MODE = {
    **dict.fromkeys(("likely", "most_likely", "mostlikely", "ml", "peak", "best"), "mode"),
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
    **dict.fromkeys(("cv", "coefficient_of_variation"), "sd = cv * mean"),
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
        **dict.fromkeys(("gsd", "gstd", "geometric_sd", "geometric_std"), "sigma = log(gsd)"),
        **dict.fromkeys(("gm", "gmean", "geometric_mean"), "median"),
        **dict.fromkeys(("s", "sdlog", "shape"), "sigma"),
        "meanlog": "mu",
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
COMMON = {
    **dict.fromkeys(("distribution", "family", "type"), "dist"),
    **dict.fromkeys(("description", "comment", "comments", "remark"), "note"),
    **dict.fromkeys(("reference", "ref", "citation", "url", "link"), "source"),
}


def mend_of(family: str, key: str, known: tuple[str, ...], otherwise: str = "") -> str:
    """What to write in place of an unknown key: its translation, what it is misspelt of, or the other advice."""
    other = PARAMETERS.get(family, {}).get(key.lower()) or COMMON.get(key.lower())
    return f"; write {other}" if other else suggestion(key, known, otherwise, slips=True)
