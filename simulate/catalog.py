"""The accelerators: hardware figures and prices that a priors file names in one line, and precisions by their words."""

import csv
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from simulate.errors import SimulateError

DATA = Path(__file__).parent / "data"
TABLE = DATA / "accelerators.csv"

# Rows of dense peaks, none with sparsity, by the word for the arithmetic; 16 bits are one row.
PEAKS = {
    "BF16": "peak_flops",
    "FP16": "peak_flops",
    "FP8": "peak_flops_fp8",
    "INT8": "peak_flops_int8",
    "FP4": "peak_flops_fp4",
}
# Bytes of a stored value by the same words, and where they are from.
BYTES = {
    "BF16": (2.0, "the format's 16 bits (2018)"),
    "FP16": (2.0, "IEEE 754, binary16 (2008)"),
    "FP8": (1.0, "Micikevicius et al., FP8 formats for deep learning, arXiv 2209.05433 (2022)"),
    "INT8": (1.0, "the format's 8 bits; the scale of a channel is neglected (2022)"),
    "FP4": (0.5625, "NVIDIA, Introducing NVFP4: 4 bits, and a scale of 8 bits for every 16 values (June 2025)"),
}
# Rows that are there to be read; the model reckons with the power of a server.
NO_QUANTITY = frozenset({"accelerator_power", "all_in_power", *PEAKS.values()}) - {"peak_flops"}
SPELLINGS = {
    "V100 SXM2 32GB": "V100",
    "A100 SXM4 40GB": "A100 40GB",
    "A100 SXM4 80GB": "A100 80GB",
    "H100": "H100 SXM5",
    "H100 80GB": "H100 SXM5",
    "H100 SXM": "H100 SXM5",
    "H800 SXM5": "H800",
    "H200 SXM": "H200",
    "GB200 (per GPU)": "GB200",
    "GB200 NVL72": "GB200",
    "GB300 NVL72": "GB300",
    "Vera Rubin": "Rubin",
    "Vera Rubin NVL72": "Rubin",
    "RTX PRO 6000 Blackwell Server Edition": "RTX PRO 6000",
    "Trillium": "TPU v6e",
    "TPU7x": "TPU v7",
    "Ironwood": "TPU v7",
}


class CatalogError(SimulateError):
    """A name that a catalog does not hold; the text names those that are near."""

    code = "unknown_name"


@dataclass(frozen=True)
class Catalog:
    """A table whose rows a priors file takes by the name of what they are of.

    `what` is what messages call that, `column` is where its name stands; `spellings` are other names, beyond case,
    blanks and hyphens, which do not count.
    """

    what: str
    table: Path
    column: str
    spellings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def rows(self) -> dict[str, list[dict[str, str]]]:
        """Rows of the table by name, in its order."""
        rows: dict[str, list[dict[str, str]]] = {}
        with self.table.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                rows.setdefault(row[self.column], []).append(row)
        return rows

    def name(self, spelling: str) -> str:
        """The catalog's name for what is spelled so. Raises CatalogError, with what is near, where it has none."""
        known = {_key(name): name for name in self.rows}
        known |= {_key(other): name for other, name in self.spellings.items()}
        wanted = _key(spelling)
        if wanted in known:
            return known[wanted]
        near = [name for key, name in known.items() if wanted and key.startswith(wanted)]
        near = near or [known[key] for key in difflib.get_close_matches(wanted, known)]
        mend = f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else "known are " + ", ".join(self.rows)
        raise CatalogError(f'there is no {self.what} "{spelling}" in the catalog; {mend}')


ACCELERATORS = Catalog("accelerator", TABLE, "accelerator", SPELLINGS)


def accelerators() -> tuple[str, ...]:
    """Names of the catalog's accelerators, in the order of the table."""
    return tuple(ACCELERATORS.rows)


def figures() -> frozenset[str]:
    """The quantities of which the catalog holds a figure of some accelerator."""
    return frozenset(row["quantity"] for rows in ACCELERATORS.rows.values() for row in rows) - NO_QUANTITY


def accelerator_name(spelling: str) -> str:
    """The catalog's name for an accelerator. Raises CatalogError, with what is near, where it has none."""
    return ACCELERATORS.name(spelling)


def accelerator(spelling: str) -> dict[str, dict[str, Any]]:
    """Entries of an accelerator, by quantity, each as a table `[priors.NAME]` of a priors file reads.

    A figure is a constant; a price of which two figures are known, or a band judged, is a lognormal
    with these as its 5th and 95th percentile. What is not known is absent.
    Raises CatalogError where the catalog does not hold the accelerator.
    """
    rows = ACCELERATORS.rows[accelerator_name(spelling)]
    return {row["quantity"]: _entry(row) for row in rows if row["quantity"] not in NO_QUANTITY}


def peaks(spelling: str) -> dict[str, dict[str, Any]]:
    """Entries of an accelerator's dense peaks, by the word for the arithmetic, those that are known.

    Raises CatalogError where the catalog does not hold the accelerator.
    """
    rows = {row["quantity"]: row for row in ACCELERATORS.rows[accelerator_name(spelling)]}
    return {word: _entry(rows[row]) for word, row in PEAKS.items() if row in rows}


def bytes_of(precision: str) -> dict[str, Any]:
    """The entry of the bytes that a value takes in a precision, a key of BYTES; scales are counted in."""
    value, source = BYTES[precision]
    return {"value": value, "unit": "B", "evidence": "sourced", "source": source}


def _entry(row: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"unit": row["unit"], "evidence": row["evidence"]}
    if row["high"]:
        entry |= {"dist": "lognormal", "p5": float(row["low"]), "p95": float(row["high"])}
    else:
        entry |= {"value": float(row["low"])}
    entry["source"] = f"{row['source']} ({row['date']})"
    if row["note"]:
        entry["note"] = row["note"]
    return entry


def _key(spelling: str) -> str:
    return re.sub(r"[^a-z0-9]", "", spelling.casefold())
