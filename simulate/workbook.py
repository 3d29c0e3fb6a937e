"""A result as an Excel workbook, for `--xlsx`: every figure as a number, in the digits that its error supports.

Sheets hold what shares its rows: bands, shares of variance or the bars of a tornado, changes between cases ..., and
beside these the priors with their sources, published figures, scenarios, and how it was computed. All is written as
what it is, so that no text becomes a formula; the same result gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulate.errors import SimulateError, printable
from simulate.figures import ROUNDING, SCALES, YEARS, percentile_name, row_scale, shortened
from simulate.formats.json import plain
from simulate.results import Result
from simulate.results.result import BUILD, ERROR
from simulate.results.told import SPARSE, number, told

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

INSTALL = "pip install 'llm-cost-simulate[xlsx]'"
# What Excel holds.
MOST_ROWS, MOST_COLUMNS, MOST_TEXT, MOST_LINK, MOST_LINKS, MOST_NAME = 2**20, 2**14, 32_767, 2079, 65_530, 31
MOST_DECIMALS = 15
WIDEST, NARROWEST = 60, 8  # columns, in characters
DIM, BLUE = "#666666", "#0563C1"
LINK = re.compile(r"https?://[^\s<>\"]+")
ACROSS = ("percentile", "statistic", "end", "band", "bin")  # dimensions whose labels head columns
SHEETS = {  # by what its rows are of
    (): "Overall",
    ("quantity",): "Bands",
    ("quantity", "case"): "Bands",
    ("quantity", "choice"): "Bands",
    ("quantity", "choice", "swept"): "Bands",
    ("quantity", "prior"): "Variance shares",
    ("quantity", "evidence"): "Variance by evidence",
    ("prior",): "By prior",
    ("choice",): "Choices",
    ("quantity", "case", "change"): "Bridge",
}
HEAD = 3  # rows above a table's first: title, what it holds, header


@dataclass(frozen=True)
class Cell:
    """A figure, None where it is no number, with its standard error, infinite where that is not known.

    Those of a row with the same `scale` are told in the same power of ten; `of_error` is one that is an error itself.
    """

    value: Any
    error: float = 0.0
    unit: str = "1"
    scale: str = ""
    of_error: bool = False


def check_installed() -> None:
    """Raise SimulateError where what writes workbooks is not installed."""
    try:
        import xlsxwriter  # noqa: F401
    except ImportError:
        raise SimulateError(f"--xlsx: XlsxWriter is not installed; {INSTALL}") from None


def written(result: Result, scenarios: Result | None = None) -> bytes:
    """The workbook of a result, with scenarios of a run on a sheet of their own where they are given."""
    from xlsxwriter import Workbook

    content = io.BytesIO()
    with Workbook(content, {"in_memory": True}) as workbook:
        workbook.set_properties(
            {
                "title": printable(result.attributes.get("title", "")),
                "comments": f"simulate {result.question}",
                "created": dt.datetime(2000, 1, 1, tzinfo=dt.UTC),  # nothing of the clock in it
            }
        )
        book = _Book(workbook)
        data = plain(result)
        _overview(book, result, data)
        for dims, names in _groups(result).items():
            book.table(_sheet(result, dims), *_table(result, dims, names))
        _published(book, data["result"]["published"])
        _changes(book, result.provenance.get("changes", {}))
        _priors(book, result)
        if scenarios is not None:
            _scenarios(book, scenarios)
    return content.getvalue()


class _Book:
    """A workbook with the formats that it has, and the one way in which a sheet is laid out."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self._links = 0

    def format(self, **properties: Any) -> Format:
        """A format, the same object for the same properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._workbook.add_format(properties)
        return self._formats[key]

    def table(
        self,
        name: str,
        header: Sequence[str],
        rows: Iterable[Sequence[Any]],
        remark: str = "",
        codes: Sequence[str] = (),
    ) -> None:
        """Add a sheet: a title, a remark, and a table below a header that stays, its columns wide enough.

        `codes` are number formats of columns; figures have their own.
        """
        sheet = self._workbook.add_worksheet(name[:MOST_NAME])
        sheet.write_string(0, 0, name, self.format(bold=True, font_size=14))
        header, body = list(header)[:MOST_COLUMNS], list(rows)
        if len(body) > MOST_ROWS - HEAD:
            remark = f"{remark} Cut: a sheet holds no more rows; the .csv and .nc files hold all.".strip()
            body = body[: MOST_ROWS - HEAD]
        sheet.write_string(1, 0, _text(remark), self.format(font_color=DIM))
        for column, title in enumerate(header):
            sheet.write_string(HEAD - 1, column, _text(title), self.format(bold=True, bottom=1, text_wrap=True))
        widths = [min(len(title), 2 * NARROWEST) for title in header]
        for place, row in enumerate(body, HEAD):
            own = iter(_codes([each for each in row if isinstance(each, Cell)]))
            for column, each in enumerate(row[:MOST_COLUMNS]):
                value, code = (
                    (each.value, next(own)) if isinstance(each, Cell) else (each, "".join(codes[column : column + 1]))
                )
                widths[column] = max(widths[column], self._put(sheet, (place, column), value, code))
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(max(width + 2, NARROWEST), WIDEST))
        sheet.freeze_panes(HEAD, 1)
        if body:
            sheet.autofilter(HEAD - 1, 0, HEAD - 1 + len(body), len(header) - 1)

    def _put(self, sheet: Worksheet, place: tuple[int, int], value: Any, code: str) -> int:
        """Write a value as what it is, and return about how wide it is."""
        if value is None or value == "":
            return 0
        if isinstance(value, str):
            text = _text(value)
            sheet.write_string(*place, text)
            if link := LINK.search(text):
                self._link(sheet, place, text, link[0].rstrip(".,;:)]"))
            return len(text)
        if not math.isfinite(value):
            return 0
        sheet.write_number(*place, value, self.format(num_format=code) if code else None)
        return len(code.replace('"', "")) + 1 if code else 10

    def _link(self, sheet: Worksheet, place: tuple[int, int], text: str, address: str) -> None:
        """Let a click on a text open an address, as far as Excel holds it."""
        if len(address) <= MOST_LINK and self._links < MOST_LINKS:
            self._links += 1
            sheet.write_url(*place, address, self.format(font_color=BLUE, underline=1), text)


def _text(text: str) -> str:
    """A text as a cell holds it."""
    return shortened(printable(text), MOST_TEXT)


def _codes(cells: Sequence[Cell]) -> list[str]:
    """The number formats of the figures of a row, each to the digit that its error supports."""
    exponents = {name: _exponent([each for each in cells if each.scale == name]) for name in {c.scale for c in cells}}
    return ["" if isinstance(each.value, str) else _code(each, exponents[each.scale]) for each in cells]


def _place(cell: Cell) -> int:
    """The power of ten of the last digit of a figure that is worth showing: the second digit of a known error."""
    error = cell.value if cell.of_error else cell.error
    if abs(cell.value) * ROUNDING < error < math.inf:
        return row_scale([error], digits=2).place
    return row_scale([cell.value], [cell.error]).place


def _exponent(cells: Sequence[Cell]) -> int:
    """The power of ten in which figures are told: none has a digit before the point that its error does not support."""
    known = [each for each in cells if each.value and not isinstance(each.value, str) and not each.of_error]
    usual = row_scale([each.value for each in known], [each.error for each in known]).exponent
    unsure = [3 * -(-_place(each) // 3) for each in known if 0 < each.error < math.inf]
    return max([usual, *unsure])


def _code(cell: Cell, exponent: int) -> str:
    """The number format of a figure: thousands, millions ... by name, or a power of ten where there is no name."""
    if not cell.value:  # none is as good as 0
        return "0"
    place, thousands = _place(cell), "0" if cell.unit in YEARS else "#,##0"
    if exponent not in SCALES or exponent - place > MOST_DECIMALS:
        digits = max(math.floor(math.log10(abs(cell.value))) - place, 0)
        return f"0{_decimals(digits)}E+00"
    name = f'" {SCALES[exponent]}"' if exponent else ""
    return f"{thousands}{_decimals(max(exponent - place, 0))}{',' * (exponent // 3)}{name}"


def _decimals(count: int) -> str:
    return f".{'0' * count}" if count else ""


def _overview(book: _Book, result: Result, data: Mapping[str, Any]) -> None:
    """The first sheet: what was asked of which files, and what to know of it."""
    told = {
        "title": result.attributes.get("title", ""),
        "question": f"simulate {result.question}",
        "version": data["version"],
        **data["settings"],
        **{name: value for name, value in data["result"].items() if name in ("best", "kept", "note", *BUILD)},
    }
    rows = [[name.replace("_", " "), _plain(value)] for name, value in told.items() if value not in (None, "", [], {})]
    rows += [["file", f"{file['path']}, sha256 {file['sha256']}"] for file in data["files"]]
    rows += [["warning", warning["message"]] for warning in data["warnings"]]
    remark = "Figures are shown in the digits that their standard errors (±) support; cells hold all. Empty: no number."
    book.table("Overview", ["setting", "value"], rows, remark)


def _plain(value: Any) -> Any:
    """Plain data as a cell takes it: one number or text."""
    if isinstance(value, list | tuple) and all(isinstance(each, str | int | float) for each in value):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple | dict | bool) else value


def _groups(result: Result) -> dict[tuple[str, ...], list[str]]:
    """The figures that are told, by the dimensions that their rows are along."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in told(result):
        dims = tuple(each for each in result.variables[name].dims if each not in ACROSS)
        groups.setdefault(dims, []).append(name)
    return groups


def _sheet(result: Result, dims: tuple[str, ...]) -> str:
    """What a sheet is called."""
    if result.question == "tornado" and dims == ("quantity", "prior"):
        return "Tornado"
    return SHEETS.get(dims) or f"By {', '.join(dims)}".replace("_", " ")


def _table(result: Result, dims: tuple[str, ...], names: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    """The header and the rows of figures along the same dimensions."""
    every, own = ({result.variables[name].unit_of for name in those} for those in (result.variables, names))
    units = every - own  # of other figures
    beside = [
        name
        for name, each in result.coordinates.items()
        if each.dims and set(each.dims) <= set(dims) and name not in {*dims, *units}
    ]
    columns = [(name, labels) for name in names for labels in _across(result, name)]
    header = [each.replace("_", " ") for each in (*dims, *beside)]
    for name, labels in columns:
        title = _title(result, name, labels)
        header += [title, f"± {title}"] if _uncertain(result, name) else [title]
    rows = []
    for each in product(*(_labels(result, dimension, names) for dimension in dims)):
        at = dict(zip(dims, each, strict=True))
        cells = [cell for name, labels in columns for cell in _cells(result, name, {**at, **labels})]
        if set(dims) & set(SPARSE) and all(cell.value in (None, "") for cell in cells):
            continue
        known = [result.at(name, **{d: at[d] for d in result.coordinates[name].dims}) for name in beside]
        rows.append([*each, *known, *cells])
    return header, rows


def _labels(result: Result, dimension: str, names: Sequence[str]) -> list[Any]:
    """The labels of a dimension, counted from 0 where it has none."""
    variable = result.variables[names[0]]
    return result.labels(dimension) or list(range(variable.values.shape[variable.dims.index(dimension)]))


def _across(result: Result, name: str) -> list[dict[str, Any]]:
    """The labels that tell the columns of a variable apart."""
    dims = [each for each in result.variables[name].dims if each in ACROSS]
    return [dict(zip(dims, each, strict=True)) for each in product(*(result.labels(each) for each in dims))]


def _title(result: Result, name: str, labels: Mapping[str, Any]) -> str:
    """What heads a column, with its unit unless each row has its own."""
    variable = result.variables[name]
    told = [percentile_name(label) if dim == "percentile" else str(label) for dim, label in labels.items()]
    shown = "" if name == "percentiles" else name.replace("_", " ").replace(" percentiles", "")
    unit = f"[{variable.unit}]" if variable.unit not in {"", "1"} else ""
    return " ".join(filter(None, [shown, *told, unit]))


def _cells(result: Result, name: str, at: Mapping[str, Any]) -> list[Cell]:
    """A figure, and its standard error where it has one."""
    value, unit = _number(result, name, at), result.unit(name, **at)
    if not _uncertain(result, name):
        return [Cell(value, unit=unit, scale=name)]
    error = _number(result, name + ERROR, at)
    return [Cell(value, math.inf if error is None else error, unit, name), Cell(error, 0.0, unit, name, of_error=True)]


def _uncertain(result: Result, name: str) -> bool:
    """Whether any figure of a variable has a standard error."""
    errors = result.variables.get(name + ERROR)
    return errors is not None and bool((errors.values > 0).any())


def _number(result: Result, name: str, at: Mapping[str, Any]) -> Any:
    """A value as a script takes it."""
    variable = result.variables[name]
    places = [(result.labels(each) or range(at[each] + 1)).index(at[each]) for each in variable.dims]
    return number(variable.values[tuple(places)])


def _published(book: _Book, figures: Sequence[Mapping[str, Any]]) -> None:
    """What has been published of the quantities, and where it falls in the band."""
    header = ["quantity", "stated", "stated unit", "value", "unit", "position", "percentile", "source", "note"]
    rows = [
        [
            *(figure["quantity"], Cell(figure["stated"], 0.0, figure["stated_unit"], "stated"), figure["stated_unit"]),
            *(Cell(figure["value"], 0.0, figure["unit"], "value"), figure["unit"]),
            *("" if figure[each]["along"] else figure[each]["value"] for each in ("position", "percentile")),
            *(figure["source"], figure["note"]),
        ]
        for figure in figures
    ]
    if rows:
        book.table("Published", header, rows, codes=["0.0" if each == "percentile" else "" for each in header])


def _changes(book: _Book, changes: Mapping[str, Sequence[Mapping[str, Any]] | None]) -> None:
    """What differs in the inputs of cases."""
    rows = [
        [case, *(each[key] for key in ("kind", "name", "change")), *(_said(each[key]) for key in ("before", "after"))]
        for case, several in changes.items()
        for each in several or ()
    ]
    if rows:
        book.table("Changes", ["case", "kind", "name", "change", "before", "after"], rows)


def _said(side: Mapping[str, Any] | None) -> str:
    return side["text"] if side else ""


def _priors(book: _Book, result: Result) -> None:
    """The priors, each as stated, with its evidence and its source."""
    header = ["prior", "label", "family", "stated as", "unit", "evidence", "source", "note"]
    rows = [
        [
            *(name, prior["label"], prior["family"]),
            ", ".join(f"{key} = {value}" for key, value in prior["specification"].items()),
            *(prior[key] for key in ("unit", "evidence", "source", "note")),
        ]
        for name, prior in result.provenance.get("priors", {}).items()
    ]
    if rows:
        remark = (
            "Those of the first case; what others change is on the sheet Changes."
            if "changes" in result.provenance
            else ""
        )
        book.table("Priors", header, rows, remark)


def _scenarios(book: _Book, drawn: Result) -> None:
    """Scenarios of the run itself, a row each: where they lie in it, their weight, inputs and quantities."""
    beside = [name for name in ("replicate", "place", "weight") if name in drawn]
    names, units = drawn.labels("quantity"), drawn["unit"].tolist()
    header = [*beside, *(f"{name} [{unit}]" if unit != "1" else name for name, unit in zip(names, units, strict=True))]
    values = drawn["value"]
    codes = [*("0.0000" if name == "weight" else "0" for name in beside), *map(_of_column, values, units)]
    rows = zip(*(drawn[name].tolist() for name in beside), *values.tolist(), strict=True)
    remark = f"{values.shape[1]:,} scenarios of the run, the first of each replicate."
    book.table("Scenarios", header, rows, remark, codes)


def _of_column(values: NDArray[np.float64], unit: str) -> str:
    """A number format for a column of values, by its middle."""
    finite = np.sort(values[np.isfinite(values)])
    cell = Cell(float(finite[len(finite) // 2]) if len(finite) else 0.0, unit=unit)
    return _code(cell, _exponent([cell]))
