/** Watches how much room a worker's disk has: below its low-water mark the worker takes nothing new
 *  until there is clearly more again. */
import { statfs } from "node:fs/promises";

export type DiskRoomOptions = {
  readonly dir: string;
  /** 0 = no mark. */
  readonly lowWaterBytes: number;
  /** Called at each change with the reason why nothing new is taken, or "" when there is room
   *  again. */
  readonly changed: (reason: string) => void;
};

const lookEveryMs = 500;
/** There is room again when there is so much more than the mark: or it would come and go. */
const roomShare = 1.1;

export class DiskRoom {
  readonly #options: DiskRoomOptions;
  #timer: NodeJS.Timeout | null = null;
  #isLow = false;
  #stopped = false;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
    if (options.lowWaterBytes > 0) void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer ?? undefined);
  }

  async #look(): Promise<void> {
    const { dir, lowWaterBytes } = this.#options;
    try {
      const { bavail, bsize } = await statfs(dir);
      if (this.#stopped) return;
      this.#judge(bavail * bsize, lowWaterBytes);
    } catch {
      // A failure of the disk is reported by the attempt that needs it.
    }
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), lookEveryMs).unref();
  }

  #judge(freeBytes: number, lowWaterBytes: number): void {
    const wasLow = this.#isLow;
    this.#isLow = freeBytes < lowWaterBytes * (wasLow ? roomShare : 1);
    if (this.#isLow === wasLow) return;
    const mebibytes = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MiB`;
    const left = `its disk has ${mebibytes(freeBytes)} left`;
    const reason = `${left}, less than its low-water mark of ${mebibytes(lowWaterBytes)}`;
    this.#options.changed(this.#isLow ? reason : "");
  }
}
