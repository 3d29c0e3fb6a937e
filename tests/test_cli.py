from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray

import simulate as package
from simulate.cli.commands import COMMANDS
from simulate.cli.options import HEADINGS
from simulate.formats import FORMATS
from simulate.settings import RunTable

BASE = "priors/base.toml"
CONSTANTS = "priors/guosheng-2023.toml"
QUICK = ("--scenarios", "16384")


def test_run_writes_four_files_and_prints_a_table(command, tmp_path):
    code, out, err = command("run", BASE, *QUICK)
    assert (code, err) == (0, "")
    assert "Capex" in out
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"result.nc", "percentiles.csv", "bands.png", "bands.svg"}
    with xarray.open_dataset(tmp_path / "out" / "result.nc", engine="h5netcdf") as dataset:
        assert dataset["percentiles"].dims == ("quantity", "percentile")
        assert "server_capex" in dataset["quantity"]


def test_what_was_written_is_told_on_stderr(tmp_path):
    command = [sys.executable, "-m", "simulate", "run", "guosheng-2023", *QUICK, "--format", "csv"]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == f"Wrote {tmp_path / 'out'}/: percentiles.csv, result.nc"


def test_the_shortest_interval_is_told_in_every_format(command):
    asked = ("run", BASE, *QUICK, "--quantities", "capex", "--interval", "shortest", "95")
    code, out, err = command(*asked, "--no-pictures")
    assert (code, err) == (0, "")
    assert "shortest 95 %" in out
    code, out, _ = command(*asked, "--format", "json")
    shortest = json.loads(out)["result"]["quantities"]["capex"]["shortest"]
    assert shortest["value"]["lower"] < shortest["value"]["upper"]
    assert all(error > 0 for error in shortest["standard_error"].values())
    code, out, _ = command(*asked, "--format", "csv")
    rows = {row["end"]: row for row in csv.DictReader(io.StringIO(out)) if row["figure"] == "shortest"}
    assert {end: float(row["value"]) for end, row in rows.items()} == shortest["value"]
    assert {end: float(row["standard_error"]) for end, row in rows.items()} == shortest["standard_error"]
    code, out, _ = command(*asked[:-3], "--statistic", "shortest 95", "--format", "json")
    assert json.loads(out)["result"]["quantities"]["capex"]["shortest"] == shortest


@pytest.mark.parametrize(
    ("interval", "message"),
    [
        (("shortest", "100"), "'shortest 100': 100 is not between 0 and 100 %"),
        (("widest", "95"), "there is no statistic 'widest'; choose one of expected_shortfall, shortest"),
    ],
)
def test_an_interval_that_is_none_is_refused(command, interval, message):
    code, out, err = command("run", BASE, "--interval", *interval)
    assert (code, out) == (2, "")
    assert message in err


def test_results_go_to_the_folder_named_after_the_priors_file(command, tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text(
        'model = "none"\n[priors]\na = {dist = "normal", mean = 1, sd = 1}\nc = {dist = "normal", mean = 2, sd = 1}\n'
        '[quantities.b]\nformula = "a + c"\n'
    )
    monkeypatch.chdir(tmp_path)
    code, _, err = command("run", "mine.toml", *QUICK, "--format", "json", "--save", out=False)
    assert (code, err) == (0, "")
    files = {path.name for path in (tmp_path / "outputs" / "mine").iterdir()}
    assert files == {"result.nc", "percentiles.csv"}


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ((), True),
        (("--format", "markdown"), True),
        (("--no-save",), False),
        (("--format", "json"), False),
        (("--format", "csv"), False),
        (("--format", "github"), False),
        (("--format", "csv", "--save"), True),
        (("--format", "json", "--pictures"), True),
        (("--format", "json", "--save-draws"), True),
        (("--format", "json", "--out", "outputs"), True),
    ],
)
def test_files_are_written_for_people_and_for_scripts_that_ask(command, tmp_path, monkeypatch, options, written):
    text = 'model = "none"\n[priors]\na = {value = 1}\n[quantities.b]\nformula = "2 * a"\n'
    (tmp_path / "mine.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    code, out, _ = command("run", "mine.toml", "--scenarios", "16", *options, out=False)
    assert (code, bool(out)) == (0, True)
    assert (tmp_path / "outputs").exists() == written


@pytest.mark.parametrize("asking", [("--out", "x"), ("--pictures",), ("--save-draws",)])
def test_files_that_are_asked_for_and_refused_are_a_mistake(command, asking):
    told = command("run", CONSTANTS, "--no-save", *asking, out=False)
    assert told == (2, "", "--no-save: another option asks for files; leave out one of the two\n")


def test_json_is_the_same_twice_and_for_any_backend(command):
    told = [
        command("run", BASE, *QUICK, "--seed", "5", "--format", "json", *more)
        for more in (
            (),
            (),
            *(("--backend", each, "--workers", "2") for each in ("serial", "threads", "forks", "processes")),
        )
    ]
    assert len({out for _, out, _ in told}) == 1
    whole = json.loads(told[0][1])
    assert whole["settings"]["seed"] == 5
    assert list(whole["result"]["quantities"]) == list(package_headline())


def package_headline():
    from simulate.model import HEADLINE

    return HEADLINE


def test_constants_file_gives_the_published_figures(command):
    code, out, err = command("run", CONSTANTS, "--format", "json", "--quantities", "all", *QUICK)
    assert code == 0
    assert "not computed for want of priors" in err
    quantities = json.loads(out)["result"]["quantities"]
    for name, value, digits in (
        ("accelerators", 30_381.9, 1),
        ("servers", 3_798, 0),
        ("racks", 542, 0),
        ("capex", 758.8e6, -5),
        ("energy_per_day", 591_864, 0),
        ("electricity_cost_per_day", 47_349, 0),
        ("training_cost", 1.398e6, -3),
    ):
        assert {round(each, digits) for each in quantities[name]["percentiles"]["value"].values()} == {value}
        assert quantities[name]["sd"]["value"] == 0


def test_options_reach_the_run(command):
    code, out, _ = command(
        *("run", BASE, *QUICK, "--format", "json", "--scheme", "random", "--percentiles", "2.5,50"),
        *("--quantities", "pue,capex", "--set", "pue=1.25"),
    )
    told = json.loads(out)
    assert code == 0
    assert told["settings"]["scheme"] == "random"
    assert list(told["result"]["quantities"]) == ["pue", "capex"]
    assert told["result"]["quantities"]["pue"]["percentiles"]["value"] == {"2.5": 1.25, "50": 1.25}


def test_csv_is_the_file_that_is_written(command, tmp_path):
    code, out, _ = command("run", BASE, *QUICK, "--format", "csv", "--pictures")
    assert code == 0
    assert (tmp_path / "out" / "percentiles.csv").read_text() == out
    assert (tmp_path / "out" / "bands.svg").exists()


def test_saved_draws_are_the_scenarios_kept(command, tmp_path):
    pytest.importorskip("zarr")
    asked = ("--scenarios", "16384", "--given", "capex < 5e8", "--observe", "pue = 1.2 +- 0.1")
    assert command("run", BASE, *asked, "--format", "json", "--save-draws")[0] == 0
    draws = xarray.open_zarr(tmp_path / "out" / "draws.zarr", chunks=None)
    bands = xarray.load_dataset(tmp_path / "out" / "result.nc", engine="h5netcdf")
    assert draws["value"].sel(quantity="capex").max() < 5e8
    mean = draws["value"].sel(quantity="capex").weighted(draws["weight"]).mean()
    assert float(mean) == pytest.approx(float(bands["mean"].sel(quantity="capex")), rel=1e-9)


def test_saved_draws_are_those_of_the_run_that_reached_the_precision(command, tmp_path):
    pytest.importorskip("zarr")
    asked = ("--quantities", "capex", "--scenarios", "1024", "--precision", "capex:p50=3%")
    assert command("run", BASE, *asked, "--format", "json", "--save-draws")[0] == 0
    draws = xarray.open_zarr(tmp_path / "out" / "draws.zarr", chunks=None)
    bands = xarray.load_dataset(tmp_path / "out" / "result.nc", engine="h5netcdf")
    assert draws.sizes["scenario"] == bands.attrs["scenarios"] > 1024
    mean = float(draws["value"].sel(quantity="capex").mean())
    assert mean == pytest.approx(float(bands["mean"].sel(quantity="capex")), rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("run", "none.toml"), "none.toml"),
        (("run", BASE, "--quantities", "capx"), "did you mean capex?"),
        (("run", BASE, "--quantities", "prefill_seconds"), "cannot be computed"),
        (("run", BASE, "--percentiles", "0"), "percentiles: must be greater than 0, not 0.0"),
        (("run", BASE, "--percentiles", "5,x"), "'x' is no number"),
        (("run", BASE, "--percentiles", ""), "percentiles: is empty; write for instance '5,50,95'"),
        (("tornado", BASE, "--quantities", ""), "--quantities '': is empty; write for instance "),
        (("run", BASE, "--scenarios", "0"), "scenarios: must be greater than or equal to 1, not 0"),
        (("run", BASE, "--seed", str(2**64)), f"seed: must be less than 2^63, not {2**64}"),
        (("tornado", BASE, "--seed", str(2**64)), f"seed: must be less than 2^63, not {2**64}"),
        (("decide", "own-or-rent", "--seed", "-1"), "seed: must be greater than or equal to 0, not -1"),
        (("compare", BASE, BASE, "--workers", "0"), "workers: must be greater than or equal to 1, not 0"),
        (("backtest", "--seed", str(2**63)), f"seed: must be less than 2^63, not {2**63}"),
        (("decide", "own-or-rent", "--seed", str(2**64)), f"seed: must be less than 2^63, not {2**64}"),
        (("compare", BASE, BASE, "--seed", str(2**63)), f"seed: must be less than 2^63, not {2**63}"),
        (("compare", BASE, "--vary", f"run.seed=1,{2**63}"), f"run.seed: must be less than 2^63, not {2**63}"),
        *(
            ((question, BASE, "--set", f"run.seed={2**64}"), f"run.seed: must be less than 2^63, not {2**64}")
            for question in ("check", "run", "tornado", "decide")
        ),
        (("run", BASE, "--scheme", "sobl"), "there is no scheme 'sobl'; did you mean sobol?"),
        (("tornado", BASE, "--method", "swinging"), "there is no method 'swinging'; did you mean swing?"),
        (("run", BASE, "--format", "xml"), "there is no format 'xml'; choose one of"),
        (("run", BASE, "--statistic", "median"), "there is no statistic 'median'"),
        (("run", BASE, "--set", "puee=1"), "pue"),
        (("check", "none.toml"), "none.toml"),
        (("explain", "capx"), "did you mean capex?"),
    ],
)
def test_mistake_is_told_in_one_line(command, tmp_path, arguments, wanted):
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert wanted in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_written_is_told_before_the_run(command, tmp_path):
    (tmp_path / "out").write_text("")
    begin = time.monotonic()
    code, _, err = command("run", BASE, "--scenarios", "100000000")
    assert time.monotonic() - begin < 5
    assert code == 2
    assert "cannot be written" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ("", "--out '': is empty; name a folder\n"),
        (" ", "--out ' ': is empty; name a folder\n"),
        ("/dev/null/x", "/dev/null/x: the output folder cannot be written: "),
        ("x" * 300, f"{'x' * 300}: the output folder cannot be written: File name too long; "),
    ],
)
@pytest.mark.parametrize("question", [("run", BASE), ("compare", BASE, BASE), ("backtest",)])
def test_a_place_that_is_none_is_told_in_one_line(command, tmp_path, monkeypatch, question, place, wanted):
    (tmp_path / "priors").symlink_to(Path("priors").absolute())
    monkeypatch.chdir(tmp_path)
    code, out, err = command(*question, "--out", place, out=False)
    assert (code, out) == (2, "")
    assert err.startswith(wanted)
    assert err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"priors"}


def test_the_place_that_was_written_steers_no_terminal(tmp_path):
    arguments = ["run", BASE, *QUICK, "--no-pictures", "--out", str(tmp_path / "a\ab")]
    done = subprocess.run([sys.executable, "-m", "simulate", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "\a" not in done.stderr
    assert f"{tmp_path}/a\\x07b/" in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream_is_no_mistake(tmp_path, closed):
    command = (
        f"{sys.executable} -m simulate run {BASE} {' '.join(QUICK)} --format json --out {tmp_path / 'out'} {closed}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"result.nc", "percentiles.csv"}


@pytest.mark.parametrize("arguments", [("run",), ("run", BASE, "--scenarios", "many")])
def test_wrong_use_is_told_with_exit_code_2(command, arguments):
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_nonfinite_is_told_on_stderr(command, tmp_path):
    path = tmp_path / "odd.toml"
    path.write_text(
        'model = "none"\n[priors.a]\ndist = "normal"\nmean = 0\nsd = 1\n[quantities.b]\nformula = "log(a)"\n'
    )
    code, _, err = command("run", str(path), *QUICK)
    assert code == 0
    assert re.search(r"^warning: b: nan or infinite in [\d,]+ of 16,384 scenarios", err)


def test_check_and_explain_print(command):
    code, out, err = command("check", BASE)
    assert (code, err) == (0, "")
    assert "seconds_per_token" in out
    for arguments, wanted in (
        ((), "capex"),
        (("capex",), "it_capex + facility_capex"),
        (("pue", BASE), "base.toml:"),
        ((CONSTANTS,), "training_cost_palm"),
    ):
        code, out, err = command("explain", *arguments)
        assert (code, err) == (0, "")
        assert wanted in out


def test_version_and_help(command):
    for version in ("--version", "-V"):
        assert command(version) == (0, f"simulate {package.__version__}\n", "")
    code, out, _ = command("--help")
    assert code == 0
    assert command("-h")[:2] == (0, out)
    for each in COMMANDS:
        code, text, _ = command(each, "--help")
        assert code == 0
        assert command(each, "-h")[:2] == (0, text)
        assert re.search(r"Examples?:\n +simulate ", text), f"{each} has no example"
        assert text.splitlines()[2].strip() in out  # no summary is cut


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_stands_in_groups_whose_order_is_that_of_a_question(name, command):
    """Every operand is under what it works on, every option below one heading, --help at the end."""
    text = command(name, "--help")[1].partition("Examples")[2]
    headings = re.findall(r"^(\w+):$", text, re.MULTILINE)
    assert headings == [each for each in HEADINGS if each in headings]
    assert headings[-1] == "Output"
    assert text.index("--help") > text.index("\nOutput:")
    if "--set" in text:
        assert text.index("\nWhat:") < text.index("PRIORS") < text.index("--set NAME") < text.index("\nOutput:")


def test_the_help_states_the_defaults_of_a_run(command):
    text = " ".join(command("run", "--help")[1].split())
    usual = RunTable()
    for default in (
        f"{usual.scenarios:.0e}".replace("e+0", "e"),
        str(usual.seed),
        usual.scheme,
        ",".join(f"{each:g}" for each in usual.percentiles),
        "the headline",
    ):
        assert f"[default: ({default}, or as the file says)]" in text


@pytest.mark.parametrize("words", [("backtest",), ("decide", "own-or-rent", "--scenarios", "4096"), ("run", BASE)])
@pytest.mark.parametrize("width", [40, 60, 90])
def test_no_terminal_is_too_narrow_for_a_unit(words, width, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    assert "unit" in command(*words, "--no-pictures")[1]


def test_what_is_suggested_is_the_nearest_of_all_names(command):
    err = command("check", BASE, "--set", "sever_price=1")[2]
    assert err.endswith("did you mean server_price?\n")


PICTURES = {"xarray", "pandas", "matplotlib", "PIL", "rich", "h5netcdf", "pint", "numpy.f2py", "numpy.ma"}
SMALL = """model = "none"
[run]
scenarios = 1e4
[priors]
a = { dist = "lognormal", p5 = 1, p95 = 9 }
b = { dist = "beta", p5 = 0.2, p95 = 0.7 }
[quantities]
y = { formula = "a * b" }
"""


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], {*PICTURES, "numpy", "scipy", "h5py", "pydantic"}),
        (["explain", "capex"], {*PICTURES, "scipy", "h5py", "pydantic", "simulate.priors", "simulate.settings"}),
        (["check", "mine.toml"], {*PICTURES, "h5py", "tree_sitter"}),
        (["run", "mine.toml", "--no-pictures", "--save"], {*PICTURES, "tree_sitter"}),
        (["run", "mine.toml", "--no-pictures", "--save", "--seed", "5"], {*PICTURES, "tree_sitter"}),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_commands_import_what_they_need(tmp_path, words, heavy):
    (tmp_path / "mine.toml").write_text(SMALL)
    code = (
        f"import sys\nfrom simulate.cli import main\nsys.argv = ['simulate', *{words}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    code = end.code\n"
        f"sys.exit(code or ', '.join({heavy} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def completed(command, monkeypatch):
    """What bash is offered for the last of the words."""

    def offered(words, cwd=Path.cwd()):  # noqa: B008
        asked = {"_SIMULATE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        for name, value in asked.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(cwd)
        code, out, err = command("", out=False)
        assert (code, err) == (0, "")
        return out.split()

    return offered


def test_a_shell_completes_commands_names_and_paths(completed, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "my.toml").write_text('extends = "base"\n[quantities.capex_per_day]\nformula = "capex / 365 [day]"\n')
    (own / "notes.txt").touch()
    assert completed("simulate co") == ["compare"]
    assert completed("simulate run ba", tmp_path) == ["base"]
    assert completed("simulate run o", tmp_path) == ["own-cost-2026", "own-or-rent", "own/my.toml"]
    assert completed("simulate compare base own/", tmp_path) == ["own/my.toml"]
    assert completed("simulate run own/my.toml --quantities opex,capex_p", tmp_path) == ["opex,capex_per_day"]
    assert completed("simulate run nosuch.toml --quantities capex_p", tmp_path) == []
    assert completed("simulate run base --set pu", tmp_path) == ["pue="]
    assert completed("simulate run base --set pue=", tmp_path)[:1] == ['pue={dist="constant",']
    assert completed("simulate run base --set prec", tmp_path) == ["precision=", "precision_efficiency="]
    assert completed("simulate run base --set accel", tmp_path)[:1] == ["accelerator="]
    assert completed("simulate explain peak_t", tmp_path) == ["peak_to_average"]
    assert completed("simulate explain logn", tmp_path) == ["lognormal"]
    assert completed("simulate run base --format ") == list(FORMATS)
    assert completed("simulate run base --scheme s") == ["sobol"]
    assert completed("simulate run base --statistic e") == ["expected_shortfall"]
    assert completed("simulate tornado base --method s") == ["shapley", "sobol", "swing"]
    assert completed("simulate compare base --scale l") == ["linear", "log"]


def test_the_script_of_completion_names_the_command():
    for shell in ("bash", "zsh", "fish"):
        command = [sys.executable, "-m", "simulate"]
        asked = os.environ | {"_SIMULATE_COMPLETE": f"source_{shell}"}
        done = subprocess.run(command, env=asked, capture_output=True, text=True, check=True)
        assert f"_SIMULATE_COMPLETE=complete_{shell}" in done.stdout
        assert re.search(r"\bsimulate\b", done.stdout)


def test_quiet_leaves_warnings_alone_on_stderr(tmp_path):
    text = '[priors.a]\ndist = "uniform"\nlower = -1\nupper = 1\n[quantities.b]\nformula = "log(a)"\n'
    (tmp_path / "warns.toml").write_text(f'model = "none"\n{text}', encoding="utf-8")
    command = [sys.executable, "-m", "simulate", "run", str(tmp_path / "warns.toml"), "--out", str(tmp_path / "out")]
    usual, *quiet = (
        subprocess.run(
            [*command, *QUICK, "--no-pictures", *more], capture_output=True, text=True, check=True
        ).stderr.splitlines()
        for more in ((), ("-q",), ("--quiet", "--precision", "20%"))
    )
    assert usual[-1].startswith("Wrote ")
    assert usual[:-1]
    for told in quiet:
        assert told
        assert all(line.startswith("warning: ") for line in told)


LASTING = {
    "run": (BASE, "--scenarios", "1000000000"),
    "tornado": (BASE, "--method", "shapley", "--scenarios", "100000000"),
    "compare": (CONSTANTS, BASE, "--scenarios", "100000000"),
    "decide": ("own-or-rent", "--scenarios", "1000000000"),
}


@pytest.mark.parametrize(
    ("name", "sent", "code"),
    [
        pytest.param(name, sent, code, marks=[] if name == "run" or sent == signal.SIGINT else pytest.mark.long)
        for name in LASTING
        for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129))
    ],
)
def test_an_interrupted_command_ends_within_two_seconds_and_leaves_nothing(tmp_path, name, sent, code):
    command = [sys.executable, "-m", "simulate", name, *LASTING[name], "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 30
        while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)
        assert process.poll() is None, "it ended before it could be interrupted"
        begin = time.monotonic()
        process.send_signal(sent)
        out, err = process.communicate(timeout=30)
        lasted = time.monotonic() - begin
    finally:
        process.kill()
    assert (process.returncode, out, err) == (code, b"", b"")
    assert lasted < 2
    assert not any(tmp_path.iterdir())


INTERRUPTED_IMPORT = """
import os, sys
from simulate.cli import main

def interrupt(*_):
    os.kill(os.getpid(), {sent})

def another(*_):
    try:
        interrupt()
    except BaseException:
        raise ImportError

class Interrupting:
    def find_spec(self, name, *_):
        if name == "{module}":
            {how}

sys.meta_path.insert(0, Interrupting())
main()
"""
HOWS = {
    "raised": "interrupt()",
    "dropped": "type('Dying', (), {'__del__': interrupt})()",
    "another": "another()",
    "dropped as another": "type('Dying', (), {'__del__': another})()",
}
ENDED = [
    *(("typer", how, signal.SIGTERM, 143) for how in HOWS),
    ("matplotlib.figure", "dropped as another", signal.SIGTERM, 143),
    *(
        pytest.param("matplotlib.figure", how, signal.SIGTERM, 143, marks=pytest.mark.long)
        for how in ("raised", "dropped", "another")
    ),
    *(("typer", "raised", sent, code) for sent, code in ((signal.SIGINT, 130), (signal.SIGHUP, 129))),
]


@pytest.mark.parametrize(("module", "how", "sent", "code"), ENDED)
def test_an_interrupted_import_is_quiet_and_leaves_nothing(tmp_path, module, how, sent, code):
    script = INTERRUPTED_IMPORT.format(module=module, how=HOWS[how], sent=int(sent))
    command = [sys.executable, "-c", script, "run", BASE, *QUICK, "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    assert not (tmp_path / "out").exists()


def test_an_ignored_signal_stays_ignored(tmp_path):
    script = INTERRUPTED_IMPORT.format(module="matplotlib.figure", how="interrupt()", sent=int(signal.SIGINT))
    command = [sys.executable, "-c", script, "run", BASE, *QUICK, "--out", str(tmp_path / "out")]
    done = subprocess.run(["bash", "-c", 'trap "" INT; exec "$@"', "-", *command], capture_output=True, check=False)
    assert done.returncode == 0


def test_progress_is_shown_on_a_terminal_after_a_second(tmp_path):
    """On a slow machine for longer; whatever the machine, it is ended once the progress is there."""
    script = f"{sys.executable} -m simulate run {BASE} --scenarios 1e9 --no-pictures --out {tmp_path / 'out'}"
    leader, follower = pty.openpty()
    begin = time.monotonic()
    process = subprocess.Popen(shlex.split(script), stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    told = b""
    with contextlib.suppress(OSError):  # the terminal is gone once the process is
        while part := os.read(leader, 2**16):
            told += part
            if b"scenarios" in told:
                process.terminate()
    assert process.wait() == 143
    assert b"scenarios" in told
    assert time.monotonic() - begin > 1


SHOWN = """
import threading, time
from simulate.cli.emitting import PATIENCE, progress_shown
with progress_shown() as progress:
    progress("scenarios", 1, 2)
    time.sleep(PATIENCE)
    progress("scenarios", 2, 2)
    threads = threading.active_count()
print(threads)
"""


def test_progress_takes_no_thread():
    """Beside which no process is copied."""
    leader, follower = pty.openpty()
    done = subprocess.run([sys.executable, "-c", SHOWN], stdout=subprocess.PIPE, stderr=follower, check=True)
    assert done.stdout == b"1\n"
    assert b"scenarios" in os.read(leader, 2**16)
    for each in (leader, follower):
        os.close(each)


def test_closed_pipe_is_quiet():
    command = f"{sys.executable} -m simulate explain | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


RUNS = (
    "model,parameters_total,parameters_active,mixture_of_experts,training_tokens,accelerator,peak_flops,"
    "accelerator_hours\n"
)
GOOD_RUN = "Mine,70e9,70e9,0,1e12,Abacus,989e12,500000\n"


def test_backtest_prints_scores_and_writes_pictures(command, tmp_path):
    (tmp_path / "mine.csv").write_text(RUNS + GOOD_RUN)
    code, out, err = command("backtest", str(tmp_path / "mine.csv"))
    assert (code, err) == (0, "")
    assert "calibrated bands" in out
    files = {path.name for path in (tmp_path / "out").iterdir()}
    pictures = {f"{name}.{kind}" for name in ("forecast", "pit") for kind in ("png", "svg")}
    assert files == {"backtest.nc", "backtest.csv"} | pictures


def test_backtest_of_own_runs_names_faulty_rows_and_scores_the_rest(command, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(RUNS + GOOD_RUN.replace("1e12", "many") + GOOD_RUN)
    code, out, err = command("backtest", str(path), "--format", "json")
    assert code == 0
    fault = f"{path}:2: training_tokens: 'many' is not a number; write it like 70e9, without commas"
    assert err == f"warning: {fault}\n"
    told = json.loads(out)["result"]
    assert list(told["cases"]) == ["Mine"]
    assert list(told["groups"]) == ["training runs"]
    assert set(told["groups"]["training runs"]["coverage"]["value"]) == {"50", "80", "90"}
    assert set(told["baselines"]) == {"mfu_46.2", "mfu_37.5"}


def test_backtest_with_nothing_to_score_fails(command, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(RUNS + GOOD_RUN.replace("1e12", "many"))
    code, out, err = command("backtest", str(path))
    assert (code, out) == (2, "")
    assert err.startswith(f"{path}:2: training_tokens: 'many' is not a number")
    assert err.count("\n") == 1
    code, out, err = command("backtest", str(tmp_path / "absent.csv"))
    assert (code, out) == (2, "")
    assert err.startswith(f"{tmp_path / 'absent.csv'}: cannot be read: ")
    assert err.count("\n") == 1


def test_questions_are_answered(command):
    code, out, err = command(
        "run", BASE, "--scenarios", "65536", "--format", "json", "--quantities", "capex",
        "--probability", "capex > 1e8", "--given", "opex_per_year < 5e7", "--observe", "pue = 1.12 +- 5%",
    )  # fmt: skip
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert 0 < told["result"]["questions"]["capex > 1e8"]["probability"]["value"] < 1
    assert told["settings"]["given"] == ["opex_per_year < 5e7"]
    assert told["settings"]["observe"] == ["pue = 1.12 +- 5%"]
    kept = told["result"]["kept"]
    assert 1000 < kept["effective"] < kept["scenarios"]
    code, out, _ = command("run", BASE, *QUICK, "--no-pictures", "--probability", "capex > 1e8")
    assert code == 0
    assert re.search(r"capex > 1e8 +\d\d(\.\d+)? %", out)


@pytest.mark.parametrize("arguments", [("run",), ("tornado", "--quantities", "capex")])
def test_empty_condition_is_refused_in_one_line(command, tmp_path, arguments):
    code, out, err = command(arguments[0], BASE, *arguments[1:], *QUICK, "--given", "capex < 0")
    assert (code, out) == (2, "")
    assert err == (
        "--given 'capex < 0': of 16,384 scenarios 0 effective ones are left, fewer than 1,000; "
        "ask for what is more probable, or for more --scenarios\n"
    )
    assert not (tmp_path / "out").exists()


def test_tornado_takes_a_condition_and_percentiles(command, tmp_path):
    code, out, err = command(
        "tornado", BASE, "--quantities", "capex", "--given", "capex < 5e8", "--percentiles", "5,95",
        "--scenarios", "65536", "--format", "json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    told = json.loads(out)
    capex = told["result"]["quantities"]["capex"]["percentiles"]["value"]
    assert told["settings"]["given"] == ["capex < 5e8"]
    assert capex["5"] < capex["50"] < capex["95"] < 5e8
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"tornado.csv", "tornado.nc"}
