/** The pieces of a tab's map task, counted as they are read. */
import { memorySource } from "../../kernels/byte-source.ts";
import type { TaskOrder } from "../contract.ts";

/** `onRead` is called after each read with the bytes read so far, of the files as they are stored:
 *  of a compressed one in proportion to what it unfolds to, all of it at its end. */
export function countedSource(
  { pieces, plan }: Pick<TaskOrder, "pieces" | "plan">,
  onRead: (inputBytes: number) => void,
) {
  const memory = memorySource(pieces);
  let next = 0;
  let endedBytes = 0;
  let read = 0;
  let storedPerRead = 1;
  const inputBytes = () => endedBytes + Math.round(read * storedPerRead);
  return {
    inputBytes,
    nextPiece() {
      endedBytes = inputBytes();
      read = 0;
      storedPerRead = 1;
      const piece = pieces[next++];
      const file = piece && plan.files[piece.file];
      if (piece !== undefined && file !== undefined && file.compression !== "none") {
        if (piece.bytes.length > 0) storedPerRead = file.sizeBytes / piece.bytes.length;
        else endedBytes += file.sizeBytes;
      }
      return memory.nextPiece();
    },
    read(into: Uint8Array, at: number) {
      const count = memory.read(into, at);
      read += count;
      onRead(inputBytes());
      return count;
    },
  };
}
