/** The frames in which the supervisor streams input to a task process, one constant and one encoder
 *  each. */

export const frameKinds = { piece: 1, bytes: 2, end: 3, head: 4, cut: 5, file: 6 } as const;

/** Longest body of a DATA frame. */
export const frameMaxBytes = 1024 * 1024;
/** Longest first line that is sent along; a longer one is left out. */
export const headMaxBytes = 16 * 1024 * 1024;

export function pieceFrame(file: number, offset: number): Buffer {
  const frame = Buffer.allocUnsafe(13);
  frame.writeUInt8(frameKinds.piece, 0);
  frame.writeDoubleLE(offset, 1);
  frame.writeUInt32LE(file, 9);
  return frame;
}

/** What comes before the bytes of a DATA frame. */
export function bytesHeader(lengthBytes: number): Buffer {
  const frame = Buffer.allocUnsafe(5);
  frame.writeUInt8(frameKinds.bytes, 0);
  frame.writeUInt32LE(lengthBytes, 1);
  return frame;
}

export function headFrame(line: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + line.length);
  frame.writeUInt8(frameKinds.head, 0);
  frame.writeUInt32LE(line.length, 1);
  frame.set(line, 5);
  return frame;
}

/** Bytes [start, end) of a file that the task process reads itself: no copy of them passes through
 *  the supervisor. It checks that the file is as it was when the job was submitted. */
export type FileRange = {
  /** Under which it may be opened. */
  readonly path: string;
  /** For people. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
};

/** Longest description of a range, as JSON. */
export const rangeMaxBytes = 64 * 1024;

export function fileFrame(range: FileRange): Buffer {
  const body = Buffer.from(JSON.stringify(range));
  const frame = Buffer.allocUnsafe(5 + body.length);
  frame.writeUInt8(frameKinds.file, 0);
  frame.writeUInt32LE(body.length, 1);
  frame.set(body, 5);
  return frame;
}

/** The task has all its input. */
export function endFrame(): Buffer {
  return Buffer.from([frameKinds.end]);
}

/** The task will not get the rest: what it has read must not pass for the whole. */
export function cutFrame(): Buffer {
  return Buffer.from([frameKinds.cut]);
}
