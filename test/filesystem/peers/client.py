"""An independent client of the filesystem protocol: submits a job and waits for its end, in the
order of existing clients.

usage: client.py WORKER_PORT FUNCTIONS DATA; prints lines of JSON."""
import hashlib
import json
import sys

import zmq
from wire import ask, begin, connect, get_object, is_alive, parse, put, reserve, rows, context


def say(**said):
    print(json.dumps(said), flush=True)


def extra_info(paths):
    extra = ""
    for path in paths:
        with open(path) as file:
            for _ in range(5):
                extra += hashlib.sha1(file.readline().encode()).hexdigest()
        extra = hashlib.sha1(extra.encode()).hexdigest()
    return extra


def chunks(path):
    """Whole lines, of at least 500 characters."""
    held = ""
    with open(path) as file:
        for line in file:
            held += line
            if len(held) >= 500:
                yield held.encode()
                held = ""
    if held:
        yield held.encode()


def put_file(fs, url, path):
    # One socket; the answer to the last, empty frame is not read.
    data = connect(begin(fs, "PUTDATA", {"file_url": url, "byte": False}))
    for chunk in chunks(path):
        data.send(chunk)
        assert data.recv() == b"OK 0 {}"
    data.send(b"")
    data.close(linger=1000)


def main():
    worker, functions, data = ["127.0.0.1", sys.argv[1]], sys.argv[2], sys.argv[3]
    said, answer = ask(worker, "JOBREG", {"files": [functions, data],
                                          "extra_info": extra_info([functions, data])}, 5000)
    assert said == "OK", answer
    job, trackers, fs = answer["job_id"], answer["trackers_addr"], answer["filesystem"][0]
    assert job == hashlib.sha1((functions + data + extra_info([functions, data])).encode()).hexdigest()
    place = begin(fs, "PUTJOB", {"job_id": job})
    said, answer = ask(place, "OK")
    job_url, db = answer["job_url"], answer["database_url"]
    put_file(fs, job + "/functions.py", functions)
    put_file(fs, job + "/map_data", data)
    # Existing clients choose the port now, and bind it only when JOB is answered.
    reserved = reserve()
    listener = ["127.0.0.1", str(reserved.getsockname()[1])]
    tracker = trackers.pop()
    request = {"job_url": job_url, "job_id": job, "data_type": "text", "client_addr": listener,
               "functions_url": job + "/functions.py", "map_data_url": job + "/map_data",
               "status_db_url": db}
    said, answer = ask(tracker, "JOB", request, 5000)
    assert said == "OK", answer
    ping = [answer["ping_tracker_ip"], answer["ping_tracker_port"]]
    say(job=job, ping=ping, listener=listener, db=db, fs=fs)
    waiting = context.socket(zmq.REP)
    waiting.bind("tcp://%s:%s" % tuple(listener))
    reserved.close()
    phases = []
    while True:
        if not waiting.poll(1000):
            try:
                for row in rows(fs, db, "job", ["job_id", job]):
                    if (row["job_state"], row["status_phase"]) not in phases:
                        phases.append((row["job_state"], row["status_phase"]))
            except zmq.error.Again:
                # Existing clients show it in a process of its own, which may end.
                pass
            if not is_alive(ping) and not is_alive(ping):
                # The next tracker of the list takes it over.
                tracker = trackers.pop()
                said, answer = ask(tracker, "JOB", request, 5000)
                assert said == "OK", answer
                ping = [answer["ping_tracker_ip"], answer["ping_tracker_port"]]
                say(retried=ping)
            continue
        name, payload = parse(waiting.recv_string())
        waiting.send_string("OK 0 {}")
        if name == "RELOCATE":
            say(relocated=payload)
            ping = [payload["ping_tracker_ip"], payload["ping_tracker_port"]]
            continue
        break
    if name == "ERROR":
        say(error=payload)
        return
    result = get_object(fs, payload["result_url"])
    assert isinstance(result, list) and all(isinstance(pair, tuple) for pair in result)
    say(done=payload["result_url"], result=[list(pair) for pair in result], phases=phases,
        job_rows=rows(fs, db, "job"), blocks=rows(fs, db, "block"),
        slices=rows(fs, db, "slices_url"))


main()
