"""Forecasts against outcomes: how well the bands held where the truth became known."""

from simulate.backtesting.backtest import backtest

__all__ = ["backtest"]
