"""A user and a server of the console protocol, independent of our code: as existing ones are
written, in blocking sockets, one byte at a time, standard library only.

independent.py user <server port> <date-time: yes|no> <folder>
independent.py server
"""
import os
import socket
import sys
import threading


def read_string(sock):
    text = b""
    while True:
        byte = sock.recv(1)
        if byte == b"":
            raise EOFError(text)
        if byte == b"\0":
            return text.decode("utf-8")
        text += byte


def send_string(sock, text):
    sock.sendall(text.encode("utf-8") + b"\0")


class User:
    def __init__(self, port, with_time):
        self.server = ("127.0.0.1", port)
        self.time = "test/python/timestamp test:python:timestamp" if with_time else None

    def ask(self, operation, *strings):
        """The result byte and the open socket, to read a list from."""
        sock = socket.create_connection(self.server, 10)
        send_string(sock, operation)
        if self.time is not None:
            send_string(sock, self.time)
        for text in strings:
            send_string(sock, text)
        byte = sock.recv(1)
        return (byte[0] if byte else None), sock

    def code(self, operation, *strings):
        byte, sock = self.ask(operation, *strings)
        sock.close()
        return byte

    def users(self, operation, name):
        byte, sock = self.ask(operation, name)
        assert byte == 0, byte
        count = int(read_string(sock))
        return [(read_string(sock), read_string(sock), int(read_string(sock))) for _ in range(count)]

    def content(self, operation, name, remote):
        byte, sock = self.ask(operation, name, remote)
        assert byte == 0, byte
        return [read_string(sock) for _ in range(int(read_string(sock)))]


def get_file(address, operation, path):
    sock = socket.create_connection(address, 10)
    send_string(sock, operation)
    send_string(sock, path)
    byte = sock.recv(1)
    if byte != b"\0":
        return byte
    size = int(read_string(sock))
    content = b""
    while len(content) < size:
        content += sock.recv(4096)
    assert sock.recv(1) == b"", "more than was said"
    return content


def serve_files(listener, folder):
    """Knows only GET FILE with a blank, and serves one at a time."""
    while True:
        sock, _ = listener.accept()
        try:
            if read_string(sock) == "GET FILE":
                path = read_string(sock)
                if not os.path.isfile(path):
                    sock.sendall(b"\1")
                else:
                    sock.sendall(b"\0")
                    send_string(sock, str(os.path.getsize(path)))
                    with open(path, "rb") as file:
                        while piece := file.read(1024):
                            sock.sendall(piece)
        except (EOFError, OSError):
            pass
        sock.close()


def expect(found, wanted):
    if found != wanted:
        raise AssertionError(f"{found!r} is not {wanted!r}")


def user(port, with_time, folder):
    eva = User(port, with_time)
    name = "eva" if with_time else "eva2"
    own = os.path.join(folder, f"{name}.bin")
    with open(own, "wb") as file:
        file.write(bytes(range(256)) * 4096)
    expect(eva.code("CONNECT", name, "1"), 1)
    expect(eva.code("REGISTER", name), 0)
    expect(eva.code("REGISTER", name), 1)
    expect(eva.code("DISCONNECT", name), 2)
    expect(eva.code("PUBLISH", name, own, "d"), 2)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve_files, args=(listener, folder), daemon=True).start()
    own_port = listener.getsockname()[1]
    expect(eva.code("CONNECT", name, str(own_port)), 0)
    expect(eva.code("CONNECT", name, str(own_port)), 2)
    for spelling in ("_", " "):
        listed = eva.users(f"LIST{spelling}USERS", name)
        expect([user for user, _, _ in listed], ["ana", name])
        expect(listed[1][1:], ("127.0.0.1", own_port))
        [theirs] = eva.content(f"LIST{spelling}CONTENT", name, "ana")
        content = get_file(listed[0][1:], f"GET{spelling}FILE", theirs)
        expect(content, b"published by ana\n")
        expect(get_file(listed[0][1:], f"GET{spelling}FILE", "/etc/passwd"), b"\1")
    expect(eva.code("LIST_CONTENT", name, "nobody"), 3)
    expect(eva.code("PUBLISH", name, own, "my file"), 0)
    expect(eva.code("PUBLISH", name, own, "my file"), 3)
    expect(eva.code("DELETE", name, "/none"), 3)
    # Before CONNECT an existing client says no more than this, and closes.
    early = socket.create_connection(eva.server, 10)
    send_string(early, "PUBLISH")
    send_string(early, "test/python/timestamp test:python:timestamp")
    early.close()
    print("ready", own, flush=True)
    sys.stdin.readline()
    expect(eva.code("DELETE", name, own), 0)
    expect(eva.code("DISCONNECT", name), 0)
    expect(eva.code("UNREGISTER", name), 0)
    expect(eva.code("UNREGISTER", name), 1)
    print("done", flush=True)


def server():
    """As the existing one: it wants a date-time, and answers no byte when it will not list."""
    users, listener = {}, socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
    while True:
        sock, address = listener.accept()
        try:
            operation, time = read_string(sock), read_string(sock)
            assert time.count("/") == 2 and time.count(":") == 2, time
            name = read_string(sock)
            known, answer = users.get(name), b""
            if operation == "REGISTER":
                answer = b"\1" if known else b"\0"
                users.setdefault(name, {"at": None, "files": []})
            elif operation == "UNREGISTER":
                answer = b"\0" if users.pop(name, None) else b"\1"
            elif operation == "CONNECT":
                port = read_string(sock)
                answer = b"\1" if not known else b"\2" if known["at"] else b"\0"
                if answer == b"\0":
                    known["at"] = (address[0], port)
            elif operation == "DISCONNECT":
                answer = b"\1" if not known else b"\0" if known["at"] else b"\2"
                if known:
                    known["at"] = None
            elif operation == "PUBLISH":
                path, _ = read_string(sock), read_string(sock)
                answer = b"\3" if path in known["files"] else b"\0"
                if answer == b"\0":
                    known["files"].append(path)
            elif operation == "DELETE":
                path = read_string(sock)
                answer = b"\0" if path in known["files"] else b"\3"
                known["files"] = [file for file in known["files"] if file != path]
            elif operation == "LIST_USERS" and known and known["at"]:
                lines = [(user, *said["at"]) for user, said in users.items() if said["at"]]
                answer = b"\0" + "".join(
                    f"{text}\0" for text in [str(len(lines)), *(word for line in lines for word in line)]
                ).encode()
            elif operation == "LIST_CONTENT" and known and known["at"]:
                remote = users.get(read_string(sock))
                if remote:
                    lines = [str(len(remote["files"])), *remote["files"]]
                    answer = b"\0" + "".join(f"{text}\0" for text in lines).encode()
            sock.sendall(answer)
        except (EOFError, OSError):
            pass
        sock.close()


if __name__ == "__main__":
    if sys.argv[1] == "server":
        server()
    else:
        user(int(sys.argv[2]), sys.argv[3] == "yes", sys.argv[4])
