"""Bought tokens: what serving costs where the tokens are bought from a vendor's API."""

from simulate.graph import Array, parameter
from simulate.model.notation import (
    DAILY,
    DAYS_PER_YEAR,
    MONTHS_PER_YEAR,
    SHARE,
    TOKENS_PER_KTOKEN,
    TOKENS_PER_MTOKEN,
    USD,
    USD_PER_DAY,
    USD_PER_KTOKEN,
    USD_PER_MONTH,
    USD_PER_YEAR,
)

api_input_price = parameter(
    "USD/Mtoken", "API input price: of input that the vendor reads. List prices: docs/reference/prices.md.", lower=0
)
api_cached_input_price = parameter(
    "USD/Mtoken", "API cached input price: of input whose keys and values the vendor still has.", lower=0
)
api_output_price = parameter("USD/Mtoken", "API output price: of answers, reasoning among them.", lower=0)
api_discount = parameter(
    "1",
    """API discount: off the list price, for batches or a committed volume.

    Half of it for answers within a day, at OpenAI, Anthropic and Google.""",
    default=0,
    lower=0,
    upper=1,
)


def api_cache_hit_rate(prompt_cache_hit_rate: Array) -> SHARE:
    """API cache hit rate: share of the input that the vendor bills as cached; as on a fleet of one's own."""
    return prompt_cache_hit_rate


def api_cost_per_question(
    input_tokens: Array,
    output_tokens: Array,
    api_cache_hit_rate: Array,
    api_input_price: Array,
    api_cached_input_price: Array,
    api_output_price: Array,
    api_discount: Array,
) -> USD:
    """API cost per question: its input, cached and not, and its answer at the vendor's prices."""
    of_input = (1 - api_cache_hit_rate) * api_input_price + api_cache_hit_rate * api_cached_input_price
    tokens_at_price = input_tokens * of_input + output_tokens * api_output_price
    return tokens_at_price * (1 - api_discount) / TOKENS_PER_MTOKEN


def api_cost_per_day(api_cost_per_question: Array, questions_per_day: Array) -> USD_PER_DAY:
    """API cost per day: of all questions."""
    return api_cost_per_question * questions_per_day


def api_cost_per_year(api_cost_per_day: Array) -> USD_PER_YEAR:
    """API cost per year: of all questions; nobody of one's own is in it."""
    return api_cost_per_day * DAYS_PER_YEAR


def api_cost_per_1k_output_tokens(api_cost_per_question: Array, output_tokens: Array) -> USD_PER_KTOKEN:
    """API cost per 1,000 output tokens: all of it put on the answers' tokens."""
    return api_cost_per_question / output_tokens * TOKENS_PER_KTOKEN


def api_cost_per_1k_tokens(api_cost_per_day: Array, tokens_per_day: Array) -> USD_PER_KTOKEN:
    """API cost per 1,000 tokens: input and output alike."""
    return api_cost_per_day / tokens_per_day * TOKENS_PER_KTOKEN


def api_cost_per_visitor_month(api_cost_per_day: Array, visitors_per_day: Array) -> USD_PER_MONTH:
    """API cost per visitor-month: of someone who comes every day of the month."""
    return api_cost_per_day / visitors_per_day * DAILY * DAYS_PER_YEAR / MONTHS_PER_YEAR
