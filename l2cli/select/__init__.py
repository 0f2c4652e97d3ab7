"""Choosing lambda and judging the choice."""
