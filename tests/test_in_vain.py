"""What is changed in vain is told, with the reason."""

import json

import pytest

from simulate.comparison import compare
from simulate.decisions import decide
from simulate.priors import load_priors
from simulate.runs import run
from simulate.sensitivity.tornado import tornado

TABLES = """
model = "none"
[priors]
a = { dist = "normal", p5 = 1, p95 = 2 }
b = { dist = "normal", p5 = 1, p95 = 2 }
[quantities]
one = { formula = "a + 1" }
two = { formula = "b + 1" }
"""
CHOICES = """
[choices.rent]
quantities.one = { formula = "a + 1" }
[choices.buy]
quantities.one = { formula = "b + 2" }
"""
BASE = (
    "--set 'parameters_active=70e9': parameters_active reaches none of the quantities asked for: seconds_per_token is"
)


def in_vain(result):
    return [line for line in result.warnings if line.startswith("--set")]


def test_a_correlation_of_what_two_cases_draw_is_of_use_to_their_comparison(load):
    """Each of them alone needs one end of it."""
    mine, other = (load(TABLES.replace('"a + 1"', f'"{name} + 1"'), "correlations.a.b=0.5", name=name) for name in "ab")
    assert in_vain(run(mine, quantities=["one"], scenarios=64))
    assert not in_vain(compare([mine, other], quantities=["one"], scenarios=64))
    assert in_vain(compare([mine, load(TABLES, name="c")], quantities=["one"], scenarios=64))


@pytest.mark.parametrize(
    ("overrides", "asked", "told"),
    [
        (["a=1"], ["one"], []),
        (["b=1"], ["one"], ["--set 'b=1': b reaches none of the quantities asked for: ask for two"]),
        (["b=1"], ["one", "two"], []),
        (["a=1", "a=3"], ["one"], ["--set 'a=1': changes nothing: --set 'a=3' takes its place"]),
        (["a=1", "a.note='x'"], ["one"], []),
        (['quantities.two.formula="a"'], ["one"], ["--set 'quantities.two.formula=\"a\"': two reaches none"]),
        (['quantities.one.formula="b"'], ["one"], []),
        (["correlations.a.b=0.5"], ["one"], ["--set 'correlations.a.b=0.5': correlations.a.b reaches none of"]),
        (["correlations.a.b=0.5"], ["one", "two"], []),
        (
            ["correlations.a.b=0.5", "correlations.b.a=0.4"],
            ["one", "two"],
            ["--set 'correlations.a.b=0.5': changes nothing: --set 'correlations.b.a=0.4' takes its place"],
        ),
        (["run.seed=3"], ["one"], []),
        (["two=5", "b=1"], ["two"], ["--set 'b=1': b reaches none of the quantities asked for: nothing is computed"]),
    ],
)
def test_overrides_in_vain(overrides, asked, told):
    result = run(load_priors(TABLES, overrides), quantities=asked, scenarios=64)
    found = in_vain(result)
    assert len(found) == len(told)
    assert all(line.startswith(start) for line, start in zip(found, told, strict=True))


def test_conditions_and_gates_count_as_asked():
    priors = load_priors(TABLES, ["b=1.5"])
    assert in_vain(run(priors, quantities=["one"], scenarios=64))
    for question in ({"probability": ["two > 1"]}, {"fail_if": ["mean(two) > 9"]}, {"given": ["two > 0"]}):
        assert not in_vain(run(priors, quantities=["one"], scenarios=4096, **question))


def test_what_stands_in_the_way_is_named(command):
    asked = ("run", "base", "--set", "parameters_active=70e9", "--scenarios", 64, "--format", "json")
    code, told, _ = command(*asked, "--quantities", "cost_per_question")
    (line,) = [each["message"] for each in json.loads(told)["warnings"] if each["message"].startswith("--set")]
    assert code == 0
    assert line.startswith(BASE)
    assert "base.toml:83)" in line
    _, told, _ = command(*asked)  # training_cost is in the headline, and needs it
    assert "parameters_active reaches" not in told


def test_every_command_tells_it(load, command):
    path = load(TABLES).path
    for name in ("run", "tornado"):
        _, _, told = command(name, path, "--set", "b=1.5", "--quantities", "one", "--scenarios", 64)
        assert told.count("b reaches none of the quantities asked for") == 1, name
    _, _, told = command("compare", path, "--vary", "b=1,2", "--quantities", "one", "--scenarios", 64)
    assert told.count("b reaches none of the quantities asked for") == 2
    assert in_vain(tornado(load(TABLES, "b=1.5"), quantities=["one"], scenarios=64))


def test_each_case_of_a_comparison_is_told_of_its_own():
    cases = [load_priors(TABLES, ["b=1.5"]), load_priors(TABLES.replace("a + 1", "a + b"), ["b=1.6"])]
    (line,) = in_vain(compare(cases, quantities=["one"], scenarios=64))
    assert line.startswith("--set 'b=1.5'")


def test_a_decision_tells_what_no_choice_uses():
    assert not in_vain(decide(load_priors(TABLES + CHOICES, ["b=1.5"]), quantities=["one"], scenarios=64))
    text = TABLES + CHOICES.replace("b + 2", "a + 2")
    assert len(in_vain(decide(load_priors(text, ["b=1.5"]), quantities=["one"], scenarios=64))) == 1


SERVING = """
[priors]
seconds_per_token = { dist = "lognormal", p5 = 0.01, p95 = 0.1 }
output_tokens = { dist = "lognormal", p5 = 100, p95 = 300 }
questions_per_day = { value = 1e6 }
capacity_margin = { value = 1 }
cloud_price_on_demand = { value = 2 }
parameters_active = { dist = "lognormal", p5 = 50e9, p95 = 90e9 }
layers = { value = 80 }
kv_heads = { value = 8 }
head_dim = { value = 128 }
"""
RENT = "rent_on_demand_per_question"
HEADLINE = "none of the quantities asked for, nor of the headline"
LONE = TABLES.replace(
    "[quantities]", 'lone = { dist = "normal", p5 = 1, p95 = 2 }\n[correlations]\nlone.a = 0.5\n[quantities]'
)


def of_file(result):
    return [line for line in result.warnings if "nor of the headline" in line]


def test_what_a_file_states_beside_what_takes_its_place_is_one_line_of_every_command(load, command):
    path = load(f'{SERVING}[run]\nquantities = ["{RENT}"]\n').path
    line = (
        f"{path}:8: parameters_active, layers, kv_heads and 1 more reach {HEADLINE}: seconds_per_token is a prior of "
        f"its own ({path}:3), which takes the place of what is computed"
    )
    asked = ("--quantities", RENT, "--scenarios", 64, "--format", "json")
    _, out, _ = command("check", path, "--format", "json")
    (warning,) = json.loads(out)["warnings"]
    assert "{file}:{line}: {message}".format(**warning) == line
    others = [("run", path), ("tornado", path), ("compare", path, "--vary", "output_tokens=100,200")]
    for asking in others:
        _, out, _ = command(*asking, *asked)
        assert [each["message"] for each in json.loads(out)["warnings"]].count(line) == 1, asking
    load(SERVING.replace("layers", "# layers"), name="two")
    _, out, _ = command("compare", path, path.with_name("two.toml"), *asked)
    told = [each["message"] for each in json.loads(out)["warnings"] if "nor of" in each["message"]]
    assert told[0] == line
    assert told[1].startswith(f"{path.with_name('two.toml')}:8: parameters_active, kv_heads, head_dim reach none")


def test_what_a_file_states_for_what_is_asked_for_or_a_result_of_the_model_is_not_told(load):
    text = SERVING + "bytes_per_parameter = { value = 2 }\n"
    (line,) = of_file(run(load(text), quantities=[RENT, "weight_bytes"], scenarios=64))
    assert "parameters_active" not in line
    (line,) = of_file(run(load("[run]\nquantities = ['weight_bytes']" + text), quantities=[RENT], scenarios=64))
    assert "parameters_active" not in line
    (line,) = of_file(run(load(text), quantities=[RENT], given=["weight_bytes > 1e11 [B]"], scenarios=4096))
    assert "parameters_active" not in line
    (line,) = of_file(run(load(SERVING + "peak_flops = { value = 1e15 }\n"), quantities=[RENT], scenarios=64))
    assert "parameters_active" in line  # serving_mfu alone, a share, needs it
    trained = {"training_tokens": 1e12, "mfu_end_to_end": 0.4, "peak_flops": 1e15, "training_accelerators": 1e4}
    text += "".join(f"{name} = {{ value = {value} }}\n" for name, value in trained.items())
    (line,) = of_file(run(load(text), quantities=[RENT], scenarios=64))
    assert "parameters_active" not in line  # training_days needs it
    assert "layers" in line


def test_what_cannot_be_computed_is_in_the_way_too(load):
    text = SERVING[: SERVING.index("parameters_active")] + "server_price = { value = 1e5 }\n"
    (line,) = of_file(run(load(text), quantities=[RENT], scenarios=64))
    assert f"server_price reaches {HEADLINE}: server_capex cannot be computed: there is no prior for " in line


@pytest.mark.parametrize("override", ['quantities.two.formula="a"', "quantities.two=1", "b=1"])
def test_what_overrides_put_in_the_way_is_no_fault_of_the_file(override):
    override = override.replace("quantities.two=1", "two=1")
    assert not of_file(run(load_priors(TABLES, [override]), quantities=["one"], scenarios=64))


def test_what_is_in_vain_whatever_overrides_say_is_told_of_the_file(load):
    (line,) = of_file(run(load(SERVING, "seconds_per_token=1"), quantities=[RENT], scenarios=64))
    assert "seconds_per_token is a prior of its own" in line
    assert "--set" not in line


def test_what_is_only_correlated_is_told_and_moves_no_bit(load):
    priors = load(LONE)
    result = run(priors, quantities=["one"], scenarios=64)
    (line,) = of_file(result)
    assert line == f"{priors.path}:6: lone, correlations.lone.a reach {HEADLINE}: nothing is computed from that"
    other = run(
        load(LONE.replace('lone = { dist = "normal", p5 = 1', 'lone = { dist = "normal", p5 = -7')), scenarios=64
    )
    assert other.at("mean", quantity="one") == result.at("mean", quantity="one")
    assert not of_file(run(load(LONE + 'three = { formula = "lone" }'), quantities=["one"], scenarios=64))


def test_accelerators_in_vain(load):
    text = SERVING[: SERVING.index("parameters_active")]
    assert not of_file(run(load(text), quantities=[RENT], scenarios=64))
    (line,) = of_file(run(load('accelerator = "H100"' + text), quantities=[RENT], scenarios=64))
    assert line.endswith(f".toml:1: accelerator H100 reaches {HEADLINE}: none of its figures is needed")
    (line,) = in_vain(run(load(text, 'accelerator="H100"'), quantities=["accelerators_busy"], scenarios=64))
    assert line.endswith("accelerator H100 reaches none of the quantities asked for: none of its figures is needed")
    assert not in_vain(run(load(text, 'accelerator="H100"'), quantities=[RENT], scenarios=64))
    (line,) = of_file(run(load('accelerator = "H100"\nprecision = "FP8"' + text), quantities=[RENT], scenarios=64))
    assert line.endswith(": accelerator H100, precision FP8 reach " + f"{HEADLINE}: none of its figures is needed")
    words = 'precision={weights="FP4", arithmetic="FP8"}'
    told = in_vain(run(load(text, 'accelerator="B200"', words), quantities=["accelerators_busy"], scenarios=64))
    assert "precision weights FP4, arithmetic FP8 reaches none of the quantities asked for: none of" in told[0]
    used = text.replace("cloud_price_on_demand", "# cloud_price_on_demand")
    assert not of_file(run(load('accelerator = "H100"' + used), quantities=[RENT], scenarios=64))


def test_only_what_the_file_states_itself_is_told_of_it(load):
    load(SERVING, name="other")
    told = of_file(
        run(load('extends = "other.toml"\n[priors.output_tokens]\nvalue = 9'), quantities=[RENT], scenarios=64)
    )
    assert not told
    priors = load('extends = "other.toml"\n[priors.memory_bandwidth]\nvalue = 1e12')
    (line,) = of_file(run(priors, quantities=[RENT], scenarios=64))
    assert line.startswith(f"{priors.path}:2: memory_bandwidth reaches {HEADLINE}: seconds_per_token is a prior of its")
    assert "other.toml:3)" in line


def test_what_is_for_one_of_the_choices_is_not_in_vain(load, command):
    text = LONE + CHOICES
    assert of_file(run(load(text), quantities=["one"], scenarios=64))
    text = text.replace("b + 2", "lone + 2")
    assert not of_file(run(load(text), quantities=["one"], scenarios=64))
    text += '[choices.rent.priors.lone]\ndist = "normal"\np5 = 3\np95 = 4\n'
    path = load(text).path
    asked = ("--quantities", "one", "--scenarios", 64)
    at = text.splitlines().index("[choices.rent.priors.lone]") + 1
    line = f"{path}:{at}: choice rent: lone reaches {HEADLINE}: nothing is computed from that"
    for asking in (("decide", path), ("compare", f"{path}:rent", f"{path}:buy")):
        _, _, told = command(*asking, *asked)
        assert told.count(HEADLINE) == 1, asking
        assert line in told


def test_a_formula_that_needs_it_is_not_in_the_way(load):
    text = SERVING + '[quantities.racks]\nformula = "10 / servers_per_rack"\n'
    (line,) = in_vain(run(load(text, "servers_per_rack=7"), quantities=["accelerators_busy"], scenarios=64))
    assert line.endswith("ask for racks")


def test_of_a_file_that_needs_its_overrides_nothing_is_told(load):
    text = LONE.replace('lone = { dist = "normal", p5 = 1, p95 = 2 }', 'lone = { dist = "normal", p5 = 1 }')
    assert not of_file(run(load(text, "lone.p95=2"), quantities=["one"], scenarios=64))
