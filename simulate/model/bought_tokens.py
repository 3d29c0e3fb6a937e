"""Bought tokens: what serving costs where a vendor's API does it."""

from simulate.graph import Array, parameter
from simulate.model.notation import (
    DAYS_PER_YEAR,
    SHARE,
    TOKENS_PER_KTOKEN,
    TOKENS_PER_MTOKEN,
    USD,
    USD_PER_DAY,
    USD_PER_KTOKEN,
    USD_PER_YEAR,
)

api_input_price = parameter("USD/Mtoken", "API input price: a vendor's, of what is not cached.", lower=0)
api_cached_input_price = parameter("USD/Mtoken", "API cached input price: of what is cached.", lower=0)
api_output_price = parameter("USD/Mtoken", "API output price: reasoning too.", lower=0)
api_discount = parameter(
    "1",
    """API discount: off the list price, such as for batches.

    Half of it for answers within a day, at OpenAI, Anthropic and Google.""",
    default=0,
    lower=0,
    upper=1,
)


def api_cache_hit_rate(prompt_cache_hit_rate: Array) -> SHARE:
    """API cache hit rate: of input billed as cached; as one's own.

    Unless a prior says how much of it the vendor finds.
    """
    return prompt_cache_hit_rate


def bought_cost_per_question(
    input_tokens: Array,
    output_tokens: Array,
    api_cache_hit_rate: Array,
    api_input_price: Array,
    api_cached_input_price: Array,
    api_output_price: Array,
    api_discount: Array,
) -> USD:
    """Bought cost per question: of its tokens, bought.

    Input, cached and not, and output, each at its price, less the discount.
    """
    of_input = (1 - api_cache_hit_rate) * api_input_price + api_cache_hit_rate * api_cached_input_price
    tokens_at_price = input_tokens * of_input + output_tokens * api_output_price
    return tokens_at_price * (1 - api_discount) / TOKENS_PER_MTOKEN


def bought_cost_per_day(bought_cost_per_question: Array, questions_per_day: Array) -> USD_PER_DAY:
    """Bought cost per day: of all questions."""
    return bought_cost_per_question * questions_per_day


def bought_cost_per_year(bought_cost_per_day: Array) -> USD_PER_YEAR:
    """Bought cost per year: of all questions.

    Nobody who runs the service is in it.
    """
    return bought_cost_per_day * DAYS_PER_YEAR


def bought_cost_per_1k_tokens(bought_cost_per_day: Array, tokens_per_day: Array) -> USD_PER_KTOKEN:
    """Bought cost per token: all alike."""
    return bought_cost_per_day / tokens_per_day * TOKENS_PER_KTOKEN
