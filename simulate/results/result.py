"""The one type that every question returns: arrays along named dimensions, their labels, and what they rest on.

The layout is the same for all questions. `quantity` is a dimension, as are `case`, `choice`, `prior`, `change`
and `percentile` where they apply; the standard errors of a variable stand beside it as NAME_se. What only some
quantities have is a variable of its own. The coordinates `unit` and `label` tell the units and labels of the
quantities, `prior_unit` those of the priors. docs/reference/results.md lists the variables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.errors import SimulateError

if TYPE_CHECKING:
    from xarray import Dataset

LAYOUT = 4  # of what is stored; 1 had a variable for each quantity and statistic, later ones did not say all asked
ERROR = "_se"
BUILD = ("python", "numpy", "scipy", "system", "cpu")  # attributes, which decide the last bits beside the version


@dataclass(frozen=True)
class Variable:
    """An array along named dimensions.

    `unit` is its unit, or `unit_of` names the coordinate that tells the unit along one of its dimensions.
    """

    dims: tuple[str, ...]
    values: NDArray[Any]
    label: str = ""
    unit: str = ""
    unit_of: str = ""


@dataclass(frozen=True)
class Result:
    """Variables and coordinates by name; `attributes` are single values, `provenance` is nested plain data."""

    question: str
    attributes: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    coordinates: dict[str, Variable] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)

    def along(self, dimension: str, labels: Sequence[Any], unit: str = "", label: str = "") -> None:
        """Add a dimension with its labels, texts or numbers."""
        self.beside(dimension, (dimension,), labels, label, unit)

    def beside(self, name: str, dims: tuple[str, ...], values: ArrayLike, label: str = "", unit: str = "") -> None:
        """Add a coordinate along dimensions that are there."""
        self.coordinates[name] = Variable(dims, _array(values), label, unit)

    def put(
        self,
        name: str,
        dims: tuple[str, ...],
        values: ArrayLike,
        errors: ArrayLike | None = None,
        *,
        label: str = "",
        unit: str = "",
        unit_of: str = "",
    ) -> None:
        """Add a variable, and its standard errors where it has any."""
        self.variables[name] = Variable(dims, _array(values), label, unit, unit_of)
        if errors is not None:
            told = f"standard error of {label or name}"
            self.variables[name + ERROR] = Variable(dims, _array(errors), told, unit, unit_of)

    def __contains__(self, name: str) -> bool:
        return name in self.variables or name in self.coordinates

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The array of a variable or coordinate."""
        return (self.variables.get(name) or self.coordinates[name]).values

    def labels(self, dimension: str) -> list[Any]:
        """The labels along a dimension; none where it is not there."""
        found: list[Any] = self.coordinates[dimension].values.tolist() if dimension in self.coordinates else []
        return found

    def at(self, name: str, **where: Any) -> Any:
        """The part of a variable at labels of its dimensions: a float where none is left, else an array."""
        variable = self.variables.get(name) or self.coordinates[name]
        places = tuple(
            self.labels(dimension).index(where[dimension]) if dimension in where else slice(None)
            for dimension in variable.dims
        )
        part = variable.values[places]
        return part.item() if np.ndim(part) == 0 and isinstance(part, np.generic | np.ndarray) else part

    def estimate(self, name: str, **where: Any) -> tuple[Any, Any]:
        """The part of a variable, and that of its standard errors."""
        return self.at(name, **where), self.at(name + ERROR, **where)

    def unit(self, name: str, **where: Any) -> str:
        """The unit of a variable at labels of its dimensions."""
        variable = self.variables[name]
        if not variable.unit_of:
            return variable.unit or "1"
        dims = self.coordinates[variable.unit_of].dims
        return str(self.at(variable.unit_of, **{dimension: where[dimension] for dimension in dims}))

    def taken(self, dimension: str, labels: Sequence[Any]) -> Result:
        """The same result with only these labels of a dimension."""
        places = [self.labels(dimension).index(label) for label in labels]

        def part(variable: Variable) -> Variable:
            if dimension not in variable.dims:
                return variable
            axis = variable.dims.index(dimension)
            return replace(variable, values=np.take(variable.values, places, axis))

        coordinates, variables = (
            {name: part(each) for name, each in group.items()} for group in (self.coordinates, self.variables)
        )
        return replace(self, coordinates=coordinates, variables=variables)

    def figures(self) -> Iterator[str]:
        """The names of the variables that are no standard errors."""
        return (name for name in self.variables if not name.endswith(ERROR))

    @property
    def texts(self) -> str:
        """All that is written in it, joined: labels, units, attributes and provenance."""
        beside = (each.values.tolist() for each in self.coordinates.values())
        units = (each.unit for each in self.variables.values())
        return "\n".join(map(str, (self.attributes, self.provenance, *beside, *units)))

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before taking the figures, a line each: some of them only from a day on."""
        from simulate.settings import today  # late: who only explains has no need of it

        aged = [text for text, day in self.provenance.get("aging", {}).items() if day <= today()]
        return [*self.provenance.get("warnings", []), *aged]

    def described(self) -> dict[str, Any]:
        """The attributes with which a file or a Dataset describes the result: the provenance is one JSON text."""
        return {
            "layout": LAYOUT,
            "question": self.question,
            **self.attributes,
            "provenance": json.dumps(self.provenance),
        }

    def to_dataset(self) -> Dataset:
        """The result as an xarray Dataset."""
        import xarray

        variables, coordinates = (
            {
                name: xarray.Variable(
                    each.dims, each.values, self.attributes_of(name), fastpath=True
                )  # nothing to infer
                for name, each in group.items()
            }
            for group in (self.variables, self.coordinates)
        )
        return xarray.Dataset(variables, coordinates, self.described())

    def attributes_of(self, name: str) -> dict[str, str]:
        """What a file or a Dataset says of a variable, by names that readers know."""
        variable = self.variables.get(name) or self.coordinates[name]
        named = {"long_name": variable.label, "units": variable.unit, "units_from": variable.unit_of}
        if name + ERROR in self.variables:
            named["ancillary_variables"] = name + ERROR
        return {each: text for each, text in named.items() if text}

    @staticmethod
    def of_dataset(dataset: Dataset) -> Result:
        """The result that a Dataset was made from. Raises SimulateError where it was not made from one."""
        result = restored(dataset.attrs, "the Dataset")
        for name, array in dataset.variables.items():
            group = result.coordinates if name in dataset.coords else result.variables
            group[str(name)] = variable_of(tuple(map(str, array.dims)), array.values, array.attrs)
        return result


def restored(described: Mapping[str, Any], where: str) -> Result:
    """A Result without arrays from the attributes that describe it. Raises SimulateError, beginning with `where`."""
    if "provenance" not in described:
        earlier = "written by an earlier version" if "priors" in described else "no result of `simulate`"
        raise SimulateError(f"{where}: {earlier}; run the priors file again")
    if int(described["layout"]) != LAYOUT:
        raise SimulateError(f"{where}: has layout {described['layout']}, and this version reads {LAYOUT}; run it again")
    own = {"layout", "question", "provenance"}
    attributes = {
        str(name): value.item() if isinstance(value, np.generic) else value
        for name, value in described.items()
        if name not in own
    }
    return Result(str(described["question"]), attributes, json.loads(str(described["provenance"])))


def variable_of(dims: tuple[str, ...], values: NDArray[Any], attributes: Mapping[str, Any]) -> Variable:
    """A variable from what a file or a Dataset says of it."""
    named = (str(attributes.get(name, "")) for name in ("long_name", "units", "units_from"))
    return Variable(dims, _array(values), *named)


def _array(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    return array.astype(object) if array.dtype.kind == "U" else array
