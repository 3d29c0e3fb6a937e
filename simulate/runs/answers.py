"""What a person reads of a run's questions: probabilities, what conditions keep, which priors shift."""

from simulate.figures import percent_text, probability_text, with_unit
from simulate.gates.report import sections as gates
from simulate.layout import Column, Section
from simulate.results import Result
from simulate.runs import scenario_analysis

FIGURES = ("probability", "probability_undefined", "probability_where_defined")


def sections(result: Result) -> list[Section]:
    """The verdicts of gates, the probabilities, what the conditions leave and which priors they shift, most first."""
    told = gates(result)
    if "probability" in result:
        rows, scenarios = [], result.provenance.get("kept", {}).get("effective", result.attributes["scenarios"])
        for text in result.labels("question"):
            row = [text]
            undefined = result.at("probability_undefined", question=text) if "probability_undefined" in result else 0.0
            for figure in FIGURES:
                if figure in result:
                    of = scenarios * (1 - undefined) if figure == "probability_where_defined" else scenarios
                    row += probability_text(*result.estimate(figure, question=text), of)
            rows.append(row)
        columns = [Column("probability of", give="wrap"), Column("", ">"), Column("±", ">")]
        if "probability_undefined" in result:
            for head in ("undefined", "where defined"):
                columns += [Column(head, ">"), Column("±", ">", drop=1)]
        told.append(Section(columns=columns, rows=rows))
    if "kept" in result.provenance:
        told.append(scenario_analysis.section(result, kept(result)))
    return told


def kept(result: Result) -> str:
    """What the conditions are, and what they leave; empty without conditions."""
    if "kept" not in result.provenance:
        return ""
    told, drawn = result.provenance["kept"], result.attributes["scenarios"]
    given, observed = result.provenance["given"], result.provenance["observe"]
    share = percent_text(told["share"], told["share_se"])
    if told["share"] in {0, 1}:
        share = "all" if told["share"] else probability_text(told["share"], told["share_se"], drawn)[0]
    undefined = ""
    if told["undefined"]:
        undefined = f"; undefined in {percent_text(told['undefined'], told['undefined_se'])}"
    thresholds = [f"{name} is {with_unit(value, 0, unit, 4)}" for name, (value, unit) in told["thresholds"].items()]
    if not observed:
        return (
            f"Given {', '.join(given)}{_aside(thresholds)}: {share} of the {drawn:,} scenarios "
            f"are kept ({told['scenarios']:,}, as many effective){undefined}."
        )
    condition = f", {share} of them kept{undefined}" if given else ""
    where, instead = "", ""
    if "proposal" in told:  # of which the share kept is no probability
        condition, where = "", "drawn where these point and "
        instead = f", where the priors' own scenarios would be worth {told['proposal']['effective_of_priors']:,.0f}"
    return (
        f"Given {', '.join([*given, *observed])}{_aside(thresholds)}: the {drawn:,} scenarios are {where}weighted by "
        f"their likelihood{condition}; effective sample size {told['effective']:,.0f}{instead}."
    )


def _aside(texts: list[str]) -> str:
    return f" ({', '.join(texts)})" if texts else ""
