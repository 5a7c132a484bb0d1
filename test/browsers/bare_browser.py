"""A basic browser, written from the document of the browser protocol alone: counts words. Arguments:
address of the WebSocket, base of the files, reducers."""
import asyncio
import collections
import json
import sys
import urllib.request
import zlib

import websockets


def get(base, url):
    return urllib.request.urlopen(url if url.startswith("http") else base + url).read()


def put(base, url, body):
    request = urllib.request.Request(base + url, data=body, method="PUT")
    return json.loads(urllib.request.urlopen(request).read())["url"]


def say(action, data):
    return json.dumps({"status": 1, "message": "", "action": action, "data": data})


def compute(base, data, reducers):
    place = data["url"][0].rsplit("/in/", 1)[0]
    if data["type"] == "m":
        counted = collections.Counter(get(base, data["url"][0]).decode().split())
        parts = [[] for _ in range(reducers)]
        for word, count in counted.items():
            parts[zlib.crc32(word.encode()) % reducers].append(json.dumps([word, count]))
        return [put(base, f"{place}/out/{i}", "\n".join(p).encode()) for i, p in enumerate(parts)]
    total = collections.Counter()
    for url in data["url"]:
        for line in get(base, url).decode().splitlines():
            word, count = json.loads(line)
            total[word] += count
    rows = (
        json.dumps({"key": word, "value": count}, ensure_ascii=False, separators=(",", ":")) + "\n"
        for word, count in sorted(total.items(), key=lambda pair: pair[0].encode())
    )
    return [put(base, f"{place}/out/0", "".join(rows).encode())]


async def main(socket, base, reducers):
    async with websockets.connect(socket) as link:
        await link.send(say("connect", {"speed": 10000}))
        print("connected", flush=True)
        async for text in link:
            message = json.loads(text)
            assert sorted(message) == ["action", "data", "message", "status"], text
            if message["action"] == "ping":
                await link.send(say("pong", {}))
            elif message["action"] == "task":
                data = message["data"]
                assert "uid" not in data, text
                url = compute(base, data, reducers)
                done = {"type": data["type"], "tid": data["tid"], "url": url}
                await link.send(say("finish", done))


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
