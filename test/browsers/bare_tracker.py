"""A JobTracker, written from the document of the browser protocol alone, and two browsers of it. Argument:
address of the WebSocket. Prints `ok` when all messages were as the document has them."""
import asyncio
import json
import sys

import websockets

keys = ["action", "data", "message", "status"]


def say(action, data):
    return json.dumps({"status": 1, "message": "", "action": action, "data": data})


async def hear(link):
    while True:
        message = json.loads(await asyncio.wait_for(link.recv(), 10))
        assert sorted(message) == keys, message
        if message["action"] == "ping":
            await link.send(say("pong", {}))
        else:
            return message["action"], message["data"], message["status"]


async def main(address):
    early = await websockets.connect(address)
    await early.send(say("connect", {"speed": 7}))
    tracker = await websockets.connect(address)
    await tracker.send(say("tracker", {}))
    action, known, _ = await hear(tracker)
    assert action == "connect" and sorted(known) == ["speed", "uid"] and known["speed"] == 7
    assert isinstance(known["uid"], int) and known["uid"] < 2**53
    other = await websockets.connect(address)
    await other.send(say("tracker", {}))
    action, _, status = await hear(other)
    assert action == "tracker" and status == 0
    late = await websockets.connect(address)
    # Rounded by JavaScript's toFixed(1), a text; 1 / 0 is null in JSON.
    await late.send(say("connect", {"speed": "9.7"}))
    action, fresh, _ = await hear(tracker)
    assert action == "connect" and fresh["uid"] != known["uid"] and fresh["speed"] == 9
    task = {"type": "m", "uid": known["uid"], "tid": 2147483647, "url": ["10.0.0.2:80/an input ñ"]}
    await tracker.send(say("task", task))
    action, data, _ = await hear(early)
    assert action == "task" and data == {key: task[key] for key in ["type", "tid", "url"]}
    results = ["http://host/r0", "http://host/r1"]
    await early.send(say("finish", {"type": "m", "tid": 2147483647, "url": results}))
    action, data, _ = await hear(tracker)
    assert action == "finish" and data == {**task, "url": results}
    # Failed, so with status 0; the reason is in its data.
    failed = json.loads(say("error", {"error": "out of order"}))
    await late.send(json.dumps({**failed, "status": 0}))
    action, data, _ = await hear(tracker)
    assert action == "error" and data == {"uid": fresh["uid"], "error": "out of order"}
    await late.close()
    action, data, _ = await hear(tracker)
    assert action == "disconnect" and data == {"uid": fresh["uid"]}
    for link in (early, tracker, other):
        await link.close()
    print("ok", flush=True)


asyncio.run(main(sys.argv[1]))
