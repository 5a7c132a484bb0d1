"""Instructions of WebAssembly as expressions of Python. Whole numbers are held without signs, and
doubles are those of Python, whose sums, products and quotients are the same on every engine."""

import math
import struct
from typing import Any, Dict, Tuple

_M32, _M64 = "0xffffffff", "0xffffffffffffffff"
_S32, _S64 = "0x80000000", "0x8000000000000000"
_INT64, _FLOAT = struct.Struct("<Q"), struct.Struct("<d")


def _whole(bits: int, mask: str, sign: str) -> Dict[str, str]:
    """What i32 and i64 have in common: `{a}` and `{b}` are the operands."""
    signed = f"(({{a}} ^ {sign}) {{sign}} ({{b}} ^ {sign}))"
    plain = {"eq": "==", "ne": "!=", "lt_u": "<", "gt_u": ">", "le_u": "<=", "ge_u": ">="}
    found = {name: f"({{a}} {operator} {{b}})" for name, operator in plain.items()}
    for name, operator in (("lt_s", "<"), ("gt_s", ">"), ("le_s", "<="), ("ge_s", ">=")):
        found[name] = signed.replace("{sign}", operator)
    for name, operator in (("add", "+"), ("sub", "-"), ("mul", "*")):
        found[name] = f"(({{a}} {operator} {{b}}) & {mask})"
    for name, operator in (("and", "&"), ("or", "|"), ("xor", "^"), ("div_u", "//")):
        found[name] = f"({{a}} {operator} {{b}})"
    found["shl"] = f"(({{a}} << ({{b}} & {bits - 1})) & {mask})"
    found["shr_u"] = f"({{a}} >> ({{b}} & {bits - 1}))"
    found["shr_s"] = f"(((({{a}} ^ {sign}) - {sign}) >> ({{b}} & {bits - 1})) & {mask})"
    found["eqz"] = "(not {a})"
    found["clz"] = f"({bits} - {{a}}.bit_length())"
    return found


_I32, _I64 = _whole(32, _M32, _S32), _whole(64, _M64, _S64)
_ORDER = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
_FLOATS = {
    0x61: "({a} == {b})",
    0x62: "({a} != {b})",
    0x63: "({a} < {b})",
    0x64: "({a} > {b})",
    0x65: "({a} <= {b})",
    0x66: "({a} >= {b})",
    0x99: "abs({a})",
    0x9A: "(-{a})",
    0x9E: "nearest({a})",
    0x9F: "root({a})",
    0xA0: "({a} + {b})",
    0xA1: "({a} - {b})",
    0xA2: "({a} * {b})",
    0xA3: "quotient({a}, {b})",
    0xA6: "copysign({a}, {b})",
    0xA7: f"({{a}} & {_M32})",
    0xAC: f"((({{a}} ^ {_S32}) - {_S32}) & {_M64})",
    0xAD: "{a}",
    0xB7: f"float(({{a}} ^ {_S32}) - {_S32})",
    0xB9: f"float(({{a}} ^ {_S64}) - {_S64})",
    0xBA: "float({a})",
    0xBD: "bits({a})",
    0xBF: "double({a})",
}


def _operations() -> Dict[int, Tuple[int, str]]:
    found = {code: text for code, text in _FLOATS.items()}
    found[0x45], found[0x50] = _I32["eqz"], _I64["eqz"]
    for number, name in enumerate(_ORDER):
        found[0x46 + number], found[0x51 + number] = _I32[name], _I64[name]
    for first, of in ((0x67, _I32), (0x79, _I64)):
        found[first] = of["clz"]
        named = {3: "add", 4: "sub", 5: "mul", 7: "div_u", 10: "and", 11: "or", 12: "xor"}
        for number, name in {**named, 13: "shl", 14: "shr_s", 15: "shr_u"}.items():
            found[first + number] = of[name]
    return {code: (2 if "{b}" in text else 1, text) for code, text in found.items()}


OPERATIONS = _operations()
"""By opcode: how many operands, and the expression."""

TRUNCATIONS = {2: "whole({a}, 32, True)", 7: "whole({a}, 64, False)"}
"""Behind the prefix 0xFC: those that stop at the greatest whole number."""

LOADS = {0x29: "int64({memory}, {at})[0]", 0x2B: "float64({memory}, {at})[0]"}


def _quotient(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0 or a != a:
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _root(a: float) -> float:
    return a if a == 0 else math.sqrt(a) if a > 0 else math.nan


def _nearest(a: float) -> float:
    return math.copysign(float(round(a)), a) if abs(a) < 2**52 else a


def _whole_of(a: float, bits: int, has_sign: bool) -> int:
    least = -(1 << bits - 1) if has_sign else 0
    most = (1 << bits - has_sign) - 1
    if a != a:
        return 0
    if not least <= a <= most:
        return most if a > 0 else least & ((1 << bits) - 1)
    return int(a) & ((1 << bits) - 1)


def functions() -> Dict[str, Any]:
    """What expressions call."""
    pack_int, unpack_int = _INT64.pack, _INT64.unpack
    pack_float, unpack_float = _FLOAT.pack, _FLOAT.unpack
    return {
        "nearest": _nearest,
        "root": _root,
        "quotient": _quotient,
        "copysign": math.copysign,
        "whole": _whole_of,
        "int64": _INT64.unpack_from,
        "float64": _FLOAT.unpack_from,
        "bits": lambda a: unpack_int(pack_float(a))[0],
        "double": lambda a: unpack_float(pack_int(a))[0],
        "inf": math.inf,
        "nan": math.nan,
    }
