"""The exit codes of every command, in one place."""

FAILED = 1  # what was asked is decided, and does not hold
REFUSED = 2  # the user can mend it
OPEN = 3  # what was asked is not decided
SIGNAL = 128  # and the number of the signal that ended the command

SAID = {
    0: "done",
    FAILED: "a gate failed",
    REFUSED: "something is wrong that you can mend",
    OPEN: "a gate is open: it takes more scenarios to decide",
    SIGNAL + 2: "Ctrl-C",
    SIGNAL + 15: "SIGTERM",
}
HELP = f"Exit codes: {'; '.join(f'{code} {what}' for code, what in SAID.items())}."
