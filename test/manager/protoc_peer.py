"""An existing worker of the manager protocol with messages that protoc generates from its
definition, over the WebSocket of python3-websocket; nothing of it is ours but the .proto.

protoc_peer.py frames <folder of manager_pb2>            reads frames in hexadecimal, a line each,
                                                         and writes them again as protobuf has them
protoc_peer.py worker <folder> <address> <token>         every message of a worker, once
"""
import sys

sys.path.insert(0, sys.argv[2])
import manager_pb2 as pb
from google.protobuf.internal.decoder import _DecodeVarint
from google.protobuf.internal.encoder import _VarintBytes


def framed(message):
    body = message.SerializeToString(deterministic=True)
    return _VarintBytes(len(body)) + body


def parsed(frame):
    length, at = _DecodeVarint(frame, 0)
    assert len(frame) == at + length, "one message a frame"
    message = pb.WorkerMsgWrapper()
    message.ParseFromString(frame[at:])
    return message


def frames():
    for line in sys.stdin:
        message = parsed(bytes.fromhex(line))
        assert not message.UnknownFields(), message
        print(message.WhichOneof("msg"), framed(message).hex())


class Worker:
    def __init__(self, address, token):
        import websocket

        self.socket = websocket.create_connection(
            address, header=[f"Authorization: Bearer {token}"], suppress_origin=True
        )
        self.binary = websocket.ABNF.OPCODE_BINARY
        self.waiting = []

    def send(self, kind, **fields):
        message = pb.WorkerMsgWrapper()
        getattr(message, kind).SetInParent()
        for name, value in fields.items():
            target = getattr(message, kind)
            if isinstance(value, list):
                getattr(target, name).extend(value)
            else:
                setattr(target, name, value)
        self.socket.send(framed(message), self.binary)

    def receive(self, wanted):
        """The next message of this kind; requests are answered on the way."""
        while True:
            message = parsed(self.socket.recv())
            kind = message.WhichOneof("msg")
            if kind == "node_type_request":
                assert message.node_type_request.node_type == pb.MANAGER
                self.send("node_type_answer", node_type=pb.WORKER)
            elif kind == "manager_ping":
                self.send("manager_pong")
            elif kind in ("tasks_execute", "tasks_abord", "manager_bye"):
                self.send("ack")
            if kind == wanted:
                return getattr(message, kind)

    def status(self, task_id, **data):
        message = pb.WorkerMsgWrapper()
        status = message.task_status
        status.task_id = task_id
        for name, value in data.items():
            if name in ("pending", "unknown"):
                getattr(status, name).SetInParent()
            else:
                setattr(status, name, value)
        self.socket.send(framed(message), self.binary)
        return self


def worker():
    link = Worker(sys.argv[3], sys.argv[4])
    link.send("manager_ping")
    link.receive("not_mine")
    link.send("node_type_request", node_type=pb.WORKER)
    assert link.receive("node_type_answer").node_type == pb.MANAGER
    specs = {"worker_price": 10, "network_price": 10, "cpu_count": 4, "memory": 1024}
    specs.update(network_speed=10, supported_program_kinds=[pb.WASM0m1n0])
    link.send("manager_request", **specs)
    assert link.receive("manager_answer").accepted
    link.send("manager_ping")
    link.receive("manager_pong")
    tasks = {}
    while len(tasks) < 4:
        for task in link.receive("tasks_execute").tasks:
            tasks[task.argument.decode()] = task
    for task in tasks.values():
        assert task.task_id[:2] == b"\x1b\x20" and len(task.task_id) == 34
        assert task.program_hash[:2] == b"\x1b\x20" and len(task.program_hash) == 34
        assert task.program_kind == pb.WASM0m1n0 and task.timeout == 300, task
        assert task.program_addresses[0].startswith("http://")
    ids = {name: task.task_id for name, task in tasks.items()}
    for name, data in {
        "one": [{"pending": None}, {"start_time": 1600000000}, {"result": b"first"}],
        "two": [{"start_time": 0}, {"result": b"\xff"}],
        "three": [{"result": b""}],
        # Given back; it comes again.
        "four": [{"error": pb.ABORTED}],
    }.items():
        for one in data:
            link.status(ids[name], **one).receive("ack")
    again = link.receive("tasks_execute").tasks[0]
    assert again.argument == b"four" and again.task_id != ids["four"]
    # Resent, and of a task that is not known: acknowledged, without an effect.
    link.status(ids["one"], result=b"second").receive("ack")
    link.status(b"\x1b\x20" + bytes(32), unknown=None).receive("ack")
    link.status(again.task_id, result=b"last").receive("ack")
    link.send("manager_bye")
    link.receive("ack")
    link.status(again.task_id, result=b"late").receive("not_mine")
    link.socket.close()
    print("ok")


{"frames": frames, "worker": worker}[sys.argv[1]]()
