"""What a person reads of gates: what each measures, and its verdict."""

import math
from collections.abc import Mapping, Sequence

from simulate.figures import percent_text, probability_text, row_scale
from simulate.gates.gate import OPEN
from simulate.layout import Column, Section
from simulate.results import Result


def sections(result: Result) -> list[Section]:
    """The verdicts of gates, a table where any were asked."""
    rows = [_row(result, at) for at in _places(result, result.labels("case"))]
    if not rows:
        return []
    columns = [
        Column("fail if", give="wrap"),
        Column("of" if result.labels("case") else "", give="wrap"),
        Column("measured", give="wrap"),
        Column("±", ">"),
        Column("verdict", give="wrap"),
    ]
    return [Section(columns=columns, rows=rows)]


def judged(result: Result) -> list[tuple[str, str]]:
    """The verdict of each gate that counts, and a line on it: where cases are compared those of the alternatives."""
    told = []
    for at in _places(result, result.labels("case")[1:]):
        gate, case, measured, error, verdict = _row(result, at)
        of, beside = f" of {case}" if case else "", f" ± {error}" if error else ""
        told.append((str(result.at("gate_verdict", **at)), f"{gate}{of}: {measured}{beside}: {verdict}"))
    return told


def _places(result: Result, cases: Sequence[str]) -> list[dict[str, str]]:
    """Where gates have verdicts: at each that was asked, of each of the cases where there are such."""
    if "gate_verdict" not in result:
        return []
    of_cases = [{"case": case} for case in cases] or [{}]
    places = [{"gate": text, **case} for text in result.labels("gate") for case in of_cases]
    return [at for at in places if result.at("gate_verdict", **at)]


def _row(result: Result, at: Mapping[str, str]) -> list[str]:
    value, error = result.estimate("gate_estimate", **at)
    if str(result.at("gate_measured", **at)).startswith("P("):
        scenarios = result.provenance.get("kept", {}).get("effective", result.attributes["scenarios"])
        figure, beside = probability_text(value, error, scenarios)
    else:
        unit = result.unit("gate_estimate", **at)
        scale = row_scale([value], [error]).of(unit)
        figure, beside = scale.with_error(value, error)
        figure = f"{figure} {scale.unit(unit)}".rstrip()
    undefined = result.at("gate_undefined", **at) if "gate_undefined" in result else 0.0
    more = f", undefined in {percent_text(undefined, digits=4)}" if undefined > 0 else ""
    verdict, needed = result.at("gate_verdict", **at), result.at("gate_scenarios", **at)
    if verdict == OPEN:
        decisive = f"{needed:,.0f} scenarios would decide it, if the estimate stayed"
        verdict += f": {'no number of scenarios decides it' if math.isnan(needed) else decisive}"
    case = str(result.at("case_label", case=at["case"])) if "case" in at else ""
    measured = str(result.at("gate_measured", **at))
    of = "" if at["gate"].startswith(measured) else f"{measured}: "
    return [at["gate"], case, f"{of}{figure}{more}", beside, verdict]
