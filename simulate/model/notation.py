"""The units and constants of the model's equations."""

from typing import Annotated

from simulate.graph import Array, Bounds, Unit

# Nothing that the model computes is a difference that may be negative, but for what is FREE of bounds.
RATIO = Annotated[Array, Unit("1"), Bounds(0)]  # and what is counted: accelerators, servers
ONE_OR_MORE = Annotated[Array, Unit("1"), Bounds(1)]
FREE = Annotated[Array, Unit("1")]
SHARE = Annotated[Array, Unit("1"), Bounds(0, 1)]
PER_DAY = Annotated[Array, Unit("1/day"), Bounds(0)]
PER_S = Annotated[Array, Unit("1/s"), Bounds(0)]
PER_YEAR = Annotated[Array, Unit("1/year"), Bounds(0)]

TOKEN = Annotated[Array, Unit("token"), Bounds(0)]
ONE_TOKEN_OR_MORE = Annotated[Array, Unit("token"), Bounds(1)]
TOKEN_S = Annotated[Array, Unit("token*s"), Bounds(0)]
TOKEN_PER_DAY = Annotated[Array, Unit("token/day"), Bounds(0)]
TOKEN_PER_S = Annotated[Array, Unit("token/s"), Bounds(0)]

S = Annotated[Array, Unit("s"), Bounds(0)]
S_PER_TOKEN = Annotated[Array, Unit("s/token"), Bounds(0)]
H = Annotated[Array, Unit("h"), Bounds(0)]
DAY = Annotated[Array, Unit("day"), Bounds(0)]

B = Annotated[Array, Unit("B"), Bounds(0)]
FREE_B = Annotated[Array, Unit("B")]
B_PER_S = Annotated[Array, Unit("B/s"), Bounds(0)]
B_PER_TOKEN = Annotated[Array, Unit("B/token"), Bounds(0)]
FLOP = Annotated[Array, Unit("FLOP"), Bounds(0)]
FLOP_PER_S = Annotated[Array, Unit("FLOP/s"), Bounds(0)]
FLOP_PER_TOKEN = Annotated[Array, Unit("FLOP/token"), Bounds(0)]
FLOP_PER_TOKEN_PAIR = Annotated[Array, Unit("FLOP/token^2"), Bounds(0)]

KW = Annotated[Array, Unit("kW"), Bounds(0)]
WH = Annotated[Array, Unit("Wh"), Bounds(0)]
KWH = Annotated[Array, Unit("kWh"), Bounds(0)]
KWH_PER_DAY = Annotated[Array, Unit("kWh/day"), Bounds(0)]

USD = Annotated[Array, Unit("USD"), Bounds(0)]
USD_PER_H = Annotated[Array, Unit("USD/h"), Bounds(0)]
USD_PER_DAY = Annotated[Array, Unit("USD/day"), Bounds(0)]
USD_PER_MONTH = Annotated[Array, Unit("USD/month"), Bounds(0)]
USD_PER_YEAR = Annotated[Array, Unit("USD/year"), Bounds(0)]
USD_PER_KTOKEN = Annotated[Array, Unit("USD/ktoken"), Bounds(0)]
USD_PER_MTOKEN = Annotated[Array, Unit("USD/Mtoken"), Bounds(0)]

SECONDS_PER_HOUR: Annotated[float, Unit("s/h")] = 3_600.0
SECONDS_PER_DAY: Annotated[float, Unit("s/day")] = 86_400.0
HOURS_PER_DAY: Annotated[float, Unit("h/day")] = 24.0
DAYS_PER_YEAR: Annotated[float, Unit("day/year")] = 365.0
HOURS_PER_YEAR: Annotated[float, Unit("h/year")] = 8_760.0
MONTHS_PER_YEAR: Annotated[float, Unit("month/year")] = 12.0
WH_PER_KWH: Annotated[float, Unit("Wh/kWh")] = 1_000.0
TOKENS_PER_KTOKEN: Annotated[float, Unit("token/ktoken")] = 1_000.0
TOKENS_PER_MTOKEN: Annotated[float, Unit("token/Mtoken")] = 1e6

ONE_YEAR: Annotated[float, Unit("year")] = 1.0  # interest is compounded yearly
ONE_TOKEN: Annotated[float, Unit("token")] = 1.0  # that a step adds to each sequence without a draft
DAILY: Annotated[float, Unit("1/day")] = 1.0  # how often a daily visitor comes

# A weight is multiplied and added once in the forward pass, and twice more in the backward pass.
INFERENCE_FLOP_PER_PARAMETER: Annotated[float, Unit("FLOP/token")] = 2.0
TRAINING_FLOP_PER_PARAMETER: Annotated[float, Unit("FLOP/token")] = 6.0
TRAINING_PASSES: Annotated[float, Unit("1")] = 3.0  # a backward pass takes twice what a forward pass does
ATTENTION_FLOP: Annotated[float, Unit("FLOP/token^2")] = 2.0  # a token, a context token, a channel of a head

ACTIVATION_BYTES: Annotated[float, Unit("B")] = 2.0  # of a value, in BF16
LATENCY_RANKS: Annotated[float, Unit("1")] = 8.0  # more of them wait no longer for each other

# An A100 and an H100, dense, in 16 bits: between them, training falls behind the arithmetic that it could use.
EARLY_PEAK: Annotated[float, Unit("FLOP/s")] = 312e12
LATE_PEAK: Annotated[float, Unit("FLOP/s")] = 989e12
