"""Sums up what was sold in each city. No Python runs on the workers: the job is plain data."""

from tequio import text

job = text.csv(["city", "amount"]).by("city").sum("amount", name="sales by city")
