/** Errors as Node's `Buffer` throws them: the same class and `code`. Texts may be others. */

type Coded = Error & { code: string };

function coded<E extends Error>(error: E, code: string): E & Coded {
  return Object.assign(error, { code });
}

export function wrongType(name: string, expected: string, got: unknown): Coded {
  const kind = got === null ? "null" : typeof got;
  const text = `The "${name}" argument must be ${expected}. Received ${kind}`;
  return coded(new TypeError(text), "ERR_INVALID_ARG_TYPE");
}

export function unknownEncoding(name: unknown): Coded {
  return coded(new TypeError(`Unknown encoding: ${String(name)}`), "ERR_UNKNOWN_ENCODING");
}

export function invalidValue(name: string, got: unknown): Coded {
  const text = `The argument '${name}' is invalid. Received ${String(got)}`;
  return coded(new TypeError(text), "ERR_INVALID_ARG_VALUE");
}

export function outOfRange(name: string, range: string, got: unknown): Coded {
  const what = `The value of "${name}" is out of range.`;
  const text = `${what} It must be ${range}. Received ${String(got)}`;
  return coded(new RangeError(text), "ERR_OUT_OF_RANGE");
}

export function outOfBounds(name = ""): Coded {
  const text =
    name === ""
      ? "Attempt to access memory outside buffer bounds"
      : `"${name}" is outside of buffer bounds`;
  return coded(new RangeError(text), "ERR_BUFFER_OUT_OF_BOUNDS");
}

export function wrongSize(multipleOf: string): Coded {
  const text = `Buffer size must be a multiple of ${multipleOf}`;
  return coded(new RangeError(text), "ERR_INVALID_BUFFER_SIZE");
}

/** A whole number from `min` to `max`, or an error. */
export function checkWhole(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== "number") throw wrongType(name, "of type number", value);
  if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  return value;
}
