/** Chance from a seed: the same numbers on every machine (xoshiro128**, Blackman and Vigna
 *  2018). */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** Any number is a seed; its 53 bits are spread by splitmix32. */
  constructor(seed: number) {
    let x = (seed ^ Math.floor(seed / 0x1_0000_0000)) >>> 0;
    const next = () => {
      x = (x + 0x9e37_79b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1;
  }

  /** A whole number from 0 to 2^32 − 1. */
  next(): number {
    const x = Math.imul(this.b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** A whole number from 0 to n − 1; 0 when n is 0. */
  below(n: number): number {
    return Math.floor(this.fraction() * n);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }
}
