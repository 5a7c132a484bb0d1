"""The k hottest readings of every station, and of all of them."""

from tequio import csv, map_reduce

# The longest list that a job can be asked for: lists of this length travel.
_K_MAX = 100


def hottest(readings, k):
    return sorted(readings, key=lambda one: (-one[0], one[1], one[2]))[:k]


def number(text):
    celsius = float(text)
    return int(celsius) if celsius.is_integer() else celsius


def reading(row, emit):
    hot = [number(row["celsius"]), int(row["year"]), row["station"]]
    emit(row["station"], [hot])
    emit("(all)", [hot])


def chosen(station, lists, context):
    every = [one for some in lists for one in some]
    return hottest(every, min(context.params["k"], _K_MAX))


job = map_reduce(
    name="top k",
    params={"k": 3},
    input=csv(),
    map=reading,
    # Never more than `_K_MAX` of each key travel, however many readings there are.
    combine=lambda a, b: hottest(a + b, _K_MAX),
    reduce=chosen,
    sort="descending",
)
