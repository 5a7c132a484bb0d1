"""An independent client of the filesystem protocol, written from its documents alone.

usage: peer.py FILESYSTEM_PORT DISCOVERY_PORT; prints OK when everything held."""
import hashlib
import json
import pickle
import socket
import sys
import time

import zmq

port, discovery = sys.argv[1], int(sys.argv[2])
context = zmq.Context()


def message(name, payload):
    return "%s %d %s" % (name, len(payload), json.dumps(payload))


def parse(text):
    name, count, payload = text.split(" ", 2)
    payload = {} if int(count) == 0 else json.loads(payload)
    assert len(payload) == int(count), text
    return name, payload


def connect(to):
    made = context.socket(zmq.REQ)
    made.setsockopt(zmq.LINGER, 0)
    made.setsockopt(zmq.RCVTIMEO, 8000)
    made.connect("tcp://127.0.0.1:%s" % to)
    return made


def ask(to, frame):
    asking = connect(to)
    asking.send(frame if isinstance(frame, bytes) else frame.encode())
    answer = asking.recv()
    asking.close()
    return answer


def begin(name, payload):
    said, answer = parse(ask(port, message(name, payload)).decode())
    assert said == "OK" and sorted(answer) == ["ip", "port"], (name, said, answer)
    assert isinstance(answer["port"], str)
    return answer["port"]


def put(file_url, chunks, byte=True):
    # One socket for all of it, as clients do; trackers open one for each line.
    data = connect(begin("PUTDATA", {"file_url": file_url, "byte": byte}))
    for chunk in list(chunks) + [b""]:
        data.send(chunk)
        assert data.recv() == b"OK 0 {}"
    data.close()


def get(file_url, first="OK 0 {}"):
    data = connect(begin("GETDATA", {"file_url": file_url, "byte": True}))
    lines = []
    data.send_string(first)
    while True:
        line = data.recv()
        if line == b"":
            break
        lines.append(line)
        data.send_string("OK 0 {}")
    data.close()
    assert all(line.endswith(b"\n") for line in lines[:-1])
    return b"".join(lines)


def two(name, first, second):
    return parse(ask(begin(name, first), message(name, second)).decode())


# PUTJOB as deployed, and odd data.
assert parse(ask(begin("PUTJOB", {"job_id": "job1"}), "OK 0 {}").decode()) == (
    "OK", {"job_url": "./job1", "database_url": "job1/database.sqlite3"})
odd = [b"", b"\n", b"\n\n\n", b"a\r\nb", bytes(range(256)) * 40, "ñ\u2028\n\U0001f600".encode(),
       b"x" * 3_000_000, pickle.dumps([("k", 1)])]
for index, data in enumerate(odd):
    url = "./job1/odd %d" % index
    put(url, [data[at:at + 70_000] for at in range(0, len(data), 70_000)])
    assert get(url) == data, index
    # The document asks with GETDATA again.
    assert get(url, message("GETDATA", {"file_url": url, "bytes": True})) == data
assert get("job1/__init__.py") == b""

# PUTJOB of the document: files by PUTDATA on the new socket, then STOP.
files = ["functions.py", "data.txt"]
job = connect(begin("PUTJOB", {"job_hash": "job2", "files": files}))
for name in files:
    job.send_string(message("PUTDATA", {"file_url": name, "bytes": False}))
    said, address = parse(job.recv().decode())
    assert said == "OK"
    data = connect(address["port"])
    for frame in [("of %s\n" % name).encode(), b"\n", b""]:
        data.send(frame)
        assert data.recv() == b"OK 0 {}"
    data.close()
job.send_string("STOP 0 {}")
said, answer = parse(job.recv().decode())
assert answer["files_url"] == ["job2/functions.py", "job2/data.txt", "job2/database.sqlite3"]
assert get("job2/data.txt") == b"of data.txt\n\n"
assert get("job2/database.sqlite3").startswith(b"SQLite format 3\0")

# The database.
db = {"status_db_url": "job1/database.sqlite3"}
columns = ["job_id", "tracker_ip_ping", "tracker_port_ping", "answer_ip", "answer_port",
           "status_phase", "map_data_url", "result_url", "job_state", "data_type"]
row = {column: "v'; DROP TABLE job; -- %s" % column for column in columns}
assert two("INSERTJOB", db, row) == ("OK", {})
assert two("INSERTJOB", db, dict(row, data_type="other")) == ("OK", {})
assert two("GETROWS", db, {"table": "job", "filters": []}) == ("OK", {"rows": [row]})
raw = ask(begin("GETROWS", db), message("GETROWS", {"table": "job", "filters": []})).decode()
assert list(json.loads(raw.split(" ", 2)[2])["rows"][0]) == columns
block = {"block_id": "map_0", "state": "ADDED", "phase": "map", "slices_id": ["job1/s0", "job1/s1"]}
assert two("INSERTBLOCK", {"db_url": "job1/database.sqlite3"}, block) == ("OK", {})
slices = two("GETROWS", db, {"table": "slices_url", "filters": [["block_id", "map_0"]]})[1]["rows"]
assert slices == [{"slice_url": u, "block_id": "map_0"} for u in ["job1/s0", "job1/s1"]]
update = {"table": "block", "key": ["block_id", "map_0"],
          "fields_values": [["state", "SUBMITTED"], ["worker_ip", "10.0.0.3"]]}
assert two("UPDATEROW", db, update) == ("OK", {})
assert two("BLOCKRESULT", db, {"block_id": "map_0", "result_url": ["job1/r"]}) == ("OK", {})
assert two("BLOCKRESULT", db, {"block_id": "map_0", "result_urls": ["job1/r"]}) == ("OK", {})
found = two("GETROWS", db, {"table": "block_result", "filters": []})[1]["rows"]
assert found == [{"block_id": "map_0", "result_url": "job1/r"}]


def state():
    wanted = {"table": "block", "filters": [["block_id", "map_0"], ["phase", "map"]]}
    return two("GETROWS", db, wanted)[1]["rows"][0]["state"]


# APPENDBLOCK: pickles that Python reads, and extends files that Python has written.
def url(key):
    return "job1/map_result_" + hashlib.sha1(str(key).encode()).hexdigest()


keys = ["the", 7, 2.5, None, True, ["a", 1], "ñ", 10 ** 30]
values = [1, -1, 1.0, 1e300, "é", None, False, 2 ** 64, [1, [2]], {"a": {"b": 1}}]
put(url("the"), [pickle.dumps(("the", [(1, 2), b"bytes"]), protocol=3)])
for _ in range(2):
    pairs = [[key, values] for key in keys]
    first = dict(db, block_size="8", block_id="map_0")
    assert two("APPENDBLOCK", first, {"data_urls": [url(k) for k in keys], "pairs": pairs})[0] == "OK"
    until = time.time() + 20
    while state() != "DONE":
        assert time.time() < until, state()
    two("UPDATEROW", db, dict(update, fields_values=[["state", "SUBMITTED"]]))
for key in keys:
    before = [(1, 2), b"bytes"] if key == "the" else []
    read = pickle.loads(get(url(key)))
    assert read == (key, before + values * 2), read
    assert [type(v) for v in read[1]] == [type(v) for v in before + values * 2]

# Refusals in the words that deployed peers act on.
assert parse(ask(port, message("GETDATA", {"file_url": "job1/none", "byte": True})).decode()) == (
    "ERROR", {"info": "File does not exist: job1/none. I can't access this file right now.",
              "type_error": "FileNotFound"})
assert parse(ask(port, message("GETROWS", {"status_db_url": "no/database.sqlite3"})).decode()) == (
    "ERROR", {"info": "unable to open database file", "type_error": "FileNotFoundError"})
removal = message("REMOVEJOB", {"job_url": "./job2"})
assert ask(port, removal) == b'OK 1 {"info": "Operation successfully done."}'
assert ask(port, removal) == b'ERROR 1 {"info": "404: Job not found"}'

# Discovery.
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(5)
asking.sendto(b"Any worker there?", ("127.0.0.1", discovery))
answer = asking.recv(1024)
assert answer == pickle.dumps(("127.0.0.1", port), protocol=4), answer
print("OK zmq %s, libzmq %s" % (zmq.__version__, zmq.zmq_version()))
