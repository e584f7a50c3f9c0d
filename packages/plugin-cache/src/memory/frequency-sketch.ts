const rows = 4;
const most = 15;

/**
 * Estimates how often each key was asked for of late, in four bits a counter: a count-min sketch
 * whose counters are all halved from time to time, so that what was popular once is forgotten.
 *
 * After G. Einziger, R. Friedman and B. Manes, “TinyLFU: A Highly Efficient Cache Admission
 * Policy”, ACM Transactions on Storage 13 (2017).
 */
export class FrequencySketch {
  /** Eight counters of four bits in each. */
  readonly #table: Int32Array;
  readonly #mask: number;
  readonly #agesAfter: number;
  #additions = 0;

  /** @param capacity how many different keys it is to tell apart. */
  constructor(capacity: number) {
    let words = 16;
    while (words < capacity) words *= 2;
    this.#table = new Int32Array(words);
    this.#mask = words - 1;
    this.#agesAfter = 10 * Math.max(capacity, 16);
  }

  /** Counts one more use. @param hash of the key, 32 bits, well mixed. */
  add(hash: number): void {
    const table = this.#table;
    let raised = false;
    let next = hash;
    for (let row = 0; row < rows; row++) {
      const word = next & this.#mask;
      const shift = shiftOf(hash, row);
      const counters = table[word]!;
      if (((counters >>> shift) & most) < most) {
        table[word] = counters + (1 << shift);
        raised = true;
      }
      next = remix(next);
    }
    if (raised && ++this.#additions >= this.#agesAfter) this.#age();
  }

  /** How often a key was used of late, 0 to 15; rarely too much, never too little. */
  estimate(hash: number): number {
    let least = most;
    let next = hash;
    for (let row = 0; row < rows; row++) {
      const count = (this.#table[next & this.#mask]! >>> shiftOf(hash, row)) & most;
      if (count < least) least = count;
      next = remix(next);
    }
    return least;
  }

  #age(): void {
    const table = this.#table;
    for (let word = 0; word < table.length; word++) table[word] = (table[word]! >>> 1) & 0x77777777;
    this.#additions >>>= 1;
  }
}

/** Two of a word's eight counters belong to each row; the hash says which. */
function shiftOf(hash: number, row: number): number {
  return (row * 2 + ((hash >>> (28 + row)) & 1)) * 4;
}

function remix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  mixed ^= mixed >>> 12;
  return Math.imul(mixed, 0x297a2d39) ^ (mixed >>> 15);
}

/** A hash of a text for the sketch: FNV-1a, mixed at the end as MurmurHash3 does. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
