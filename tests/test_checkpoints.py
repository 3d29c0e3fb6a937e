"""Long runs: what they save at intervals, and that a run that goes on from there gives the bits of one undisturbed."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from random import Random

import numpy as np
import pytest

from simulate import plain
from simulate.checkpoints import NAME, Checkpoint
from simulate.errors import SimulateError
from simulate.folding import fold_replicates
from simulate.priors import load_priors
from simulate.replicates import Workers
from simulate.runs import run
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import Drawing, Piece
from simulate.statistics import usual

TEXT = """
model = "none"
[priors]
a = {dist = "lognormal", p5 = 1, p95 = 5, unit = "1"}
b = {dist = "choice", values = [1, 2, 3], unit = "1"}
[quantities]
c = {formula = "a * b", unit = "1"}
d = {formula = "log(a - 1.2)", unit = "1"}
e = {formula = "b + 0", unit = "1"}
"""
CONDITIONS = {
    "probability": ["c > 3", "d > 0"],
    "statistics": ["shortest 95", "expected_shortfall 95"],
    "given": ["c < P90", "a > 0.5"],
    "observe": ["a = 2 +- 1"],
    "fail_if": ["P95(c) > 8", "P(c > P50) > 10%"],
}
ASKED = {
    "plain": {"scenarios": 2**17},
    "conditions": {"scenarios": 2**17, **CONDITIONS},
    "precision": {"precision": "c:p50=0.2%", "scenarios": 2**14},
}


class BrokenError(Exception):
    """What ends a run in the middle."""


def told(asked, *, checkpoint=None, until=None):
    """The result of a run, and the progress that was told; `until` so many steps are done."""
    steps = []

    def progress(*step):
        steps.append(step)
        if len(steps) == until:
            raise BrokenError

    try:
        result = run(load_priors(TEXT), quantities="all", workers=1, progress=progress, checkpoint=checkpoint, **asked)
    except BrokenError:
        result = None
    return result, steps


def assert_same(one, other):
    """Two results have the same bits, and say the same."""
    assert (one.attributes, one.provenance) == (other.attributes, other.provenance)
    for group in ("coordinates", "variables"):
        ours, theirs = getattr(one, group), getattr(other, group)
        assert ours.keys() == theirs.keys()
        for name, variable in ours.items():
            values, others = variable.values, theirs[name].values
            assert (
                values.tolist() == others.tolist() if values.dtype == object else values.tobytes() == others.tobytes()
            )


@pytest.mark.parametrize("asked", ASKED)
def test_a_run_that_goes_on_has_the_bits_of_one_undisturbed(tmp_path, asked):
    """Broken off twice, at any step; the progress begins where it stands."""
    undisturbed, steps = told(ASKED[asked])
    for until in Random(asked).choices(range(2, len(steps) // 2), k=2):
        checkpoint = Checkpoint(tmp_path, resume=(tmp_path / NAME).exists(), interval=0.0)
        assert told(ASKED[asked], checkpoint=checkpoint, until=until)[0] is None
    result, left = told(ASKED[asked], checkpoint=Checkpoint(tmp_path, resume=True, interval=0.0))
    assert_same(result, undisturbed)
    assert len(left) < len(steps)
    assert left == steps[-len(left) :]


class Cut:
    """Scenarios whose replicates are worked off in many pieces, as those of long runs are."""

    def __init__(self, drawn):
        self._drawn = drawn

    def pieces(self, _=0):
        return [Piece(number, range(at, at + 1)) for number in range(REPLICATES) for at in range(self._drawn.chunks)]

    def __getattr__(self, name):
        return getattr(self._drawn, name)


@dataclass
class Told:
    """What is told of replicates."""

    replicates: list


def folded(checkpoint=None, until=None, size=2**10, cut=Cut):
    """What is told of the replicates of scenarios, as far as it comes until so many steps are done."""
    priors, percents = load_priors(TEXT), (5.0, 50.0, 95.0)
    drawn = cut(Drawing({"": priors}, priors.run).scenarios("", ["c"], count=2**17, largest=size))
    found, done = Told([]), count(1)

    def work(gathering, piece, ticks):
        for block in drawn.blocks(piece, ticks):
            gathering.add("c", block.columns["c"], block.size)
        return [piece.chunks.start]

    def take(parts, own):
        summary = parts["c"].summary
        found.replicates.append([own, summary.mean, summary.sd, summary.percentiles(percents).tolist()])

    def progress(*_):
        if next(done) == until:
            raise BrokenError

    if checkpoint:
        checkpoint.begin(2**17)
    workers = Workers("serial", 1, progress, checkpoint=checkpoint)
    told_of = {"keys": ["c"], "statistics": usual(percents), "join": list.extend, "state": found}
    with suppress(BrokenError):
        fold_replicates(work, drawn, take, workers=workers, **told_of)
    return found.replicates


@pytest.fixture(scope="module")
def undisturbed():
    """What is told of all replicates."""
    return folded()


@pytest.mark.parametrize("pieces", [5, 8, 127])
def test_a_replicate_goes_on_after_any_of_its_pieces(tmp_path, undisturbed, pieces):
    assert [own for own, *_ in undisturbed] == [[*range(8)]] * REPLICATES
    begun = folded(Checkpoint(tmp_path, resume=False, interval=0.0), until=pieces)
    assert begun == undisturbed[: (pieces - 1) // 8]
    assert folded(Checkpoint(tmp_path, resume=True, interval=1000.0)) == undisturbed


@pytest.mark.parametrize("pieces", [2, 8])
def test_a_replicate_in_pieces_has_the_statistics_of_one_in_one_piece(pieces):
    """Moments but for the order of their sums, each of which rounds 2^13 times at most."""
    size = 2**13 // pieces
    joined, whole = (folded(size=size, cut=cut) for cut in (Cut, lambda drawn: drawn))
    assert [own for own, *_ in joined] == [[*range(pieces)]] * REPLICATES
    assert [own for own, *_ in whole] == [[0]] * REPLICATES
    for (_, *moments, percentiles), (_, *expected, exact) in zip(joined, whole, strict=True):
        assert percentiles == exact
        assert moments == pytest.approx(expected, rel=2**13 * 2.0**-53)


def broken(folder, asked="plain", **other):
    """A checkpoint of a run that was broken off."""
    asked = {**ASKED[asked], **other}
    assert told(asked, checkpoint=Checkpoint(folder, resume=False, interval=0.0), until=10)[0] is None
    return folder / NAME


OTHER = {
    "seed": {"seed": 5},
    "scenarios": {"scenarios": 2**18},
    "given": {"given": ["c < 9"]},
    "percentiles": {"percentiles": [5, 50]},
    "priors": {},
    "quantities": {},
}


@pytest.mark.parametrize("what", OTHER)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, what):
    path = broken(tmp_path)
    asked = {**ASKED["plain"], "quantities": "all", **OTHER[what]}
    if what == "quantities":
        asked["quantities"] = "c,e"
    priors = load_priors(TEXT, ["a = {dist = 'uniform', lower = 1, upper = 2}"] if what == "priors" else [])
    with pytest.raises(SimulateError) as caught:
        run(priors, checkpoint=Checkpoint(tmp_path, resume=True, interval=0.0), **asked)
    mend = "leave out --resume, and the run starts anew"
    assert str(caught.value) == f"{path}: is of another run, by its {what}; {mend}"


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    path = broken(tmp_path)
    of, number, folds = plain.restored(path.read_bytes())
    path.write_bytes(plain.stored(({**of, "version": "0.0"}, number, folds)))
    with pytest.raises(SimulateError, match="is of another run, by its version;"):
        told(ASKED["plain"], checkpoint=Checkpoint(tmp_path, resume=True, interval=0.0))


@pytest.mark.parametrize(
    "seeds", [range(30), pytest.param(range(30, 2030), marks=pytest.mark.long)], ids=["few", "2,000"]
)
def test_a_damaged_checkpoint_is_refused_in_a_line_or_does_no_harm(tmp_path, seeds):
    """A bit may be flipped where nothing depends on it, in the date of a file in the archive."""
    asked = {"scenarios": 2**12}
    undisturbed, _ = told(asked)
    whole = broken(tmp_path, scenarios=2**12).read_bytes()
    path, refused = tmp_path / NAME, 0
    for seed in seeds:
        chance, content = Random(seed), bytearray(whole)
        if seed % 3:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        else:
            del content[chance.randrange(len(content)) :]
        path.write_bytes(content)
        result, line = None, ""
        try:
            result, _ = told(asked, checkpoint=Checkpoint(tmp_path, resume=True, interval=0.0))
        except SimulateError as error:
            line = str(error)
        if result is None:
            assert line.startswith(f"{path}: is ")
            assert "\n" not in line
            refused += 1
        else:
            assert_same(result, undisturbed)
    assert refused > len(seeds) / 2


class Harmful:
    """What runs code when it is read by pickle."""

    def __reduce__(self):
        return os.mkdir, ("harm",)


def test_reading_a_checkpoint_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    harmful = np.array([Harmful()], object)
    with pytest.raises(TypeError, match="is not storable"):
        plain.stored(harmful)
    with pytest.raises(TypeError, match="Harmful is not storable"):
        plain.stored(Harmful())
    for other in (5, "abc", [1, 2, 3], {"a": 1}):
        (tmp_path / NAME).write_bytes(plain.stored(other))
        with pytest.raises(SimulateError, match="is damaged, or no checkpoint"):
            Checkpoint(tmp_path, resume=True, interval=0.0)
    np.savez(tmp_path / NAME, allow_pickle=True, text=harmful)
    with pytest.raises(SimulateError, match="is damaged, or no checkpoint"):
        Checkpoint(tmp_path, resume=True, interval=0.0)
    assert not (tmp_path / "harm").exists()


def test_checkpoints_are_as_rare_as_asked(tmp_path):
    checkpoint = Checkpoint(tmp_path, resume=False, interval=1000.0)
    result, _ = told(ASKED["plain"], checkpoint=checkpoint)
    assert result is not None
    assert [*tmp_path.iterdir()] == []


def test_a_checkpoint_is_written_beside_and_moved(tmp_path):
    """Nothing else is left in the folder, which is made where it is not there."""
    folder = tmp_path / "new" / "out"
    broken(folder)
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_a_checkpoint_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SimulateError, match=rf"{NAME}: cannot be written: "):
        told(ASKED["plain"], checkpoint=Checkpoint(tmp_path / "file", resume=False, interval=0.0))


def test_a_run_without_a_checkpoint_starts_anew_and_says_so(command, tmp_path):
    (tmp_path / "small.toml").write_text(TEXT)
    ask = ("run", tmp_path / "small.toml", "--scenarios", 1024, "--quantities", "e", "--format", "csv")
    code, out, err = command(*ask, "--resume")
    line = f"{tmp_path / 'out' / NAME}: is not there, and the run starts anew\n"
    assert (code, err) == (0, line)
    assert out == command(*ask)[1]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"result.nc", "percentiles.csv"}


def test_a_run_that_leaves_a_checkpoint_says_so_and_replaces_it(command, tmp_path):
    (tmp_path / "small.toml").write_text(TEXT)
    path = broken(tmp_path / "out")
    ask = ("run", tmp_path / "small.toml", "--scenarios", 1024, "--quantities", "e", "--format", "csv")
    code, _, err = command(*ask)
    assert (code, err) == (0, f"{path}: is of a run that was broken off; --resume goes on with it\n")
    assert not path.exists()
    assert command(*ask)[2] == ""


@pytest.mark.parametrize("seconds", ["x", "-1", "nan"])
def test_what_is_no_interval_is_refused(command, monkeypatch, tmp_path, seconds):
    monkeypatch.setenv("SIMULATE_CHECKPOINT_SECONDS", seconds)
    (tmp_path / "small.toml").write_text(TEXT)
    code, _, err = command("run", tmp_path / "small.toml", "--scenarios", 1024)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("SIMULATE_CHECKPOINT_SECONDS: must be ")


@pytest.mark.long
def test_replicates_of_several_pieces_go_on_in_the_middle(tmp_path):
    asked = {"scenarios": 2**25, **CONDITIONS}
    undisturbed, steps = told(asked)
    for until in (len(steps) // 3, len(steps) // 2):
        checkpoint = Checkpoint(tmp_path, resume=(tmp_path / NAME).exists(), interval=0.0)
        assert told(asked, checkpoint=checkpoint, until=until)[0] is None
    result, left = told(asked, checkpoint=Checkpoint(tmp_path, resume=True, interval=0.0))
    assert len(left) < len(steps) / 2
    assert_same(result, undisturbed)
