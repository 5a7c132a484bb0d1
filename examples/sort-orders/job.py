"""Orders by their amount, greatest first; of equal amounts in the order of the files."""

from tequio import text

job = text.csv(["order", "customer", "amount"]).sort(
    name="sort orders", by="amount", order="descending", numeric=True, output="csv"
)
