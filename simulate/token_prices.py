"""What vendors ask for tokens: dated list prices that a priors file takes in one line, `api = "GPT-4o @ 2025-02"`."""

import re
from typing import Any, NamedTuple

from simulate.catalog import DATA, Catalog, CatalogError

APIS = Catalog("API", DATA / "token_prices.csv", "api")
PRICES = {"api_input_price": "input", "api_cached_input_price": "cached_input", "api_output_price": "output"}
DATE = re.compile(r"\d{4}(-\d\d){0,2}")


class Price(NamedTuple):
    """A vendor's prices: entries by quantity, each as a table `[priors.NAME]` of a priors file reads.

    `seen` is the day on which the newest of this name was last found to hold, '' where an earlier one is asked for.
    """

    entries: dict[str, dict[str, Any]]
    seen: str


def apis() -> tuple[str, ...]:
    """Names of the APIs of which the catalog holds prices, in the order of the table."""
    return tuple(APIS.rows)


def price(spelling: str) -> Price:
    """The newest prices of an API, or of 'NAME @ DATE' those that held at the end of a year, a month or a day.

    Cached input costs what other input does where no price of its own is stated.
    Raises CatalogError where the catalog does not hold the API, or no price of it as old as that.
    """
    spelled, at, date = (part.strip() for part in spelling.partition("@"))
    name = APIS.name(spelled)
    if at and not DATE.fullmatch(date):
        raise CatalogError(f'"{date}" is no date; write for instance "{name} @ 2025-02"')
    rows = APIS.rows[name]
    held = [row for row in rows if not date or row["since"][: len(date)] <= date]
    if not held:
        raise CatalogError(f"there is no price of {name} at {date} in the catalog; its first is of {rows[0]['since']}")
    row = held[-1]
    told = f"{name}, since {row['since']}" + f"; {row['note']}" * bool(row["note"])
    if not row["cached_input"]:
        told += "; cached input as other input"
    if row["batch_discount"]:
        told += f"; batches {float(row['batch_discount']):.0%} less: api_discount"
    about = {"unit": "USD/Mtoken", "evidence": row["evidence"], "note": told}
    about["source"] = f"{row['source']} ({row['seen']})"
    entries = {quantity: about | {"value": float(row[column] or row["input"])} for quantity, column in PRICES.items()}
    return Price(entries, "" if at else row["seen"])
