"""Verdicts from records: comparisons, gates, leaderboards, reports. Nothing here loads a model."""
