/** Values of Python's json and pickle, without loss: 1 and 1.0 differ, and an int has any size.
 *
 *  None is null, an int is a bigint, a list is an array, a dict is a Map in its order. */
export type PyValue =
  | null
  | boolean
  | bigint
  | string
  | Uint8Array
  | PyFloat
  | PyTuple
  | readonly PyValue[]
  | PyDict;

export type PyDict = ReadonlyMap<PyValue, PyValue>;

export class PyFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export class PyTuple {
  readonly items: readonly PyValue[];

  constructor(items: readonly PyValue[]) {
    this.items = items;
  }
}

/** Python's name of the type, for messages. */
export function typeName(value: PyValue): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "string") return "str";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof PyFloat) return "float";
  if (value instanceof PyTuple) return "tuple";
  return value instanceof Map ? "dict" : "list";
}

/** A float as Python's `repr` writes it: the shortest digits that read back the same. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [digits = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 16) {
    const plain = fixedText(digits, exponent);
    return plain.includes(".") ? plain : `${plain}.0`;
  }
  const sign = exponent < 0 ? "-" : "+";
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** `-1.25` and 2 → `-125`. */
function fixedText(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace("-", "").replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const rest = digits.slice(exponent + 1);
  return `${sign}${whole}${rest === "" ? "" : `.${rest}`}`;
}
