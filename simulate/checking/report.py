"""What `check` tells of priors files: each prior, where it is stated and what stands behind it, and the verdict."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from simulate.errors import Fault
from simulate.evidence import Sought, origins
from simulate.explaining import equation_of, prior_figures, stated_plain
from simulate.figures import percent_text
from simulate.layout import Column, Remark, Section

if TYPE_CHECKING:
    from simulate.priors import Priors


def priors_sections(priors: Priors, sought: Sequence[Sought] = ()) -> list[Section]:
    """Each prior's origin, family, unit as written, 5th, 50th and 95th percentile, evidence and source.

    Where all are stated in one place, it is not told; `sought` are the priors to research next.
    """
    found = origins(priors)
    several = len({origin.where for origin in found.values()}) > 1
    columns = [
        Column(""),
        Column("from"),
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
        scale, figures = prior_figures(prior)
        where, unused = found[prior.name]
        origin = ", ".join([where] * several + ["unused"] * unused)
        rows.append([prior.name, origin, prior.family, scale.unit(prior.unit), *figures, prior.evidence, prior.source])
    own = [[name, priors.quantities[name].unit, equation_of(priors.quantities[name])] for name in priors.own]
    pairs = [[f"{each.first}, {each.second}", each.measure, f"{each.value:+g}"] for each in priors.correlations]
    formula_columns = [Column("formula of"), Column("unit"), Column("", give="wrap")]
    pair_columns = [Column("correlation of"), Column("measure"), Column("", ">")]
    tables = [(columns, rows), (formula_columns, own), (pair_columns, pairs)]
    more = f"Source and note of one: simulate explain NAME {shlex.quote(str(priors.path))}"
    told = [Section(columns=heads, rows=cells) for heads, cells in tables if cells]
    return [*told, *_research(sought), Section(remarks=[*_verdict(priors), Remark(more, "dim", whole=True)])]


def _research(sought: Sequence[Sought]) -> list[Section]:
    """What to research next, a row each."""
    columns = [
        Column("prior"),
        Column("share of the variance", ">"),
        Column("of"),
        Column("evidence"),
        Column("weight", ">"),
    ]
    rows = [
        [
            each.prior.name,
            percent_text(each.share, each.error),
            each.quantity,
            each.prior.evidence or "not stated",
            percent_text(each.weight, each.error, digits=2),
        ]
        for each in sought
    ]
    about = "Weight is the share x the weakness of the evidence: 1 for judgement, 1/3 for what has a source."
    return [Section("What to research next", columns=columns, rows=rows, remarks=[about])] if rows else []


def _verdict(priors: Priors) -> list[str]:
    """How much a priors file states, that nothing is wrong with it, and what to know of it: a line each."""
    stated: dict[str, Collection[Any]] = {
        "prior": priors.priors,
        "correlation": priors.correlations,
        "formula": priors.own,
        "published figure": priors.published,
    }
    counts = [f"{len(each)} {noun}{'' if len(each) == 1 else 's'}" for noun, each in stated.items()]
    warnings = [f"Warning: {each.message}." for each in warnings_of(priors)]
    but = f" but for {len(warnings)} warning{'s' if len(warnings) > 1 else ''}:" if warnings else "."
    closing = f"{priors.path}: {', '.join(counts)}; nothing is wrong{but}"
    return [closing, *warnings]


def verdicts(right: Sequence[Priors], wrong: Collection[str]) -> list[Section]:
    """The verdict on each file that is right, and how many others are wrong."""
    total = len(right) + len(wrong)
    told = f"{len(wrong)} of them {'is' if len(wrong) == 1 else 'are'} wrong" if wrong else "nothing is wrong"
    lines = [line for priors in right for line in _verdict(priors)]
    return [Section(remarks=[*lines, f"{total} files: {told}."])]


def warnings_of(priors: Priors) -> list[Fault]:
    """What to know of what a file states, in itself and in each of its choices, where a prior stands by its line."""
    from simulate.priors import choice
    from simulate.results.in_vain import in_vain
    from simulate.settings import today

    cases = [priors, *(choice(priors, name) for name in priors.choices)]
    told: dict[str, Fault] = {}
    for case in cases:
        for name, text in [*case.warnings.items(), *case.aged(today()).items()]:
            prior = case.priors.get(name)
            place = (str(prior.file), prior.line) if prior else (str(priors.path), 0)
            told.setdefault(text, Fault(text, *place))
    return [*told.values(), *in_vain(cases, priors.run.quantities or priors.headline)]


def checked_plain(files: Sequence[Priors], sought: Sequence[Sought] = ()) -> dict[str, Any]:
    """What priors files state as plain data, below `checked` in the envelope of every command.

    `sought` are the priors of the first file to research next.
    """
    from simulate.formats import json
    from simulate.results import provenance

    told = [provenance.stated(priors) for priors in files]
    return json.envelope(
        "check",
        files=[file for each in told for file in each["files"]],
        settings={"overrides": list(dict.fromkeys(text for each in told for text in each["overrides"]))},
        warnings=[each for priors in files for each in warnings_of(priors)],
        result={
            "checked": [stated_plain(*each) for each in zip(files, told, strict=True)],
            **({"research": [_sought(each) for each in sought]} if sought else {}),
        },
    )


def _sought(each: Sought) -> dict[str, Any]:
    return {
        "prior": each.prior.name,
        "quantity": each.quantity,
        "variance_share": each.share,
        "variance_share_se": each.error,
        "weight": each.weight,
    }
