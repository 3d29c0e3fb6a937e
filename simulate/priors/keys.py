"""The keys of a priors file, from its schema: what each may hold, and what stands for one that is left out."""

import inspect
import json
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from simulate.priors.schema import File

NAMED = {"correlations": "FIRST.SECOND", "traffic": "KIND.NAME"}  # tables whose keys are names of two parts


class Stated(NamedTuple):
    """A key by its path, such as `priors.NAME.dist`: its default as JSON, '' for none, and words that say what it is.

    A table has its keys below it.
    """

    path: str
    default: str
    says: str
    is_table: bool = False

    @property
    def brief(self) -> str:
        """The first paragraph of what is said."""
        return self.says.partition("\n\n")[0]


def keys(table: type[BaseModel] = File, above: str = "") -> Iterator[Stated]:
    """The tables and keys of a priors file, in the order of its schema, each table before its keys."""
    for name, field in table.model_fields.items():
        key, kind, says = f"{above}{name}", field.annotation, field.description or ""
        inner = next((each for each in (kind, *get_args(kind)) if _is_table(each)), None)
        if key in NAMED:
            yield Stated(key, "", says, is_table=True)
            yield Stated(f"{key}.{NAMED[key]}", "", says)
        elif inner is None or above:
            default = "" if field.is_required() or field.default in ("", {}, None) else json.dumps(field.default)
            yield Stated(key, default if key not in ("priors.NAME.value", "priors.NAME.evidence") else "", says)
        else:
            yield Stated(key, "", says or inspect.cleandoc(inner.__doc__ or ""), is_table=True)
            yield from keys(inner, f"{key}.NAME." if get_origin(kind) is dict else f"{key}.")


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
