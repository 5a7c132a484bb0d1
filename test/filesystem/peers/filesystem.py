"""An independent file system of the filesystem protocol, with the habits of existing ones: it
announces a port before it binds it, and drops a call after a second of silence.

usage: filesystem.py; prints {"port": …, "discovery": …}; keeps everything in memory."""
import json
import pickle
import socket
import threading
import time

import zmq
from wire import context, message, parse, reserve

TABLES = {
    "block": ["block_id", "state", "phase", "worker_ip", "worker_port"],
    "slices_url": ["slice_url", "block_id"],
    "result_url": ["result_url"],
    "block_result": ["block_id", "result_url"],
    "job": ["job_id", "tracker_ip_ping", "tracker_port_ping", "answer_ip", "answer_port",
            "status_phase", "map_data_url", "result_url", "job_state", "data_type"],
}
KEYS = {"block_result": 2}
files, databases, locked, guard = {}, {}, set(), threading.RLock()


def path_of(url):
    return "/".join(part for part in url.split("/") if part not in ("", "."))


def insert(db, table, **row):
    assert list(row) == TABLES[table], row
    key = [row[name] for name in TABLES[table][:KEYS.get(table, 1)]]
    rows = databases[path_of(db)][table]
    if not any([one[name] for name in TABLES[table][:len(key)]] == key for one in rows):
        rows.append(row)


def set_state(db, block, state):
    for row in databases[path_of(db)]["block"]:
        if row["block_id"] == block:
            row["state"] = state


def details(port):
    return parse(port.recv_string())[1]


def reply(port, name="OK", payload=None):
    port.send_string(message(name, payload))


def put_job(port, first):
    port.recv()
    db = first["job_id"] + "/database.sqlite3"
    with guard:
        databases.setdefault(db, {table: [] for table in TABLES})
        files[first["job_id"] + "/__init__.py"] = b""
    reply(port, "OK", {"job_url": "./" + first["job_id"], "database_url": db})


def put_data(port, first):
    held = b""
    while True:
        frame = port.recv()
        if not frame:
            break
        held += frame
        reply(port)
    files[path_of(first["file_url"])] = held
    reply(port)


def get_data(port, first):
    for line in files[path_of(first["file_url"])].splitlines(keepends=True) + [b""]:
        port.recv()
        port.send(line)


def append_block(port, first):
    second = details(port)
    assert len(second["data_urls"]) == first["block_size"]
    reply(port)
    with guard:
        set_state(first["status_db_url"], first["block_id"], "WRITING")
        for url, (key, values) in zip(second["data_urls"], second["pairs"]):
            name = path_of(url)
            before = pickle.loads(files[name])[1] if name in files else []
            files[name] = pickle.dumps((key, before + values))
        set_state(first["status_db_url"], first["block_id"], "DONE")


def insert_job(port, first):
    second = details(port)
    insert(first["status_db_url"], "job", **{name: second[name] for name in TABLES["job"]})
    reply(port)


def insert_block(port, first):
    second, db = details(port), first["status_db_url"]
    insert(db, "block", block_id=second["block_id"], state=second["state"],
           phase=second["phase"], worker_ip="", worker_port="")
    for url in second["slices_id"]:
        insert(db, "slices_url", slice_url=url, block_id=second["block_id"])
    reply(port)


def block_result(port, first):
    second, db = details(port), first["status_db_url"]
    for url in second["result_url"]:
        insert(db, "result_url", result_url=url)
        insert(db, "block_result", block_id=second["block_id"], result_url=url)
    reply(port)


def get_rows(port, first):
    second = details(port)
    found = [row for row in databases[path_of(first["status_db_url"])][second["table"]]
             if all(row[name] == value for name, value in second["filters"])]
    reply(port, "OK", {"rows": found})


def update_row(port, first):
    second = details(port)
    name, value = second["key"]
    for row in databases[path_of(first["status_db_url"])][second["table"]]:
        if row[name] == value:
            row.update({field: str(to) for field, to in second["fields_values"]})
    reply(port)


CALLS = {"PUTJOB": put_job, "PUTDATA": put_data, "GETDATA": get_data, "APPENDBLOCK": append_block,
         "INSERTJOB": insert_job, "INSERTBLOCK": insert_block, "BLOCKRESULT": block_result,
         "GETROWS": get_rows, "UPDATEROW": update_row}
DATABASE = ("APPENDBLOCK", "INSERTJOB", "INSERTBLOCK", "BLOCKRESULT", "GETROWS", "UPDATEROW")


def perform(call, reserved, payload, lock):
    time.sleep(0.05)
    port = context.socket(zmq.REP)
    port.setsockopt(zmq.LINGER, 1000)
    port.setsockopt(zmq.RCVTIMEO, 2000)
    port.bind("tcp://127.0.0.1:%d" % reserved.getsockname()[1])
    reserved.close()
    try:
        with guard if call in DATABASE and call != "APPENDBLOCK" else threading.Lock():
            CALLS[call](port, payload)
    except zmq.error.Again:
        pass
    finally:
        port.close()
        locked.discard(lock)


def problem(call, payload):
    if call in DATABASE and path_of(payload["status_db_url"]) not in databases:
        return {"info": "unable to open database file", "type_error": "FileNotFoundError"}
    name = path_of(payload.get("file_url", ""))
    if call == "GETDATA" and name not in files:
        info = "File does not exist: %s. I can't access this file right now." % name
        return {"info": info, "type_error": "FileNotFound"}
    if name and name in locked:
        return {"info": "locked", "type_error": "LockFileError"}
    return None


def answer_questions(at, asked):
    while True:
        data, sender = asked.recvfrom(1024)
        if data == b"Any worker there?":
            asked.sendto(pickle.dumps(at), sender)


def main():
    server = context.socket(zmq.REP)
    port = str(server.bind_to_random_port("tcp://127.0.0.1"))
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.bind(("127.0.0.1", 0))
    threading.Thread(target=answer_questions, args=(("127.0.0.1", port), asked),
                     daemon=True).start()
    print(json.dumps({"port": int(port), "discovery": asked.getsockname()[1]}), flush=True)
    while True:
        call, payload = parse(server.recv_string())
        if call == "REMOVEJOB":
            databases.pop(path_of(payload["job_url"]) + "/database.sqlite3", None)
            server.send_string(message("OK", {"info": "Operation successfully done."}))
            continue
        error = problem(call, payload)
        if error:
            server.send_string(message("ERROR", error))
            continue
        lock = path_of(payload.get("file_url", ""))
        if lock:
            locked.add(lock)
        reserved = reserve()
        number = str(reserved.getsockname()[1])
        server.send_string(message("OK", {"ip": "127.0.0.1", "port": number}))
        threading.Thread(target=perform, args=(call, reserved, payload, lock),
                         daemon=True).start()


main()
