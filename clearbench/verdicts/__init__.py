"""Verdicts from records: comparisons, gates, leaderboards. Nothing here loads a model."""
