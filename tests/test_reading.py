"""What priors, tables and cases are read from: files and pipes, within limits of size and patience; nothing else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from simulate import settings, spreadsheet
from simulate.comparison import cases
from simulate.errors import SimulateError
from simulate.priors import files, load_priors, positions
from simulate.reading import STDIN, contents_of

PRIORS = 'model = "none"\n[priors.x]\nvalue = 2\n[quantities.y]\nformula = "3 * x"\n'
SILENT = "has not come to an end in 1 second; write it to a file, and name that"
DEVICE = "is a device or a terminal; give a file or a pipe"
LOOP = "is a link that leads back to itself; mend the link"
EMPIRICAL = (
    'model = "none"\n[priors.x]\ndist = "empirical"\ncolumn = "a"\nfile = "FILE"\n[quantities.y]\nformula = "x"\n'
)
CPU, MEMORY = 2.0, 300  # seconds of a processor and MB that a whole command may take to refuse


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory with hostile names in it."""
    monkeypatch.chdir(tmp_path)
    if not Path("/proc/self/status").exists():
        pytest.skip("the system tells no peak memory")
    os.mkfifo("silent")
    Path("loop").symlink_to("pool")
    Path("pool").symlink_to("loop")
    for name, size in (("big.toml", 100_000_000), ("big.csv", 1_000_000_000)):
        with Path(name).open("wb") as file:
            file.truncate(size)


def simulate(*arguments, **given):
    """A command of its own process: exit code, stdout and stderr, and that it stayed within processor time and memory.

    The time by the clock is measured nowhere: another process may have the processor.
    """
    script = "import resource, sys\nfrom simulate.cli import main\ntry:\n    main()\nfinally:\n"
    script += "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
    # Of a child, ru_maxrss starts at its parent's.
    script += "    peak = int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) // 1024\n"
    script += "    print(used.ru_utime + used.ru_stime, peak, file=open('used', 'w'))\n"
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, timeout=60, env=environment, check=False, **given)
    seconds, memory = map(float, Path("used").read_text().split())
    assert seconds < CPU
    assert memory < MEMORY
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    "command", [("run", "-", "--scenarios", "1024"), ("check", "-"), ("compare", "-", "base.toml")]
)
def test_standard_input_is_a_priors_file(command):
    Path("base.toml").write_text(PRIORS.replace("2", "4"))
    code, out, err = simulate(*command, input=PRIORS.encode())
    assert code == 0, err
    assert "stdin" in err + out
    if command[0] == "run":
        assert Path("outputs/stdin/result.nc").is_file()


def test_what_standard_input_extends_is_beside_the_working_directory():
    Path("base.toml").write_text(PRIORS)
    code, out, _ = simulate("explain", "x", "-", input=b'extends = "base.toml"\n[priors.x]\nvalue = 7\n')
    assert (code, "7" in out) == (0, True)
    code, _, err = simulate("check", "-", input=b"[priors.pue]\nvalue = x\n")
    assert (code, err.startswith("<stdin>:2: ")) == (2, True)


def test_a_pipe_is_read_by_its_path():
    reading, writing = os.pipe()
    os.write(writing, PRIORS.encode())
    os.close(writing)
    code, out, err = simulate("check", f"/dev/fd/{reading}", pass_fds=[reading])
    os.close(reading)
    assert (code, err) == (0, "")
    assert "constant" in out


@pytest.mark.parametrize("arguments", [("check",), ("backtest",), ("compare", "base"), ("explain", "y")])
@pytest.mark.parametrize(
    ("name", "fault"), [("loop", LOOP), ("/dev/zero", DEVICE), ("a\x01b", "does not exist|No such file")]
)
def test_what_is_no_file_is_told_in_a_line_by_every_command(command, arguments, name, fault):
    code, out, err = command(*arguments, name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert any(each in err for each in fault.split("|"))
    assert "\x01" not in err


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/random", "/dev/tty", "/dev/null", "loop", "silent", "big.toml"])
@pytest.mark.parametrize("door", ["path", "extends", "column"])
def test_what_is_no_file_is_refused_wherever_it_is_named(load, name, door, tmp_path):
    if not os.path.lexists(name):
        pytest.skip(f"the system has no {name}")
    text = EMPIRICAL.replace("FILE", name) if door == "column" else f'\nextends = "{name}"\n'
    if name == "big.toml" and door == "column":
        text = text.replace(name, "big.csv")
    with pytest.raises(SimulateError) as caught:
        load(f'extends = "{name}"\n') if door == "extends" else load_priors(name) if door == "path" else load(text)
    fault = (
        SILENT if name == "silent" else LOOP if name == "loop" else DEVICE if "/dev" in name else "above the limit of"
    )
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)
    if door == "column":
        assert f"{tmp_path}/priors.toml:5: priors.x.file: " in str(caught.value)


@pytest.mark.parametrize("text", ["a\0b.toml", "loop/x.toml", "x" * 5000, "a/" * 5000])
def test_a_name_that_nothing_can_have_is_told_in_a_line(load, text):
    written = text.replace("\0", "\\u0000")
    for given in (f'extends = "{written}"\n', EMPIRICAL.replace("FILE", written)):
        with pytest.raises(SimulateError) as caught:
            load(given)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 2500
    with pytest.raises(SimulateError) as caught:
        load_priors(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("check", "big.toml"), "big.toml: has 100,000,000 bytes or more, above the limit of 1,000,000; "),
        (
            ("backtest", "big.csv"),
            f"big.csv: has 1,000,000,000 bytes or more, above the limit of {spreadsheet.LARGEST:,}; ",
        ),
        (("check", "silent"), f"silent: {SILENT}"),
    ],
)
def test_what_is_too_large_or_silent_takes_neither_time_nor_memory(arguments, fault):
    code, out, err = simulate(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(fault)


def fed(pieces):
    """The reading end of a pipe that is fed by a thread until nobody reads."""
    reading, writing = os.pipe()

    def feed():
        try:
            for piece in pieces:
                os.write(writing, piece)
        except OSError:
            pass
        finally:
            os.close(writing)

    threading.Thread(target=feed, daemon=True).start()
    return reading


@pytest.fixture
def standard_input():
    """Put something in the place of standard input."""
    kept = os.dup(0)

    def replaced(handle):
        os.dup2(handle, 0)
        os.close(handle)

    yield replaced
    os.dup2(kept, 0)
    os.close(kept)


def test_an_endless_pipe_is_refused_at_the_limit(standard_input):
    standard_input(fed(iter(lambda: b"y\n" * 1000, None)))
    with pytest.raises(SimulateError, match=r"<stdin>: has .* bytes or more, above the limit of 10,000; "):
        contents_of(STDIN, 10_000)


def test_what_comes_in_pieces_is_read_to_its_end(standard_input):
    standard_input(fed([b"a" * 70_000, b"b" * 70_000, b"c"]))
    assert contents_of(STDIN, 140_001) == b"a" * 70_000 + b"b" * 70_000 + b"c"


def test_a_pipe_that_stays_open_is_not_waited_for(standard_input):
    reading, writing = os.pipe()
    os.write(writing, b"title")
    standard_input(reading)
    with pytest.raises(SimulateError, match=SILENT):
        contents_of(STDIN, 10_000)
    os.close(writing)


def test_a_socket_may_stand_for_standard_input(standard_input):
    one, other = socket.socketpair()
    one.sendall(b"title")
    one.close()
    standard_input(other.detach())
    assert contents_of(STDIN, 5) == b"title"


@pytest.mark.parametrize("size", [5, 6])
def test_the_limit_itself_is_read(size):
    Path("file").write_bytes(b"x" * size)
    if size == 5:
        assert contents_of(Path("file"), 5) == b"xxxxx"
        return
    with pytest.raises(SimulateError, match=r"^file: has 6 bytes or more, above the limit of 5; "):
        contents_of(Path("file"), 5)


def test_a_device_or_closed_standard_input_is_told(standard_input, monkeypatch):
    standard_input(os.open("/dev/null", os.O_RDONLY))
    with pytest.raises(SimulateError, match=f"<stdin>: {DEVICE}"):
        contents_of(STDIN, 5)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SimulateError, match="<stdin>: is closed; "):
        contents_of(STDIN, 5)


def test_the_page_tells_the_limits():
    page = (Path(__file__).parent.parent / "docs/reference/questions.md").read_text(encoding="utf-8")
    _, _, table = page.partition("## What is read")
    for limit in (files.LARGEST, files.MOST_KEYS, files.MOST_VALUES, spreadsheet.LARGEST, positions.LONGEST_NUMBER):
        assert f"{limit:,}" in table
    assert f"| {positions.DEEPEST} |" in table
    assert f"| {positions.LONGEST} and " in table
    assert settings.LIMIT in table
    assert f"| {cases.MOST_CASES:,} |" in table
