/** `node:fs` in the Worker of the Try page: files that its visitor has chosen, read in place and
 *  never as a whole. */

/** What Workers have, and Node's types do not know. */
type Reader = { readAsArrayBuffer(blob: Blob): ArrayBuffer };
/** Job code does not find it. */
const { FileReaderSync } = globalThis as unknown as { FileReaderSync: new () => Reader };

const files = new Map<string, Blob>();
const opened: Blob[] = [];

export function giveFile(path: string, content: Blob): void {
  files.set(path, content);
}

export function openSync(path: string): number {
  const content = files.get(path);
  if (content === undefined) throw new Error(`no such file: ${path}`);
  return opened.push(content) - 1;
}

export function closeSync(_fd: number): void {}

export function fstatSync(fd: number): { readonly size: number; readonly mtimeMs: number } {
  return { size: (opened[fd] as Blob).size, mtimeMs: 0 };
}

export function readSync(
  ...[fd, into, at, length, position]: [number, Uint8Array, number, number, number]
): number {
  const wanted = (opened[fd] as Blob).slice(position, position + length);
  const bytes = new Uint8Array(new FileReaderSync().readAsArrayBuffer(wanted));
  into.set(bytes, at);
  return bytes.length;
}
