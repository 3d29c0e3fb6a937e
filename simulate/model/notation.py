"""The units and constants of the model's equations."""

from typing import Annotated

from simulate.graph import Array, Bounds, Unit

RATIO = Annotated[Array, Unit("1")]  # and what is counted: accelerators, servers
SHARE = Annotated[Array, Unit("1"), Bounds(0, 1)]
PER_DAY = Annotated[Array, Unit("1/day")]
PER_YEAR = Annotated[Array, Unit("1/year")]

TOKEN = Annotated[Array, Unit("token")]
TOKEN_PER_DAY = Annotated[Array, Unit("token/day")]
TOKEN_PER_S = Annotated[Array, Unit("token/s")]

S = Annotated[Array, Unit("s")]
S_PER_TOKEN = Annotated[Array, Unit("s/token")]
H = Annotated[Array, Unit("h")]
DAY = Annotated[Array, Unit("day")]

B = Annotated[Array, Unit("B")]
B_PER_TOKEN = Annotated[Array, Unit("B/token")]
FLOP = Annotated[Array, Unit("FLOP")]
FLOP_PER_S = Annotated[Array, Unit("FLOP/s")]
FLOP_PER_TOKEN_PAIR = Annotated[Array, Unit("FLOP/token^2")]

KW = Annotated[Array, Unit("kW")]
WH = Annotated[Array, Unit("Wh")]
KWH = Annotated[Array, Unit("kWh")]
KWH_PER_DAY = Annotated[Array, Unit("kWh/day")]

USD = Annotated[Array, Unit("USD")]
USD_PER_H = Annotated[Array, Unit("USD/h")]
USD_PER_DAY = Annotated[Array, Unit("USD/day")]
USD_PER_MONTH = Annotated[Array, Unit("USD/month")]
USD_PER_YEAR = Annotated[Array, Unit("USD/year")]
USD_PER_KTOKEN = Annotated[Array, Unit("USD/ktoken")]

SECONDS_PER_HOUR: Annotated[float, Unit("s/h")] = 3_600.0
SECONDS_PER_DAY: Annotated[float, Unit("s/day")] = 86_400.0
HOURS_PER_DAY: Annotated[float, Unit("h/day")] = 24.0
DAYS_PER_YEAR: Annotated[float, Unit("day/year")] = 365.0
HOURS_PER_YEAR: Annotated[float, Unit("h/year")] = 8_760.0
MONTHS_PER_YEAR: Annotated[float, Unit("month/year")] = 12.0
WH_PER_KWH: Annotated[float, Unit("Wh/kWh")] = 1_000.0
TOKENS_PER_KTOKEN: Annotated[float, Unit("token/ktoken")] = 1_000.0

ONE_YEAR: Annotated[float, Unit("year")] = 1.0  # interest is compounded yearly
ONE_TOKEN: Annotated[float, Unit("token")] = 1.0  # a decoding step adds one to each sequence
DAILY: Annotated[float, Unit("1/day")] = 1.0  # how often a daily visitor comes

# A weight is multiplied and added once in the forward pass, and twice more in the backward pass.
INFERENCE_FLOP_PER_PARAMETER: Annotated[float, Unit("FLOP/token")] = 2.0
TRAINING_FLOP_PER_PARAMETER: Annotated[float, Unit("FLOP/token")] = 6.0
ATTENTION_FLOP: Annotated[float, Unit("FLOP/token^2")] = 2.0  # a token, a context token, a channel of a head

# An A100 and an H100, dense: between them, training falls behind the arithmetic that it could use.
EARLY_PEAK: Annotated[float, Unit("FLOP/s")] = 312e12
LATE_PEAK: Annotated[float, Unit("FLOP/s")] = 989e12
