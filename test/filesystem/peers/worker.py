"""An independent Worker of the filesystem protocol: it executes tasks, and tracks jobs whose tasks
it gives to the workers that it learns of, with the habits of existing ones.

usage: worker.py FILESYSTEM_PORT [WORKER_PORT…]; prints {"port": …} and each task and job. Without
other workers its tasks are its own. A task whose block is named `--die BLOCK` ends the program."""
import hashlib
import json
import os
import pickle
import sys
import threading

import zmq
from wire import ask, context, get, get_object, is_alive, listen, message, parse, put, rows, two, \
    update

die = sys.argv[sys.argv.index("--die") + 1] if "--die" in sys.argv else None
numbers = [one for one in sys.argv[1:] if one.isdigit()]
fs = ["127.0.0.1", numbers[0]]
others = [["127.0.0.1", number] for number in numbers[1:]]
# Blocks that the tracker in this program gives out, until it has called them SUBMITTED.
given = {}


said_one = threading.Lock()


def say(**said):
    # `print` writes the end of a line by itself, and other threads write before it.
    with said_one:
        print(json.dumps(said), flush=True)


def answer_pings(port, over):
    while not over.is_set():
        if port.poll(100):
            port.recv()
            port.send_string("OK 0 {}")
    port.close()


def ping_port():
    port, address = listen()
    over = threading.Event()
    threading.Thread(target=answer_pings, args=(port, over), daemon=True).start()
    return address, over


def until_end(over, work, *args, **payload):
    """Existing executors and trackers are processes: their pings end with them, however that is."""
    try:
        work(*args, **payload)
    finally:
        over.set()


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def grouped(pairs):
    groups = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups.items()


def execute(me, ping, job_url, job_id, function_url, block_urls, task, answer_addr, load_byte,
            status_db_url, block_id):
    if block_id == die:
        say(died=block_id)
        os._exit(1)
    update(fs, status_db_url, "block", ["block_id", block_id], state="SUBMITTED",
           worker_ip=ping[0], worker_port=ping[1])
    say(executing=block_id)
    functions = {}
    exec(get(fs, function_url, False).decode(), functions)
    results = []
    for url in block_urls:
        if task == "map":
            text = get_object(fs, url) if load_byte else get(fs, url, False).decode()
            results += functions["mapper"](job_url, text)
        else:
            results.append(functions["reducer"](*get_object(fs, url)))
    # Existing executors ask around for two seconds here, and find that the tracker was faster.
    if (job_id, block_id) in given:
        given.pop((job_id, block_id)).wait()
    owner = rows(fs, status_db_url, "slices_url", ["slice_url", block_urls[0]])[0]["block_id"]
    assert owner == block_id, (owner, block_id)
    if rows(fs, status_db_url, "block", ["block_id", block_id])[0]["state"] != "DONE":
        if task == "map":
            pairs = [functions["combiner"](*group) for group in grouped(results)]
            urls = ["%s/map_result_%s" % (job_url, sha1(str(key))) for key, _ in pairs]
            first = {"block_size": len(urls), "status_db_url": status_db_url, "block_id": block_id}
            second = {"data_urls": urls, "pairs": [(key, [value]) for key, value in pairs]}
            two(fs, "APPENDBLOCK", first, second)
        else:
            urls = ["%s/reduce_result_%s" % (job_url, sha1("".join(block_urls)))]
            put(fs, urls[0], [pickle.dumps(results)], True)
        two(fs, "BLOCKRESULT", {"status_db_url": status_db_url},
            {"block_id": block_id, "result_url": urls})
        if task == "reduce":
            update(fs, status_db_url, "block", ["block_id", block_id], state="DONE")
    say(executed=block_id)
    ask(answer_addr, "DONE", {"worker_addr": me, "block_id": block_id})
    ask(me, "DONE", {"role": "task"})


def make_slices(url, job_url):
    urls, held = [], ""
    for line in get(fs, url, False).decode().splitlines(keepends=True) + [None]:
        held += line or ""
        if len(held) >= 500 or line is None:
            urls.append("%s/%d_map_slice" % (job_url, len(urls)))
            put(fs, urls[-1], [held.encode()] if held else [])
            held = ""
    return urls


def compute(me, job, phase, slices):
    db, targets = job["status_db_url"], others or [me]
    capacities = [ask(worker, "STATUS")[1] for worker in targets]
    assert all(set(one) == {"current_task_cap", "current_job_cap"} for one in capacities)

    def set_phase(name):
        update(fs, db, "job", ["job_id", job["job_id"]], status_phase=name, job_state=phase)

    set_phase("SLICES")
    count = len(targets)
    blocks = [block for block in (slices[i::count] for i in range(count)) if block]
    for index, block in enumerate(blocks):
        two(fs, "INSERTBLOCK", {"status_db_url": db}, {
            "block_id": "%s_%d" % (phase, index), "state": "ADDED", "phase": phase,
            "slices_id": block})
    set_phase("SENDTASK")
    named = [("%s_%d" % (phase, index), block) for index, block in enumerate(blocks)]
    return hand_out(me, job, phase, named)


def hand_out(me, job, phase, named):
    db, targets = job["status_db_url"], others or [me]
    answers, answer_addr = listen()

    def set_phase(name):
        update(fs, db, "job", ["job_id", job["job_id"]], status_phase=name, job_state=phase)

    for index, (block_id, block) in enumerate(named):
        worker = targets[index % len(targets)]
        submitted = threading.Event()
        if worker == me:
            given[(job["job_id"], block_id)] = submitted
        name, answer = ask(worker, "TASK", {
            "job_url": job["job_url"], "job_id": job["job_id"],
            "function_url": job["functions_url"], "block_urls": block, "task": phase,
            "answer_addr": answer_addr, "load_byte": phase == "reduce", "status_db_url": db,
            "block_id": block_id})
        assert name == "OK", answer
        ping = [answer["task_ping_ip"], answer["task_ping_port"]]
        # Existing trackers write it then, whatever has become of the block meanwhile.
        update(fs, db, "block", ["block_id", block_id], state="SUBMITTED",
               worker_ip=ping[0], worker_port=ping[1])
        submitted.set()
        say(given=phase, alive=is_alive(ping))
    set_phase("WAITANSWERS")
    waiting = {block_id for block_id, _ in named}
    while waiting:
        name, payload = parse(answers.recv_string())
        if name == "ERROR":
            # Existing trackers never answer it.
            return payload
        answers.send_string("OK 0 {}")
        say(answered=payload["block_id"], worker=payload["worker_addr"])
        waiting.discard(payload["block_id"])
    while any(row["state"] in ("SUBMITTED", "WRITING")
              for row in rows(fs, db, "block", ["phase", phase])):
        pass
    set_phase("GETRESULTS")
    return None


def take_over(me, ping, job, found):
    """Existing trackers take only the case tried here: blocks that are SUBMITTED, whose executor
    answers no pings, go to workers again, under their names."""
    db = job["status_db_url"]
    assert (found["job_state"], found["status_phase"]) == ("map", "WAITANSWERS"), found
    assert not is_alive([found["tracker_ip_ping"], found["tracker_port_ping"]])
    update(fs, db, "job", ["job_id", job["job_id"]], tracker_ip_ping=ping[0],
           tracker_port_ping=ping[1])
    say(tookover=job["job_id"])
    blocks = [row for row in rows(fs, db, "block", ["phase", "map"])
              if row["state"] == "SUBMITTED"]
    # All have one executor, which may answer for a moment, when it starts again.
    while any(is_alive([row["worker_ip"], row["worker_port"]]) for row in blocks[:1]):
        pass
    named = [(row["block_id"],
              [one["slice_url"] for one in rows(fs, db, "slices_url", ["block_id", row["block_id"]])])
             for row in blocks]
    return hand_out(me, job, "map", named)


def track(me, ping, **job):
    db, result_url = job["status_db_url"], job["job_url"] + "/result_data"
    found = rows(fs, db, "job", ["job_id", job["job_id"]])
    two(fs, "INSERTJOB", {"status_db_url": db}, {
        "job_id": job["job_id"], "tracker_ip_ping": ping[0], "tracker_port_ping": ping[1],
        "answer_ip": job["client_addr"][0], "answer_port": job["client_addr"][1],
        "status_phase": "GETWORKERS", "map_data_url": job["map_data_url"],
        "result_url": result_url, "job_state": "map", "data_type": job["data_type"]})
    if found:
        error = take_over(me, ping, job, found[0])
    else:
        error = compute(me, job, "map", make_slices(job["map_data_url"], job["job_url"]))

    def results(phase):
        found = rows(fs, db, "block_result")
        return sorted({one["result_url"] for one in found if one["block_id"].startswith(phase)})

    if error is None:
        error = compute(me, job, "reduce", results("map"))
    if error is not None:
        ask(job["client_addr"], "ERROR", error)
        return
    pairs = []
    for url in results("reduce"):
        pairs += get_object(fs, url)
    put(fs, result_url, [pickle.dumps(pairs)], True)
    update(fs, db, "job", ["job_id", job["job_id"]], status_phase="DONE")
    say(tracked=job["job_id"])
    ask(job["client_addr"], "DONE", {"result_url": result_url})
    ask(me, "DONE", {"role": "job"})


def main():
    server, me = listen()
    say(port=int(me[1]))
    while True:
        name, payload = parse(server.recv_string())
        answer = {}
        if name == "JOBREG":
            job = hashlib.sha1(("".join(payload["files"]) + payload["extra_info"]).encode())
            answer = {"info": "Job correctly registered", "job_id": job.hexdigest(),
                      "trackers_addr": [me], "filesystem": [fs]}
        elif name == "STATUS":
            answer = {"current_task_cap": 5, "current_job_cap": 2}
        elif name in ("TASK", "JOB"):
            ping, over = ping_port()
            kind = "task_ping" if name == "TASK" else "ping_tracker"
            answer = {kind + "_ip": ping[0], kind + "_port": ping[1]}
            work = execute if name == "TASK" else track
            # Other names than these would be a TypeError, as with existing ones.
            threading.Thread(target=until_end, args=(over, work, me, ping), kwargs=payload,
                             daemon=True).start()
        server.send_string(message("OK", answer))


main()
