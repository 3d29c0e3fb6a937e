"""What stands behind priors: where they are stated, what is implausible, lacking or too old, what to research next."""

from __future__ import annotations

import json
import math
import re

import pytest

from simulate import model
from simulate.evidence import MOST, lapses, origins, sought
from simulate.priors import load_priors, shipped

DAY, BEFORE = "2026-11-28", "2026-11-27"
MINE = """
extends = "base"
accelerator = "H100 SXM5"
[run]
quantities = ["capex"]
[priors.seconds_per_token]
value = 8
unit = "ms/token"
source = "measured"
[priors.training_context]
value = 4096
source = "the model's card"
expires = "2026-11-28"
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return load_priors(path, ["pue=1.2"])


def test_each_prior_tells_where_it_is_stated_and_whether_it_is_used(mine):
    found = origins(mine)
    assert found["seconds_per_token"] == ("replaced", False)
    assert found["training_context"] == ("own", True)
    assert found["visitors_per_day"] == ("inherited", False)
    assert found["training_tokens"] == ("inherited", True)
    assert found["pue"] == ("set", True)
    assert found["peak_flops"].where == "catalog"
    assert {each.where for each in origins(load_priors("base")).values()} == {"own"}
    assert "model" in {each.where for each in origins(load_priors("deepseek-v3")).values()}


@pytest.mark.parametrize("day", [BEFORE, DAY])
def test_what_lacks_a_source_or_is_too_old_fails_where_it_is_strict(mine, day, tmp_path):
    """On the day that is stated it is too old. What is set on the command line is the asker's own."""
    expired = [f"{mine.path}:10: priors.training_context: the source of training_context expired on 2026-11-28; "]
    told = [str(each) for each in lapses(mine, day)]
    assert [line.partition("look")[0] for line in told] == (expired if day == DAY else [])
    path = tmp_path / "bare.toml"
    path.write_text(
        MINE.replace('source = "measured"\n', "") + '[[published]]\nquantity = "capex"\nvalue = 1e9\n', encoding="utf-8"
    )
    assert [each.key for each in lapses(load_priors(path), BEFORE)] == ["priors.seconds_per_token", "published"]


def test_every_figure_of_the_shipped_files_has_a_source():
    for path in shipped().values():
        assert not lapses(load_priors(path), DAY), path


def test_a_day_that_is_none_is_refused_at_every_door(command, tmp_path):
    wrong = 'must be a date such as "2027-06-30", not "soon"\n'
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace("2026-11-28", "soon"))
    assert command("check", path)[::2] == (2, f"{path}:13: priors.training_context.expires: {wrong}")
    code, _, err = command("check", "base", "--set", 'pue={expires="soon"}')
    assert (code, err.endswith(f"priors.pue.expires: {wrong}")) == (2, True)


def test_check_is_strict_where_it_is_asked_to_be(command, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace('source = "measured"\n', ""))
    assert command("check", path)[0] == 0
    assert "Warning: the source of training_context expired on 2026-11-28" in command("check", path)[1]
    for files in ([path], [path, "base"]):
        code, _, err = command("check", *files, "--strict")
        assert (code, err.splitlines()[0]) == (
            2,
            f"{path}:6: priors.seconds_per_token: states no source; add source = ...",
        )
    assert command("check", "base", "--strict")[0] == 0


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("discount_rate=8", "discount_rate: 8 1/year is more than the 0.5 1/year that is plausible"),
        ('discount_rate={value=8,unit="%/year"}', ""),
        ('pue={dist="uniform",lower=1,upper=1.05}', "pue: P5 1.00 is less than the 1.02 that is plausible"),
        ('pue={dist="uniform",lower=1.02,upper=9}', "pue: P95 8.60 is more than the 3 that is plausible"),
        ('pue={value=1,note="cooling is another bill"}', ""),
        ('server_price={value=25,unit="USD"}', "server_price: 25 USD is less than the 1,000 USD that is plausible"),
        ('server_price={value=250,unit="kUSD"}', ""),
        ("facility_price=0", ""),
    ],
)
def test_what_is_not_plausible_is_told_with_its_mend(override, told):
    warnings = load_priors("base", [override]).warnings
    found = [part for text in warnings.values() for part in re.split("(?<=fall idle); ", text) if "plausible" in part]
    assert found == ([f"{told}; mend it or its unit, or say why in a note"] if told else [])


def test_what_is_plausible_is_possible():
    bounded = 0
    for each in model.quantities("llm_cost").values():
        low, high = each.plausible
        if (low, high) != (-math.inf, math.inf):
            assert each.lower <= low < high <= each.upper
            bounded += 1
    assert bounded > 30


def test_what_to_research_next_is_the_share_of_variance_times_the_weakness_of_evidence(command):
    """Of the sum of three normals with variances 4, 4 and 1 the shares are 4/9, 4/9 and 1/9."""
    text = """
    model = "none"
    [priors]
    guessed = {dist = "normal", mean = 0, sd = 2, evidence = "judgement", source = "us"}
    known = {dist = "normal", mean = 0, sd = 2, evidence = "sourced", source = "them"}
    old = {dist = "normal", mean = 0, sd = 1, evidence = "sourced", source = "them", expires = "2020-01-01"}
    still = {value = 3}
    [quantities]
    sum = {formula = "guessed + known + old + still"}
    """
    told = sought(load_priors(text), DAY)
    assert [each.prior.name for each in told] == ["guessed", "known", "old"]
    for each, (share, weight) in zip(told, ((4 / 9, 4 / 9), (4 / 9, 4 / 27), (1 / 9, 1 / 9)), strict=True):
        assert abs(each.share - share) < 6 * each.error + 1e-12  # false alarms in 2e-9, by a normal error
        assert each.weight == pytest.approx(each.share * weight / share)
    code, out, _ = command("check", "base", "--research", "--format", "json")
    found = json.loads(out)["result"]["research"]
    assert (code, found[0]["prior"]) == (0, "seconds_per_token")
    assert len(found) == MOST
    assert "What to research next" in command("check", "base", "--research")[1]
    assert command("check", "base", "gpt-3", "--research")[::2] == (2, "--research: is of one file; name one\n")
