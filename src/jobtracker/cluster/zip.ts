/** Zip files as the code of Python jobs is kept in: stored, one date, names in order, so that the
 *  same files give the same bytes. */
import { crc32 } from "node:zlib";

/** 1980-01-01. */
const date = 0x21;

export function zipOf(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const name of Object.keys(files).sort()) {
    const bytes = files[name] as Uint8Array;
    const common = commonOf(Buffer.byteLength(name), bytes);
    const local = Buffer.concat([signature(0x04034b50), common, Buffer.from(name), bytes]);
    locals.push(local);
    directory.push(entryOf(name, common, offset));
    offset += local.length;
  }
  const names = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(locals.length, 8);
  end.writeUInt16LE(locals.length, 10);
  end.writeUInt32LE(names.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, names, end]);
}

/** What the file's own header and the directory have in common. */
function commonOf(nameBytes: number, bytes: Uint8Array): Buffer {
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  // Names are UTF-8.
  common.writeUInt16LE(0x800, 2);
  common.writeUInt16LE(date, 8);
  common.writeUInt32LE(crc32(bytes), 10);
  common.writeUInt32LE(bytes.length, 14);
  common.writeUInt32LE(bytes.length, 18);
  common.writeUInt16LE(nameBytes, 22);
  return common;
}

function entryOf(name: string, common: Buffer, offset: number): Buffer {
  const rest = Buffer.alloc(14);
  // A regular file that all may read.
  rest.writeUInt32LE((0o100644 << 16) >>> 0, 6);
  rest.writeUInt32LE(offset, 10);
  const made = Buffer.of(20, 3);
  return Buffer.concat([signature(0x02014b50), made, common, rest, Buffer.from(name)]);
}

function signature(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}
