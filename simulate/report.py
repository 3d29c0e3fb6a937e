"""What is told of a run, a priors file and a quantity: lines for a person, JSON and CSV for a machine."""

from __future__ import annotations

import ast
import csv
import inspect
import io
import json
import math
import shlex
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulate.conditioning import report as conditioning_report
from simulate.errors import suggestion
from simulate.graph import GraphError, Quantity, missing
from simulate.model import MODELS
from simulate.tables import (
    Column,
    Line,
    Scale,
    paragraph,
    printable,
    row_scale,
    sparkline,
    table,
    with_unit,
)

if TYPE_CHECKING:
    from xarray import Dataset

    from simulate.priors import Prior, Priors

HEAVY = 4  # standard deviations over the mean from which a mean rests on rare scenarios
MOST_IMPORTANT = 3  # priors named for each headline quantity
FEWEST_FOR_SHARES = 1e-9  # below it the squared rank correlations are nothing but rounding


# ---------------------------------------------------------------------------------------------------------
# A run, for machines


def json_text(dataset: Dataset) -> str:
    """The bands as JSON in full precision; what is not a number is null."""
    quantities = {}
    for name in quantity_names(dataset):
        bands, errors = dataset[name], dataset[f"{name}_se"]
        keys = [f"{percent:g}" for percent in dataset["percentile"].values]
        quantities[name] = {
            "label": bands.attrs["long_name"],
            "unit": bands.attrs["units"],
            **{part: _number(dataset[f"{name}_{part}"]) for part in ("mean", "mean_se", "sd", "sd_se")},
            "percentiles": dict(zip(keys, map(_number, bands.values), strict=True)),
            "percentile_se": dict(zip(keys, map(_number, errors.values), strict=True)),
            **_shortest_json(dataset, name),
        }
    settings = {name: dataset.attrs[name] for name in ("scenarios", "seed", "scheme", "replicates")}
    settings = {name: value if isinstance(value, str) else int(value) for name, value in settings.items()}
    told = {**settings, "quantities": quantities, **conditioning_report.to_json(dataset)}
    return json.dumps(told, indent=2, allow_nan=False) + "\n"


def csv_text(dataset: Dataset) -> str:
    """The bands as CSV in full precision: a row for each percentile, for the mean, for the sd, and for each answer."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["quantity", "unit", "percentile", "value", "standard_error"])
    for name in quantity_names(dataset):
        unit = dataset[name].attrs["units"]
        bands = zip(
            dataset["percentile"].values, dataset[name].values, dataset[f"{name}_se"].values, strict=True
        )
        for percent, value, error in bands:
            rows.writerow([name, unit, f"{percent:g}", repr(float(value)), repr(float(error))])
        for part in ("mean", "sd"):
            moment = [repr(float(dataset[f"{name}_{each}"])) for each in (part, f"{part}_se")]
            rows.writerow([name, unit, part, *moment])
        if "interval" in dataset.attrs:
            for end in ("lower", "upper"):
                which = f"shortest {dataset.attrs['interval']:g} {end}"
                figures = (dataset[f"{name}_{part}"].sel(end=end) for part in ("shortest", "shortest_se"))
                rows.writerow([name, unit, which, *(repr(float(figure)) for figure in figures)])
    rows.writerows(conditioning_report.csv_rows(dataset))
    return text.getvalue()


def _shortest_json(dataset: Dataset, name: str) -> dict[str, Any]:
    if "interval" not in dataset.attrs:
        return {}
    interval = {
        f"{end}{suffix}": _number(dataset[f"{name}_shortest{suffix}"].sel(end=end))
        for end in ("lower", "upper")
        for suffix in ("", "_se")
    }
    return {"shortest_interval": {"percent": float(dataset.attrs["interval"]), **interval}}


def quantity_names(dataset: Dataset) -> list[str]:
    """Names of the quantities that a run's Dataset holds, in its order."""
    return [str(name) for name in dataset.data_vars if f"{name}_rank_correlation" in dataset]


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


# ---------------------------------------------------------------------------------------------------------
# A run, for a person


def with_components(
    quantities: Mapping[str, Quantity], bound: Iterable[str], asked: Sequence[str]
) -> tuple[str, ...]:
    """The quantities asked for, and the parts of those that are sums, which tables show beneath them."""
    return tuple(dict.fromkeys(name for _, name in _indented(quantities, set(bound), asked)))


def _indented(
    quantities: Mapping[str, Quantity], bound: set[str], asked: Sequence[str]
) -> Iterator[tuple[int, str]]:
    """Depth and name, a sum before its parts; a part of something else asked for stands only there."""

    def below(name: str, depth: int) -> Iterator[tuple[int, str]]:
        yield depth, name
        if quantities[name].is_total and name not in bound:
            for part in quantities[name].needs:
                yield from below(part, depth + 1)

    parts = {part for name in asked for depth, part in below(name, 0) if depth}
    shown: set[str] = set()
    for name in asked:
        if name not in parts:
            for depth, part in below(name, 0):
                if part not in shown:
                    shown.add(part)
                    yield depth, part


def run_report(
    dataset: Dataset, priors: Priors, asked: Sequence[str], width: int | None = None
) -> list[Line]:
    """The table of a run and what is to be known of it, laid out for `width` (None: any)."""
    shown = [
        (depth, name)
        for depth, name in _indented(priors.quantities, set(priors.priors), asked)
        if name in dataset
    ]
    rows = [_band_row(dataset, name, depth) for depth, name in shown]
    percents = dataset["percentile"].values
    middle = min(range(len(percents)), key=lambda index: abs(percents[index] - 50))
    kept = {0, middle, len(percents) - 1}
    columns = [
        Column("", give="wrap"),
        Column("unit"),
        *(
            Column(
                f"P{percent:g}",
                ">",
                "bold" if percent == 50 else "",
                drop=0 if index in kept else 2,
            )
            for index, percent in enumerate(percents)
        ),
        Column("mean", ">", drop=3),
        *([Column(f"shortest {dataset.attrs['interval']:g} %", ">")] if "interval" in dataset.attrs else []),
        Column("density", drop=4),
        Column("published, at", drop=1),
    ]
    lines: list[Line] = [
        *([[(priors.title, "bold")], []] if priors.title else []),
        *table(columns, rows, width),
        [],
    ]
    lines += paragraph(_sampling_error(dataset, [name for _, name in shown]), width)
    if answers := conditioning_report.answers(dataset, priors, width):
        lines += [[], *answers[:-1]]
    lines += _drivers(dataset, priors, asked, width)
    for figure in _published(dataset):
        if figure["quantity"] in dataset:
            stated = with_unit(figure["value"], 0, figure["unit"])
            note = f" {figure['note']}" if figure["note"] else ""
            text = f"Published: {figure['quantity']} {stated}, {figure['source']}.{note}"
            lines += paragraph(text, width, "  ")
    scheme = {"sobol": "Sobol'", "random": "random"}.get(dataset.attrs["scheme"], dataset.attrs["scheme"])
    settings = f"{int(dataset.attrs['scenarios']):,} scenarios, {scheme}, seed {int(dataset.attrs['seed'])}."
    return lines + paragraph(settings, width)


def warnings_of(dataset: Dataset) -> list[str]:
    """What was not a number in some scenarios, what is not as asked for in some, and errors told too small."""
    messages: list[str] = json.loads(dataset.attrs["nonfinite"])
    failed: list[str] = json.loads(dataset.attrs.get("checks", "[]"))
    return messages + failed + _small_errors(dataset)


def _small_errors(dataset: Dataset) -> list[str]:
    """Quantities whose standard errors are known to be too small, by the measurements of benchmarks/coverage.md."""
    names = [name for name in quantity_names(dataset) if name not in dataset["prior"].values]
    drivers = {name: int((dataset[f"{name}_rank_correlation"] != 0).sum()) for name in names}
    alone = [name for name in names if dataset.attrs["scheme"] == "sobol" and drivers[name] == 1]
    heavy = [
        name
        for name in names
        if float(dataset[f"{name}_sd"]) > HEAVY * abs(float(dataset[f"{name}_mean"])) > 0
    ]
    messages = []
    if alone:
        messages.append(
            f"{', '.join(alone)}: rests on one prior alone, where intervals of 95 % under sobol hold the truth in "
            "some 85 to 90 %; --scheme random gives wider ones that hold it in 95 %"
        )
    if heavy:
        messages.append(
            f"{', '.join(heavy)}: a mean that rests on rare scenarios, of which intervals of 95 % hold the truth in "
            "82 to 92 %; the percentiles are not concerned"
        )
    return messages


def not_computed(priors: Priors) -> list[str]:
    """What the bound names cannot compute and which priors that would take, in a line where there is any."""
    lacking = missing(priors.quantities, priors.priors)
    names = [name for name in lacking if priors.quantities[name].function]
    if not names:
        return []
    wanted = dict.fromkeys(part for name in names for part in lacking[name])
    return [f"not computed for want of priors ({', '.join(wanted)}): {', '.join(names)}"]


def _band_row(dataset: Dataset, name: str, depth: int) -> list[str]:
    bands, errors = dataset[name].values.tolist(), dataset[f"{name}_se"].values.tolist()
    mean, mean_error = float(dataset[f"{name}_mean"]), float(dataset[f"{name}_mean_se"])
    unit = dataset[name].attrs["units"]
    scale = row_scale([*bands, mean], [*errors, mean_error])
    published = [figure for figure in _published(dataset) if figure["quantity"] == name]
    return [
        "  " * depth + (dataset[name].attrs["long_name"] or name),
        scale.unit(unit),
        *(scale.figure(value, error) for value, error in zip(bands, errors, strict=True)),
        scale.figure(mean, mean_error),
        *_shortest_figures(dataset, name, scale),
        sparkline(dataset[f"{name}_grid"].values.tolist(), dataset["grid"].values.tolist()),
        "\n".join(
            f"{_on_scale(figure['value'], scale)}, {falls_at(dataset, name, figure['value'])}".rstrip(", ")
            for figure in published
        ),
    ]


def _shortest_figures(dataset: Dataset, name: str, scale: Scale) -> list[str]:
    """The shortest interval of a row, where the run was asked for it: lower to upper end."""
    if "interval" not in dataset.attrs:
        return []
    ends, errors = dataset[f"{name}_shortest"].values, dataset[f"{name}_shortest_se"].values
    return [
        " to ".join(scale.figure(float(end), float(error)) for end, error in zip(ends, errors, strict=True))
    ]


def _on_scale(value: float, scale: Scale) -> str:
    """A stated figure on the scale of a row, with the digits that it has."""
    own = row_scale([value], [0.0])
    return Scale(scale.exponent, own.place, scale.digits).figure(value)


def falls_at(dataset: Dataset, name: str, value: float) -> str:
    """Where a value falls in a quantity's band: the percentile, or for a constant how far off it is."""
    import numpy as np

    least, greatest = float(dataset[f"{name}_minimum"]), float(dataset[f"{name}_maximum"])
    if not math.isfinite(least + greatest):
        return ""
    if least == greatest:
        if math.isclose(value, least, rel_tol=5e-6):
            return "equal"
        if not least:
            return "above" if value > 0 else "below"
        return f"{abs(value / least - 1) * 100:.2g} % {'above' if value > least else 'below'}"
    if value < least:
        return "below all"
    if value > greatest:
        return "above all"
    grid, percents = dataset[f"{name}_grid"].values, dataset["grid"].values
    if value < grid[0]:
        return f"below P{percents[0]:g}"
    if value > grid[-1]:
        return f"above P{percents[-1]:g}"
    return f"P{np.interp(value, grid, percents):.0f}"


def _published(dataset: Dataset) -> list[dict[str, Any]]:
    figures: list[dict[str, Any]] = json.loads(dataset.attrs["priors"])["published"]
    return figures


def _sampling_error(dataset: Dataset, asked: Sequence[str]) -> str:
    middle: list[float] = []
    outer: list[float] = []
    for name in asked:
        bands, errors = dataset[name].values, dataset[f"{name}_se"].values
        for percent, value, error in zip(dataset["percentile"].values, bands, errors, strict=True):
            if value and math.isfinite(value) and math.isfinite(error):
                (middle if percent == 50 else outer).append(abs(error / value))
    if not any(middle + outer):
        return "Sampling error: none, nothing varies."
    others = "any other percentile" if middle else "any percentile"
    parts = [
        f"{max(errors) * 100:.1g} % of {what}"
        for errors, what in ((middle, "a median"), (outer, others))
        if errors
    ]
    return f"Sampling error only, the band is the uncertainty: at most {' and '.join(parts)} above."


def judgement_share(dataset: Dataset, name: str) -> float:
    """The share of a quantity's spread from priors marked judgement: of the squared rank correlations.

    nan where nothing moves the quantity. A share of the whole only as far as the priors are independent.
    """
    squares = dataset[f"{name}_rank_correlation"].values ** 2
    priors = json.loads(dataset.attrs["priors"])["priors"]
    judged = [priors[str(prior)]["evidence"] == "judgement" for prior in dataset["prior"].values]
    total = float(squares.sum())
    return float(squares[judged].sum()) / total if total > FEWEST_FOR_SHARES else math.nan


def most_important(dataset: Dataset, name: str, count: int = MOST_IMPORTANT) -> list[tuple[str, float]]:
    """The priors with which a quantity's ranks correlate most, and these correlations."""
    found = [
        (str(prior), float(value))
        for prior, value in zip(
            dataset["prior"].values, dataset[f"{name}_rank_correlation"].values, strict=True
        )
        if value
    ]
    return sorted(found, key=lambda pair: -abs(pair[1]))[:count]


def _drivers(dataset: Dataset, priors: Priors, asked: Sequence[str], width: int | None) -> list[Line]:
    """For each headline quantity the priors that matter most, and how much of its spread is judgement."""
    headline = [name for name in asked if name in priors.headline] or list(asked[:1])
    rows = []
    for name in headline:
        share = judgement_share(dataset, name)
        if not math.isnan(share):
            important = ", ".join(f"{prior} {value:+.2f}" for prior, value in most_important(dataset, name))
            rows.append([name, f"{share:.0%}".replace("%", " %"), important.replace("-", "−")])
    if not rows:
        return []
    columns = [
        Column("spread of"),
        Column("from judgement", ">"),
        Column("moved most by (rank correlation)", give="wrap"),
    ]
    more = f"More: simulate tornado {shlex.quote(str(priors.path))} --quantities {rows[0][0]}"
    return [[], *table(columns, rows, width), [(more, "dim")], []]


# ---------------------------------------------------------------------------------------------------------
# A priors file


def priors_report(priors: Priors, width: int | None = None) -> list[Line]:
    """Each prior's family, unit as written, 5th, 50th and 95th percentile, evidence and source."""
    columns = [
        Column(""),
        Column("family"),
        Column("unit", give="wrap"),
        Column("P5", ">"),
        Column("P50", ">", "bold"),
        Column("P95", ">"),
        Column("evidence", drop=2),
        Column("source", drop=1, give="cut"),
    ]
    rows = []
    for prior in priors.priors.values():
        scale, figures = _prior_figures(priors, prior)
        unit = scale.unit(prior.unit)
        rows.append([prior.name, prior.family, unit, *figures, prior.evidence, prior.source])
    own = [
        [name, priors.quantities[name].unit, _equation(priors.quantities[name]) or ""] for name in priors.own
    ]
    lines = table(columns, rows, width)
    if own:
        lines += [[], *table([Column("formula of"), Column("unit"), Column("", give="wrap")], own, width)]
    if priors.correlations:
        pairs = [
            [f"{each.first}, {each.second}", each.measure, f"{each.value:+g}"] for each in priors.correlations
        ]
        lines += [[], *table([Column("correlation of"), Column("measure"), Column("", ">")], pairs, width)]
    counts = [
        _counted(len(priors.priors), "prior"),
        _counted(len(priors.correlations), "correlation"),
        _counted(len(priors.own), "formula"),
        _counted(len(priors.published), "published figure"),
    ]
    closing = f"{priors.path}: {', '.join(counts)}; nothing is wrong."
    more = f"Source and note of one: simulate explain NAME {shlex.quote(str(priors.path))}"
    return [*lines, [], *paragraph(closing, width), [(more, "dim")]]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _prior_figures(priors: Priors, prior: Prior) -> tuple[Scale, list[str]]:
    """The prior's 5th, 50th and 95th percentile in its unit as written, on one scale."""
    import numpy as np

    from simulate.units import conversion_factor

    values = prior.distribution.quantile(np.array([0.05, 0.5, 0.95]))
    values = values / conversion_factor(prior.unit, priors.quantities[prior.name].unit)
    # To four digits: what is computed from parameters is not the round number that it was meant to be.
    errors = [0.0 if prior.family == "constant" else abs(value) * 1e-9 for value in values.tolist()]
    scale = row_scale(values.tolist(), errors)
    return scale, [scale.figure(value, error) for value, error in zip(values.tolist(), errors, strict=True)]


# ---------------------------------------------------------------------------------------------------------
# A quantity


def quantity_list(
    quantities: Mapping[str, Quantity], model: str, own: Sequence[str] = (), width: int | None = None
) -> list[Line]:
    """Every quantity of a model by its module, then those of a priors file: name, unit, label."""
    headings = dict.fromkeys(quantities, "The priors file's own:")
    for module in MODELS[model]:
        heading = (module.__doc__ or "").split("\n")[0]
        headings |= {name: heading for name in vars(module) if name in quantities and name not in own}
    order = [*dict.fromkeys(headings[name] for name in quantities)]
    rows: list[list[str]] = []
    heading = ""
    for name in sorted(quantities, key=lambda name: order.index(headings[name])):
        if headings[name] != heading:
            heading = headings[name]
            rows += [[""] * 4, [heading, "", "", ""]] if rows else [[heading, "", "", ""]]
        quantity = quantities[name]
        kind = "" if quantity.function else "parameter"
        rows.append([f"  {name}", quantity.unit, kind, quantity.label])
    return table([Column(""), Column(""), Column("", drop=1), Column("", give="wrap")], rows, width)


def explanation(
    name: str, quantities: Mapping[str, Quantity], priors: Priors | None = None, width: int | None = None
) -> list[Line]:
    """A quantity's definition, equation, unit and source, what it needs and what needs it.

    Raises GraphError for a name that there is not.
    """
    if name not in quantities:
        raise GraphError(f"there is no quantity {printable(name)}{suggestion(name, quantities)}")
    quantity = quantities[name]
    lines: list[Line] = [[(name, "bold"), (f"  [{quantity.unit}]", "")], []]
    for part in quantity.definition.split("\n\n"):
        # Indented lines are equations and stay as they are; others are running text.
        if part.startswith(" "):
            lines += [[(line, "")] for line in part.splitlines()]
        else:
            lines += paragraph(" ".join(part.split()), width)
    if (equation := _equation(quantity)) and f"{name} = {equation}" not in quantity.definition:
        lines += [[], *([("  " + line, "")] for line in f"{name} = {equation}".splitlines())]
    if quantity.function is None:
        default = "" if quantity.default is None else f", {quantity.default:g} unless a prior is given"
        lines += [[], [(f"A parameter{default}.", "")]]
    if priors is not None:
        lines += [[], *_binding(name, priors, width)]
    bound = set(priors.priors) if priors is not None else set()
    if quantity.needs and name not in bound:
        lines += [
            [],
            [("needs", "bold")],
            *_tree(name, quantities, lambda each: _needs(quantities, bound, each)),
        ]
    needed_by = {
        each: [n for n, q in quantities.items() if each in _needs(quantities, bound, n)]
        for each in quantities
    }
    if needed_by[name]:
        lines += [[], [("is needed by", "bold")], *_tree(name, quantities, lambda each: needed_by[each])]
    return lines


def _needs(quantities: Mapping[str, Quantity], bound: set[str], name: str) -> Sequence[str]:
    return () if name in bound else quantities[name].needs


def _binding(name: str, priors: Priors, width: int | None) -> list[Line]:
    """What a priors file says of a quantity."""
    if name in priors.own:
        return paragraph(f"{priors.path} states it by a formula of its own.", width)
    if name not in priors.priors:
        computed = priors.quantities[name].function is not None
        return paragraph(
            f"{priors.path} {'leaves it to the model' if computed else 'gives no prior for it'}.", width
        )
    prior = priors.priors[name]
    scale, figures = _prior_figures(priors, prior)
    band = figures[0] if prior.family == "constant" else " / ".join(figures) + " (P5 / P50 / P95)"
    stated = ", ".join(f"{key} = {value}" for key, value in prior.specification.items())
    where = f"{prior.file}:{prior.line}"
    lines = paragraph(
        f"{where}: {prior.family}, {stated}: {band} {scale.unit(prior.unit)}".rstrip(), width, "  "
    )
    for what, text in (("Evidence", prior.evidence), ("Source", prior.source), ("Note", prior.note)):
        lines += paragraph(f"{what}: {text}", width, "  ") if text else []
    return lines


def _tree(
    name: str, quantities: Mapping[str, Quantity], branches: Callable[[str], Sequence[str]]
) -> list[Line]:
    """The branches below a name, each subtree once."""
    lines: list[Line] = []
    shown: set[str] = set()

    def grow(parent: str, margin: str) -> None:
        names = branches(parent)
        for index, each in enumerate(names):
            last = index == len(names) - 1
            again = "…" if each in shown and branches(each) else ""
            unit = "" if quantities[each].unit == "1" else quantities[each].unit
            rest = "".join(f"  {part}" for part in (unit, again) if part)
            lines.append([(margin + ("└─ " if last else "├─ "), "dim"), (each, ""), (rest, "dim")])
            if each not in shown:
                shown.add(each)
                grow(each, margin + ("   " if last else "│  "))

    grow(name, "")
    return lines


def _equation(quantity: Quantity) -> str | None:
    """The right-hand side as code: of a formula its text, of a function its body without the docstring."""
    function = quantity.function
    if function is None:
        return None
    if (text := getattr(function, "text", None)) is not None:
        return str(text)
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except OSError:  # installed without its sources
        return None
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.FunctionDef)
    steps = [step for step in definition.body if not _is_docstring(step)]
    texts = [ast.get_source_segment(source, step) or ast.unparse(step) for step in steps]
    if len(steps) == 1 and isinstance(steps[0], ast.Return) and steps[0].value:
        texts = [ast.get_source_segment(source, steps[0].value) or texts[0]]
    return textwrap.dedent("\n".join(texts)).replace("np.", "")


def _is_docstring(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)
