"""An existing worker of the manager protocol, independent of our code: WebSocket and protobuf by
hand, standard library only. It fetches the module of each task, and "runs" it: what it answers is
its argument in capitals, or a RUNTIME error for the argument "fail". "limits" answers the limits of
the task; "backwards" sends the manager what only managers send, and answers with what came back.

old_worker.py <port> <token> <file for the last module>
"""
import base64
import os
import socket
import struct
import sys
import urllib.request


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def parse(data):
    """Pairs of field number and value."""
    at, pairs = 0, []

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            pairs.append((key >> 3, number()))
        else:
            length = number()
            pairs.append((key >> 3, data[at : at + length]))
            at += length
    return pairs


class Link:
    def __init__(self, port, token):
        self.sock = socket.create_connection(("127.0.0.1", port), 30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET /balthazar/worker/0.3.1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read(1)
        assert b" 101 " in head, head

    def read(self, count):
        out = b""
        while len(out) < count:
            part = self.sock.recv(count - len(out))
            if part == b"":
                raise EOFError
            out += part
        return out

    def send(self, wrapper):
        frame = varint(len(wrapper)) + wrapper
        mask = os.urandom(4)
        size = len(frame)
        head = bytes([0x82, 128 | size]) if size < 126 else b"\x82\xfe" + struct.pack(">H", size)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(frame))
        self.sock.sendall(head + mask + masked)

    def receive(self):
        first, second = self.read(2)
        size = second & 127
        if size == 126:
            size = struct.unpack(">H", self.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.read(8))[0]
        frame = self.read(size)
        if first & 15 == 8:
            raise EOFError(frame)
        at = 1
        while frame[at - 1] > 127:
            at += 1
        return parse(frame[at:])


def backwards(link, task):
    for kind in (11, 13):
        link.send(field(kind, field(1, task)))
    link.send(field(10, b""))
    back = []
    while len(back) < 3:
        [(kind, body)] = link.receive()
        if kind == 8:
            link.send(field(9, b""))
        elif kind != 4:
            back.append(str(kind))
    return " ".join(back)


def run(link, task, path):
    fields = dict(parse(task))
    assert fields.get(4, 0) == 0, "WebAssembly"
    with urllib.request.urlopen(fields[2].decode()) as answer:
        module = answer.read()
    assert module.startswith(b"\0asm"), module[:8]
    with open(path, "wb") as file:
        file.write(fields[3] + module)
    link.send(field(14, field(1, fields[1]) + field(4, 1600000000)))
    argument = fields[5].decode()
    if argument == "limits":
        argument = f"{fields.get(6, 0)} {fields.get(7, 0)}"
    elif argument == "backwards":
        argument = backwards(link, fields[1])
    end = field(5, 2) if argument == "fail" else field(6, argument.upper().encode())
    link.send(field(14, field(1, fields[1]) + end))


def main():
    link = Link(int(sys.argv[1]), sys.argv[2])
    link.send(field(1, field(1, 1)))
    request = field(1, 10) + field(2, 10) + field(3, 2) + field(4, 1024) + field(5, 10)
    link.send(field(5, request + field(6, b"\0")))
    while True:
        try:
            [(kind, body)] = link.receive()
        except EOFError:
            return
        if kind == 1:
            link.send(field(2, field(1, 1)))
        elif kind == 6:
            assert dict(parse(body)).get(1) == 1, "accepted"
        elif kind == 8:
            link.send(field(9, b""))
        elif kind == 10:
            link.send(field(4, b""))
            for _, task in parse(body):
                run(link, task, sys.argv[3])
        elif kind in (7, 13):
            link.send(field(4, b""))


main()
