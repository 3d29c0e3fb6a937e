"""Pictures in the house's style alone: no backend, none of the user's settings, fonts that have the characters."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import matplotlib as mpl
import pytest
from synthetic import run_result

import simulate
from simulate.plotting import fitting
from simulate.plotting.heads import HIGHEST
from simulate.questions import QUESTIONS
from simulate.results import folder as folders
from simulate.style import PictureWarning, lend_fonts, own_style

SETTINGS = "text.usetex: True\nfont.family: serif\nlines.linewidth: 9\naxes.facecolor: red\nsavefig.dpi: 30\n"
FILE = 'model = "none"\n[run]\nscenarios = 1024\n[priors]\nx = {dist = "uniform", lower = 1, upper = 2}\n'


def drawn(label="A", names="a"):
    """The picture of a run of quantities with a label."""
    return QUESTIONS["run"].plots(run_result(dict.fromkeys(names, (label, "1", 1.0, 1.0))))["bands"]


def test_settings_and_backend_of_the_user_change_no_picture(tmp_path):
    (tmp_path / "a.toml").write_text(f'{FILE}[quantities]\ny = {{formula = "x"}}\n', encoding="utf-8")
    (tmp_path / "matplotlibrc").write_text(SETTINGS, encoding="utf-8")
    pictures = []
    for own, cwd in (({}, tmp_path / "elsewhere"), ({"MPLBACKEND": "nonsense"}, tmp_path)):
        cwd.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "simulate", "run", str(tmp_path / "a.toml"), "--out", str(cwd / "out")]
        environment = {**os.environ, "PYTHONPATH": os.getcwd(), **own}  # noqa: PTH109
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=True)
        assert done.stderr.count("\n") == 1
        pictures.append([(cwd / "out" / f"bands.{kind}").read_bytes() for kind in ("png", "svg")])
    assert pictures[0] == pictures[1]


def test_the_settings_of_the_user_stay_theirs():
    with mpl.rc_context({"lines.linewidth": 9.0, "font.size": 3.0}):
        before = dict(mpl.rcParams)
        with own_style():
            assert mpl.rcParams["lines.linewidth"] == mpl.rcParamsDefault["lines.linewidth"]
        drawn()
        assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("backend", ["svg", "nonsense"])
def test_the_backend_of_a_script_stays_the_users(backend):
    code = (
        "import os, simulate.style\nwith simulate.style.own_style(): pass\nimport matplotlib\n"
        "print(os.environ['MPLBACKEND'], matplotlib.get_backend())"
    )
    environment = {**os.environ, "MPLBACKEND": backend}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    told, used = done.stdout.split()
    assert told == backend
    assert used == "svg" or backend == "nonsense"


def families(figure, label):
    return next(text.get_fontfamily() for text in figure.findobj(mpl.text.Text) if label in text.get_text())


def test_a_font_that_has_a_character_is_lent_to_the_texts_that_need_it():
    """DejaVu Sans has no U+29C9, two joined squares; STIXGeneral, which comes with matplotlib too, has."""
    figure = drawn("joined ⧉")
    assert families(figure, "joined") == ["sans-serif", "STIXGeneral"]
    assert families(figure, "A synthetic run") == ["sans-serif"]
    for label, weight in (("joined ⧉", "normal"), ("plain", "bold")):  # STIXGeneral's bold face does not have it
        assert next(t for t in drawn(label).texts if label in t.get_text()).get_fontweight() == weight
    assert families(drawn("plain"), "plain") == ["sans-serif"]


@pytest.mark.parametrize("label", ["ꀀꀁ", "ꀀ and ꀁ"])
def test_of_characters_that_no_font_has_one_line_is_told(label):
    with pytest.warns(PictureWarning) as told:
        figure = drawn(label, "ab")
    (line,) = told
    assert str(line.message) == (
        "pictures: no font of this machine has ꀀꀁ; boxes stand there, install a font that has them"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folders.pictures("bands", figure)


def test_the_line_of_a_picture_is_told_beside_it(command, tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(f'{FILE}[quantities]\ny = {{formula = "x", label = "ꀀ"}}\n', encoding="utf-8")
    code, _, err = command("run", path)
    assert (code, err) == (
        0,
        "warning: pictures: no font of this machine has ꀀ; boxes stand there, install a font that has them\n",
    )
    assert command("run", path, "--no-pictures")[2] == ""


def test_control_characters_need_no_font():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lend_fonts([drawn("a\nb")], "a\nb")


def test_so_many_panels_as_fit_are_drawn_and_the_others_told():
    assert fitting(["a", "b"], [1.0, 1.0]) == ["a", "b"]
    with pytest.warns(PictureWarning, match="pictures show the first 2 of 3 quantities; name those that matter"):
        assert fitting(["a", "b", "c"], [HIGHEST / 2] * 3) == ["a", "b"]
    with pytest.warns(PictureWarning, match="first 1 of 2 alternatives"):
        assert fitting(["a", "b"], [HIGHEST * 2] * 2, "alternatives") == ["a"]


@pytest.mark.parametrize(
    "question", ["run", *(pytest.param(each, marks=pytest.mark.long) for each in ("tornado", "compare"))]
)
def test_a_picture_of_many_quantities_has_a_limit(question, command, tmp_path):
    text = "".join(f'q{number} = {{formula = "{number} + x"}}\n' for number in range(60))
    path = tmp_path / "many.toml"
    path.write_text(f"{FILE}[quantities]\n{text}", encoding="utf-8")
    varied = ["--vary", "x=1,2", "--bridge", "50"] if question == "compare" else []
    code, _, err = command(question, path, *varied)
    assert code == 0
    assert err.startswith("warning: pictures show the first 2")
    heights = {
        line.split('height="')[1].split("pt")[0]
        for picture in (tmp_path / "out").glob("*.svg")
        for line in picture.read_text(encoding="utf-8").splitlines()
        if line.startswith("<svg")
    }
    assert all(float(height) < 72 * (HIGHEST + 2) for height in heights)


def test_a_picture_that_is_too_high_for_its_points_has_fewer_of_them():
    from simulate.plotting import new_figure

    assert folders.pictures("high", new_figure(0.2, 700))["high.png"]


def test_pictures_from_python_are_of_the_house_too():
    bands = simulate.run(f'{FILE}[quantities]\ny = {{formula = "x"}}\n')
    with mpl.rc_context({"axes.facecolor": "red", "text.usetex": True}):
        figure = simulate.plot(bands)["bands"]
    assert not any(text.get_usetex() for text in figure.findobj(mpl.text.Text))
    assert figure.axes[0].get_facecolor() == (1, 1, 1, 1)
