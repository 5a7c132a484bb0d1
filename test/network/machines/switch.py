"""A switch between machines that are network namespaces: a TAP device for each, and for each
direction of each cable a rate, a delay, a loss, the largest frame that passes, and whether anything
does; "nat" lets no connection begin in that direction. Commands come as lines of JSON on standard input; each is answered by a line.

    {"add": "tap0"}                       makes a device; it may be moved to a namespace then
    {"set": "tap0", "way": "up", "rate": 1.25e6, "delay": 0.04, "loss": 0.005, "mtu": 1400}
    {"set": "tap0", "way": "down", "to": "tap1", "block": true}
    {"count": true}                       bytes that each direction has carried, by device

Up: from the machine to the switch. Rate in bytes/s (0 = any), delay in s, loss 0 to 1.
"""

import fcntl
import heapq
import json
import os
import random
import selectors
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
# What waits for a slow cable, at most: so many seconds of it, as routers have.
QUEUE_S, QUEUE_MIN = 0.1, 128 * 1024


class Way:
    """One direction of one cable."""

    def __init__(self):
        self.rate, self.delay, self.loss, self.mtu = 0.0, 0.0, 0.0, 0
        self.down, self.nat = False, False
        self.free_at = 0.0
        self.carried = 0

    def take(self, now, frame):
        """When a frame is through; None: it is lost."""
        size = len(frame)
        if self.down or (self.mtu and size > self.mtu + 14) or (self.nat and dials(frame)):
            return None
        if self.loss and chance.random() < self.loss:
            return None
        if not self.rate:
            self.carried += size
            return now + self.delay
        begin = max(now, self.free_at)
        if (begin - now) * self.rate > max(QUEUE_MIN, self.rate * QUEUE_S):
            return None
        self.free_at = begin + size / self.rate
        self.carried += size
        return self.free_at + self.delay


def dials(frame):
    """Whether it begins a TCP connection over IPv4."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return False
    flags = frame[14 + (frame[14] & 15) * 4 + 13]
    return flags & 0x12 == 0x02


class Port:
    def __init__(self, name):
        self.name, self.up, self.down, self.blocked = name, Way(), Way(), set()
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        flags = struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI)
        fcntl.ioctl(self.fd, TUNSETIFF, flags)


chance = random.Random(1)
ports, places, waiting, count = {}, {}, [], 0
selector = selectors.DefaultSelector()


def send(port, frame):
    try:
        os.write(port.fd, frame)
    except OSError:
        pass  # The device is down: as a cable that is not plugged in.


def later(at, step, port, frame):
    global count
    count += 1
    heapq.heappush(waiting, (at, count, step, port, frame))


def from_machine(port):
    for _ in range(64):
        try:
            frame = os.read(port.fd, 65536)
        except OSError:
            return
        places[frame[6:12]] = port
        at = port.up.take(time.monotonic(), frame)
        if at is not None:
            later(at, 0, port, frame)


def through(port, frame, now):
    """From the switch to the machines that it is for."""
    known = places.get(frame[0:6])
    for to in [known] if known else ports.values():
        if to is port or to.name in port.blocked:
            continue
        at = to.down.take(now, frame)
        if at is not None:
            later(at, 1, to, frame)


def command(line):
    asked = json.loads(line)
    if "count" in asked:
        counts = {name: [port.up.carried, port.down.carried] for name, port in ports.items()}
        print(json.dumps(counts), flush=True)
        return
    if "add" in asked:
        port = ports[asked["add"]] = Port(asked["add"])
        selector.register(port.fd, selectors.EVENT_READ, port)
    else:
        port = ports[asked["set"]]
        if "to" in asked:
            (port.blocked.add if asked["block"] else port.blocked.discard)(asked["to"])
        for way in ["up", "down"] if asked.get("way", "both") == "both" else [asked["way"]]:
            for name in ["rate", "delay", "loss", "mtu", "down", "nat"]:
                if name in asked:
                    setattr(getattr(port, way), name, asked[name])
    print("{}", flush=True)


def main():
    # On a busy machine the cables would have other rates and delays than they were given.
    os.nice(-20)
    os.set_blocking(0, False)
    selector.register(0, selectors.EVENT_READ, None)
    rest = b""
    while True:
        limit = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in selector.select(limit):
            if key.data is not None:
                from_machine(key.data)
                continue
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                command(line)
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, step, port, frame = heapq.heappop(waiting)
            if step == 0:
                through(port, frame, now)
            else:
                send(port, frame)


if __name__ == "__main__":
    sys.exit(main())
