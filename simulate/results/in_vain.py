"""What is changed in vain: overrides that reach none of the quantities asked for, and why they do not."""

from collections.abc import Collection, Mapping, Sequence

from simulate import model
from simulate.graph import Quantity, missing, plan
from simulate.priors import Priors
from simulate.scenarios import Scenarios


def in_vain(cases: Sequence[tuple[Priors, Scenarios]], asked: Collection[str]) -> list[str]:
    """Tell the priors and formulas that overrides change without effect on what is asked of the cases, a line each."""
    found = [_unreached(priors, drawn, asked) for priors, drawn in cases]
    return [line for key, line in found[0].items() if all(key in each for each in found)]


def _unreached(priors: Priors, drawn: Scenarios, asked: Collection[str]) -> dict[tuple[str, str], str]:
    """Why an override reaches nothing that is drawn or computed, by its text and the name that it changes."""
    able = priors.quantities.keys() - missing(priors.quantities, priors.priors)  # a case may lack some
    wanted = [name for name in dict.fromkeys([*asked, *drawn.questions.names]) if name in able]
    needed = plan(priors.quantities, priors.priors, wanted)
    inputs = needed.inputs
    # behind a correlated input stand others, whose priors may move it
    reached = {*inputs, *drawn.sampler.behind(inputs), *(name for name, _, _ in needed.steps)}
    told: dict[tuple[str, str], str] = {}
    replaced: dict[str, str] = {}  # by name, the nearest override that changes it
    for layer in priors.layers[: len(priors.overrides)]:  # the nearest first
        for kind, keys in (("priors", ("dist", "value")), ("quantities", ("formula",))):
            for name, table in layer.tables.get(kind, {}).items():
                if name in replaced:
                    told[layer.shown, name] = f"{layer.shown}: changes nothing: {replaced[name]} takes its place"
                elif name not in reached:
                    why = _why(priors, name)
                    told[layer.shown, name] = f"{layer.shown}: {name} reaches none of the quantities asked for: {why}"
                if any(key in table for key in keys):  # others change single keys
                    replaced.setdefault(name, layer.shown)
    return told


def _why(priors: Priors, name: str) -> str:
    """The first quantity on the way up from a name that is stated instead of computed, or what could be asked for."""
    wired = model.quantities(priors.model)
    above = _above(wired, name, stop=priors.priors)
    for each in above:
        if prior := priors.priors.get(each):
            line = f":{prior.line}" * bool(prior.line)
            return f"{each} is a prior of its own ({prior.layer.shown}{line}), which takes the place of what needs it"
        if each in priors.own and name not in priors.quantities[each].needs and name in wired[each].needs:
            return f"{each} is given by a formula of its own, which does not need it"
    able = [each for each in _above(priors.quantities, name, stop=priors.priors) if each not in priors.priors]
    return f"ask for {', '.join(able[:3])}" if able else "nothing that is computed needs it"


def _above(quantities: Mapping[str, Quantity], name: str, stop: Collection[str]) -> list[str]:
    """The quantities that need a name, nearest first, up to those that priors bind."""
    found, at = [name], 0
    while at < len(found):
        below, at = found[at], at + 1
        if below == name or below not in stop:
            found += [each.name for each in quantities.values() if below in each.needs and each.name not in found]
    return found[1:]
