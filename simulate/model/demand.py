"""Demand: who asks how much, and how long the answers are."""

from simulate.graph import Array, parameter
from simulate.model.notation import PER_DAY, RATIO, TOKEN, TOKEN_PER_DAY

questions_per_visitor = parameter(
    "1",
    """Questions per visitor: asked by one visitor on one day.

    The note guesses 10; messages per weekly user and day were 3.3 to 3.7 in 2024 and 2025, which is 6 to 9
    per daily user. Source: Chatterji et al., 2025, How people use ChatGPT, NBER w34255.""",
    lower=0,
    plausible=(0.1, 1000),
)
output_tokens = parameter(
    "token",
    """Output tokens: the length of an answer, the mean over questions.

    Its prior is the uncertainty of that mean, not the spread of single answers.""",
    lower=0,
    plausible=(1, 1000000.0),
)
visitors_per_day = parameter(
    "1/day",
    """Visitors per day: unique visitors of one day.

    Not visits, of which one visitor makes about two. Source: Similarweb, January 2023.""",
    lower=0,
    plausible=(1, 8000000000.0),
)
output_tokens_variation = parameter(
    "1",
    """Output tokens variation: coefficient of variation of the length of answers, between requests.

    A sequence in decode is a long one the more they vary; 0 counts all as equal.""",
    default=0,
    lower=0,
)


def questions_per_day(visitors_per_day: Array, questions_per_visitor: Array) -> PER_DAY:
    """Questions per day: asked by all visitors."""
    return visitors_per_day * questions_per_visitor


def input_to_output_ratio(session_input_tokens: Array, output_tokens: Array) -> RATIO:
    """Input to output ratio: tokens read for each token written.

    A prior states it, or it follows from sessions. The history of a conversation is sent again with each question:
    5.5 in Azure's conversation trace, 3.6 at DeepSeek.
    Source: Patel et al., 2024, Splitwise, arXiv 2311.18677; DeepSeek, 2025, open-infra-index.
    """
    return session_input_tokens / output_tokens


def input_tokens(output_tokens: Array, input_to_output_ratio: Array) -> TOKEN:
    """Input tokens: read for one question, history and instructions included."""
    return output_tokens * input_to_output_ratio


def context_tokens(input_tokens: Array, output_tokens: Array, output_tokens_variation: Array) -> TOKEN:
    """Context tokens: that a sequence in decode holds on average, half way through its answer.

    A long answer is met as often as it is long: the mean length of those under way is E[o^2] / E[o] =
    o (1 + CV^2).
    """
    return input_tokens + output_tokens * (1 + output_tokens_variation**2) / 2


def attended_tokens(
    input_tokens: Array, input_tokens_variation: Array, prompt_cache_hit_rate: Array, attention_of_hits: Array
) -> TOKEN:
    """Attended tokens: of the input, by one of its tokens that the cache does not hold.

    These come last: with a share h from the cache they attend to (1 + h)/2 of it. Over prompts whose lengths vary,
    E[i^2] / E[i] = i (1 + CV^2); how hits lie among them is `attention_of_hits`.
    """
    alike = input_tokens * (1 + input_tokens_variation**2) * (1 + prompt_cache_hit_rate) / 2
    return alike * attention_of_hits


def output_tokens_per_day(questions_per_day: Array, output_tokens: Array) -> TOKEN_PER_DAY:
    """Output tokens per day: answers only."""
    return questions_per_day * output_tokens


def tokens_per_day(questions_per_day: Array, input_tokens: Array, output_tokens: Array) -> TOKEN_PER_DAY:
    """Tokens per day: input and output, about four times the answers alone."""
    return questions_per_day * (input_tokens + output_tokens)
