"""Joins orders with the users who made them: two inputs of different formats meet at their key."""

from tequio import csv, map_reduce, ndjson


def summed(user_id, rows):
    user, orders, cents = {}, 0, 0
    for row in rows:
        if "user" in row:
            user = row["user"]
        else:
            orders += 1
            cents += row["cents"]
    return {"name": user.get("name"), "city": user.get("city"), "orders": orders, "cents": cents}


job = map_reduce(
    name="users and orders",
    inputs={
        "users": {"input": csv(), "map": lambda user, emit: emit(user["id"], {"user": user})},
        "orders": {
            "input": ndjson(),
            "map": lambda order, emit: emit(order["user"], {"cents": order["cents"]}),
        },
    },
    reduce=summed,
    output="csv",
)
