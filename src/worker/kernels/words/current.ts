/** The word that `map` has at hand, so that emitting it needs no search for its key. */
import { internedMax } from "./intern.ts";

/** `keyIndexes[id] − 1`, unless it is 0, is the index that the emit table has given to the word
 *  of that id. */
export class CurrentWord {
  text = "";
  id = 0;
  readonly keyIndexes = new Int32Array(internedMax);

  /** The ids, or the indexes of the keys, are given anew. */
  forgetKeys(): void {
    this.keyIndexes.fill(0);
  }
}
