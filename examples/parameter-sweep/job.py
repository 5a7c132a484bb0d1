"""Runs a model of an epidemic for many settings: each a task of its own."""

from tequio import tasks

PEOPLE = 100_000
DAYS = 200


def simulate(setting):
    """How many are ill on the worst day, and in all. `setting`: [people that an ill person infects a
    day, days of illness]."""
    rate, days_ill = setting
    well, ill, worst = float(PEOPLE - 10), 10.0, 10.0
    for _ in range(DAYS):
        infected = min(well, rate * ill * well / PEOPLE)
        well -= infected
        ill += infected - ill / days_ill
        worst = max(worst, ill)
    return {"rate": rate, "days": days_ill, "worst": round(worst), "all": round(PEOPLE - well)}


def settings(params):
    """Every rate with every length of illness."""
    rates = [step / 10 for step in range(1, params["rates"] + 1)]
    return [[rate, days] for rate in rates for days in (4, 7, 10)]


job = tasks(name="parameter sweep", params={"rates": 6}, items=settings, run=simulate)
