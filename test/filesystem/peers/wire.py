"""What the independent peers of the tests have in common: messages and calls of the filesystem
protocol, written from its documents alone."""
import json
import pickle
import random
import socket

import zmq

context = zmq.Context()


def message(name, payload=None):
    payload = payload or {}
    return "%s %d %s" % (name, len(payload), json.dumps(payload))


def parse(text):
    name, count, payload = text.split(" ", 2)
    payload = {} if int(count) == 0 else json.loads(payload)
    assert len(payload) == int(count), text
    return name, payload


def connect(address, timeout=8000):
    made = context.socket(zmq.REQ)
    made.setsockopt(zmq.LINGER, 0)
    made.setsockopt(zmq.RCVTIMEO, timeout)
    made.connect("tcp://%s:%s" % tuple(address))
    return made


def ask_raw(address, frame, timeout=8000):
    """A socket for every message, as trackers and executors do it."""
    asking = connect(address, timeout)
    try:
        asking.send(frame if isinstance(frame, bytes) else frame.encode())
        return asking.recv()
    finally:
        asking.close()


def ask(address, name, payload=None, timeout=8000):
    return parse(ask_raw(address, message(name, payload), timeout).decode())


def is_alive(address):
    try:
        return ask(address, "PING", timeout=1500)[0] == "OK"
    except zmq.error.Again:
        return False


def listen(host="127.0.0.1"):
    """A REP socket on a port that the system picks, and its address."""
    made = context.socket(zmq.REP)
    made.setsockopt(zmq.LINGER, 1000)
    port = made.bind_to_random_port("tcp://" + host)
    return made, [host, str(port)]


def reserve():
    """Binds a port that no other program is given, and that ZeroMQ can bind beside this socket,
    since both may reuse it."""
    while True:
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind(("127.0.0.1", random.randrange(8080, 65534, 2)))
            return held
        except OSError:
            held.close()


def begin(fs, name, payload):
    said, answer = ask(fs, name, payload)
    assert said == "OK", (name, payload, said, answer)
    return [answer["ip"], answer["port"]]


def two(fs, name, first, second):
    said, answer = ask(begin(fs, name, first), name, second)
    assert said == "OK", (name, second, said, answer)
    return answer


def put(fs, url, chunks, byte=False):
    place = begin(fs, "PUTDATA", {"file_url": url, "byte": byte})
    for chunk in list(chunks) + [b""]:
        assert ask_raw(place, chunk) == b"OK 0 {}", url


def get(fs, url, byte=True):
    data = connect(begin(fs, "GETDATA", {"file_url": url, "byte": byte}))
    lines = []
    while True:
        data.send_string("OK 0 {}")
        line = data.recv()
        if line == b"":
            break
        lines.append(line)
    data.close()
    return b"".join(lines)


def get_object(fs, url):
    return pickle.loads(get(fs, url))


def rows(fs, db, table, *filters):
    payload = {"table": table, "filters": [list(one) for one in filters]}
    return two(fs, "GETROWS", {"status_db_url": db}, payload)["rows"]


def update(fs, db, table, key, **values):
    fields = [[name, value] for name, value in values.items()]
    payload = {"table": table, "key": list(key), "fields_values": fields}
    two(fs, "UPDATEROW", {"status_db_url": db}, payload)
