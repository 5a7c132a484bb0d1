"""Writes pickles of every protocol, for the reader; reads what the writer wrote, for the writer.

Prints a line of JSON: [protocol, hex] of each."""
import json
import pickle
import pickletools
import sys

value = {
    "none": None, "bools": [True, False], "ints": [0, -1, 255, 256, 65535, 65536, -2 ** 31,
    2 ** 31, 2 ** 64, -10 ** 400], "floats": [0.0, -0.0, 1.5, 1e300, float("inf")],
    "text": ["", "a\n\\u0041", "ñ\U0001f600", "x" * 300], "lists": [[], [[]], list(range(1200))],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], "dicts": [{}, {1: {2: 3}}],
}
value["again"] = value["tuples"]
if len(sys.argv) > 1:
    read = pickle.loads(bytes.fromhex(sys.argv[1]))
    assert read == dict(value, bytes=[b"", b"\x00\xff" * 200]), read
    pickletools.dis(bytes.fromhex(sys.argv[1]), out=open("/dev/null", "w"))
    print("read")
else:
    made = []
    for protocol in range(6):
        # Protocols 0 to 2 write bytes as a call of a codec.
        whole = value if protocol < 3 else dict(value, bytes=[b"", b"\x00\xff" * 200])
        made.append([protocol, pickle.dumps(whole, protocol).hex()])
    made.append([-1, pickle.dumps(set([1]), 2).hex()])
    made.append([-1, pickle.dumps(bytearray(b"x"), 5).hex()])
    print(json.dumps(made))
