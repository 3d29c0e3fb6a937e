"""Serving: the accelerator time that a question takes."""

from simulate.graph import Array, parameter
from simulate.model.notation import INFERENCE_FLOP_PER_PARAMETER, S_PER_TOKEN, SHARE, S


def seconds_per_token(roofline_seconds_per_question: Array, output_tokens: Array) -> S_PER_TOKEN:
    """Seconds per token: accelerator time for one output token at peak load, input work folded in.

    A prior states it, or the roofline computes it. Measured on A100s: 48 to 94 ms for 175e9 parameters at
    batches of 8 to 32, 430 ms alone in its batch; the note guesses 350 ms.
    Source: NVIDIA, 2022, FasterTransformer, gpt_guide.md.
    """
    return roofline_seconds_per_question / output_tokens


parameters_active = parameter(
    "1",
    """Active parameters: weights of the model that work on one token.

    All of them, unless it is a mixture of experts. 175e9 for GPT-3; gpt-3.5-turbo's are not disclosed.
    Source: Brown et al., 2020, Language models are few-shot learners, arXiv 2005.14165.""",
    lower=0,
    plausible=(1000000.0, 100000000000000.0),
)
peak_flops = parameter(
    "FLOP/s",
    """Peak FLOP/s: of one accelerator, dense, in the precision that is served.

    312e12 for an A100 in BF16; twice that with structured sparsity, which the note's 5 PFLOP/s a server has.
    Source: NVIDIA, 2020, A100 data sheet.""",
    lower=0,
    plausible=(1000000000000.0, 1e17),
)


def accelerator_seconds_per_question(output_tokens: Array, seconds_per_token: Array) -> S:
    """Accelerator seconds per question: from the first token read to the last one written."""
    return output_tokens * seconds_per_token


def serving_mfu(parameters_active: Array, seconds_per_token: Array, peak_flops: Array) -> SHARE:
    """Serving MFU: share of the peak FLOP/s that makes output tokens, at 2 FLOP a parameter and token.

    A check of plausibility: 350 ms on an A100 is 0.3 % for 175e9 parameters, more than 40 % not credible.
    Source: Chowdhery et al., 2022, PaLM, arXiv 2204.02311, appendix B, without its attention term.
    """
    return INFERENCE_FLOP_PER_PARAMETER * parameters_active / (seconds_per_token * peak_flops)
