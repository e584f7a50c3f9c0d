import type { Entry } from "../values/entry.js";
import { FrequencySketch } from "./frequency-sketch.js";
import { GhostList } from "./ghost-list.js";
import type { MemoryBounds } from "./memory-tier.js";
import { RecencyList, type Linked } from "./recency-list.js";

/** One entry in memory. */
export interface MemoryNode extends Linked<MemoryNode> {
  readonly text: string;
  /** Of the text. */
  readonly hash: number;
  readonly home: TinyLfu;
  entry: Entry;
  segment: Segment;
}

type Segment = "window" | "probation" | "protected";

/** Share of the whole for newcomers; the rest is for those that proved to be worth it. */
const windowShare = 0.01;
/** Share of the rest for entries that were used again. */
const protectedShare = 0.8;

/**
 * Decides what stays in memory: W-TinyLFU. Newcomers pass through a small window in order of use;
 * who leaves it is kept only where it was asked for more often of late than the entry that would
 * have to go. One pass over many keys therefore displaces nothing that is in use, and a loop that
 * is somewhat longer than the memory still hits; an LRU does badly at both.
 *
 * After G. Einziger, R. Friedman and B. Manes, “TinyLFU: A Highly Efficient Cache Admission
 * Policy”, ACM Transactions on Storage 13 (2017).
 */
export class TinyLfu {
  readonly #window = new RecencyList<MemoryNode>();
  readonly #probation = new RecencyList<MemoryNode>();
  readonly #protected = new RecencyList<MemoryNode>();
  readonly #ghosts: GhostList;
  #sketch: FrequencySketch;
  #bounds: Required<MemoryBounds>;
  readonly #evicted: (node: MemoryNode) => void;
  hits = 0;
  /** Entries that were not there before. */
  insertions = 0;
  evictions = 0;
  /** Insertions of what had been evicted and would still have been fresh. */
  ghostHits = 0;

  /** @param evicted told of each entry that had to go. */
  constructor(bounds: MemoryBounds, evicted: (node: MemoryNode) => void) {
    this.#bounds = complete(bounds);
    this.#sketch = new FrequencySketch(bounds.maxEntries);
    this.#ghosts = new GhostList(bounds.maxEntries);
    this.#evicted = evicted;
  }

  get bounds(): Required<MemoryBounds> {
    return this.#bounds;
  }

  get size(): number {
    return this.#window.size + this.#probation.size + this.#protected.size;
  }

  get bytes(): number {
    return this.#window.bytes + this.#probation.bytes + this.#protected.bytes;
  }

  /** Counts a use. */
  touch(node: MemoryNode): void {
    this.hits++;
    this.#sketch.add(node.hash);
    if (node.segment === "protected") return this.#protected.touch(node);
    if (node.segment === "window") return this.#window.touch(node);
    this.#move(node, "protected");
    this.#demote();
  }

  /** Takes an entry in, which may be the first to go again. */
  insert(node: MemoryNode): void {
    this.insertions++;
    if (this.#ghosts.take(node.hash)) this.ghostHits++;
    this.#sketch.add(node.hash);
    node.segment = "window";
    this.#window.add(node);
    this.#evict();
  }

  /** Gives an entry another value. */
  replace(node: MemoryNode, entry: Entry, bytes: number): void {
    this.#sketch.add(node.hash);
    const list = this.#listOf(node);
    list.remove(node);
    node.entry = entry;
    node.bytes = bytes;
    list.add(node);
    this.#evict();
  }

  remove(node: MemoryNode): void {
    this.#listOf(node).remove(node);
  }

  /** Changes the bounds; where they are narrower, what is worth least goes. */
  resize(bounds: MemoryBounds): void {
    const grown = bounds.maxEntries > this.#bounds.maxEntries;
    this.#bounds = complete(bounds);
    this.#ghosts.capacity = bounds.maxEntries;
    if (grown) this.#sketch = new FrequencySketch(bounds.maxEntries);
    this.#demote();
    this.#evict();
  }

  /** Nothing is missed of what is forgotten on purpose. */
  forgetGhosts(): void {
    this.#ghosts.clear();
  }

  #evict(): void {
    const { maxEntries, maxBytes } = this.#bounds;
    const windowEntries = Math.max(1, Math.round(maxEntries * windowShare));
    const windowBytes = maxBytes * windowShare;
    while (this.#window.size > windowEntries || (this.#window.bytes > windowBytes && this.#window.size > 1)) {
      const candidate = this.#window.oldest!;
      this.#move(candidate, "probation");
      this.#makeRoom(candidate);
    }
    this.#makeRoom();
  }

  /** @param candidate who has to be worth more than whoever would have to go in its place. */
  #makeRoom(candidate?: MemoryNode): void {
    const { maxEntries, maxBytes } = this.#bounds;
    while (this.size > maxEntries || this.bytes > maxBytes) {
      const victim = this.#victim(candidate);
      if (!candidate || !victim || this.#isWorthMore(candidate, victim)) {
        this.#drop(victim ?? candidate ?? this.#window.oldest!);
        if (!victim) return;
      } else {
        return this.#drop(candidate);
      }
    }
  }

  /** Who would go next. Newcomers in the window go last. */
  #victim(candidate: MemoryNode | undefined): MemoryNode | undefined {
    const { oldest } = this.#probation;
    const other = oldest === candidate ? oldest?.newer : oldest;
    return other ?? this.#protected.oldest ?? (candidate ? undefined : this.#window.oldest);
  }

  #isWorthMore(candidate: MemoryNode, victim: MemoryNode): boolean {
    if (victim.entry.expires <= Date.now()) return true;
    const used = this.#sketch.estimate(candidate.hash);
    if (used > this.#sketch.estimate(victim.hash)) return true;
    // Somebody who knows which keys collide in the sketch could otherwise keep a victim in for ever.
    return used > 5 && Math.random() < 1 / 128;
  }

  #drop(node: MemoryNode): void {
    this.remove(node);
    this.evictions++;
    this.#ghosts.add(node.hash, node.entry.freshUntil);
    this.#evicted(node);
  }

  /** Those that were used again have their share and no more. */
  #demote(): void {
    const { maxEntries, maxBytes } = this.#bounds;
    const share = (1 - windowShare) * protectedShare;
    while (
      this.#protected.size > Math.max(1, maxEntries * share) ||
      (this.#protected.bytes > maxBytes * share && this.#protected.size > 1)
    ) {
      this.#move(this.#protected.oldest!, "probation");
    }
  }

  #move(node: MemoryNode, segment: Segment): void {
    this.#listOf(node).remove(node);
    node.segment = segment;
    this.#listOf(node).add(node);
  }

  #listOf({ segment }: MemoryNode): RecencyList<MemoryNode> {
    if (segment === "window") return this.#window;
    return segment === "probation" ? this.#probation : this.#protected;
  }
}

function complete({ maxEntries, maxBytes = Infinity }: MemoryBounds): Required<MemoryBounds> {
  return { maxEntries, maxBytes };
}
