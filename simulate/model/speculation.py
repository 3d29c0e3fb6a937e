"""Speculation: tokens that a draft proposes, and how many of them a step then writes.

A step of the model verifies the tokens proposed, all in one pass, and keeps them up to the first that it would not have
written; its own next one comes on top. The draft may be a smaller model or a head of the model's own, as in
multi-token prediction.

Source: Leviathan, Kalman and Matias, 2023, Fast inference from transformers via speculative decoding,
arXiv 2211.17192.
"""

import numpy as np

from simulate.graph import Array, otherwise, parameter
from simulate.model.notation import ONE_TOKEN, ONE_TOKEN_OR_MORE

draft_tokens = parameter("token", "Draft tokens: proposed for each sequence in a step.\n\nNone unless stated.", lower=0)
draft_acceptance = parameter(
    "1",
    """Draft acceptance: probability that a proposed token is kept, where those before it are.

    0.85 to 0.90 for one token by DeepSeek-V3's head for multi-token prediction. As a rate that all tokens have, lengths
    that drafts of seven models of 2026 reach in code are 0.78 to 0.93 for one token and 0.68 to 0.89 for three.
    Source: DeepSeek-AI, 2024, DeepSeek-V3, arXiv 2412.19437, 5.4.3; InferenceX, 2026, golden_al_distribution.""",
    prior={
        "dist": "beta",
        "p5": 0.68,
        "p95": 0.92,
        "unit": "1",
        "evidence": "sourced",
        "source": "InferenceX (SemiAnalysis, Apache-2.0), golden_al_distribution, August 2026: acceptance lengths",
        "note": "The rate that gives the lengths of one and of three proposed tokens: seven models, 14 curves, code.",
    },
    lower=0,
    upper=1,
)
draft_cost = parameter(
    "1",
    """Draft cost: time to propose a token of each sequence, over that of a step of one token each.

    DeepSeek-V3's head is a layer beside 61 and reads 0.93e9 of 37e9 parameters once more, for the vocabulary: 0.04.
    Below 0.05 for the drafts of the source above. Source: DeepSeek-AI, 2024, DeepSeek-V3, arXiv 2412.19437.""",
    default=0.04,
    lower=0,
)


@otherwise(1)
def tokens_per_sequence(draft_tokens: Array) -> ONE_TOKEN_OR_MORE:
    """Tokens per sequence: that a step takes through the model, its last one and what a draft proposes."""
    return ONE_TOKEN + draft_tokens


@otherwise(1)
def acceptance_length(draft_tokens: Array, draft_acceptance: Array) -> ONE_TOKEN_OR_MORE:
    """Acceptance length: tokens that a step writes of each sequence, on average; 1 without a draft.

    (1 - a^(k + 1)) / (1 - a) for k proposed tokens, each accepted with probability a where those before it are.
    Source: Leviathan, Kalman and Matias, 2023, arXiv 2211.17192, equation 1.
    """
    proposed = draft_tokens / ONE_TOKEN
    refused = np.where(draft_acceptance < 1, 1 - draft_acceptance, 1)[()]
    kept = np.where(draft_acceptance < 1, draft_acceptance * (1 - draft_acceptance**proposed) / refused, proposed)[()]
    return ONE_TOKEN * (1 + kept)
