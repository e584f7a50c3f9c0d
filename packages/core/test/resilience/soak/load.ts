import {
  bulkhead,
  Bulkheads,
  chaos,
  CircuitBreakers,
  degrade,
  handled,
  hedge,
  OperationTimeoutError,
  rateLimit,
  RateLimiters,
  retry,
  timeout,
  type Kernel,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { getEventListeners, setMaxListeners } from "node:events";

/** Callers at one time. */
const AT_ONCE = 200;

/** Keys that calls come with, the first ones most; breakers and limits remember fewer. */
const KEYS = 50;
const MAX_KEYS = 20;

/** Numbers that look like chance and are the same each time (mulberry32). */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = seeded(20);
const byKey = (key: string): string => key;

class Everything {
  @handled("soak")
  @degrade({
    fallback: { value: "stand-in" },
    when: (error) => !(error instanceof OperationTimeoutError),
    breaker: { failureThreshold: 3, resetAfter: 5, key: byKey, maxKeys: MAX_KEYS },
  })
  @retry({ maxRetries: 1, initialDelay: 0, jitter: "none", budget: { ratio: 0.5 } })
  @timeout({ attempt: 20, deadline: 100 })
  @hedge({ after: 5, idempotent: true })
  @rateLimit({ limit: 500, interval: 10, key: byKey, maxKeys: MAX_KEYS, wait: 5 })
  @bulkhead({ maxConcurrent: 150, queue: 20, queueTimeout: 5 })
  @chaos({ errorRate: 0.01, latencyRate: 0.01, latency: { max: 8 } })
  async work(_key: string): Promise<string> {
    const chance = random();
    if (chance < 0.1) throw new Error("down");
    if (chance < 0.12) await new Promise((resolve) => setTimeout(resolve, 30 * random()));
    else if (chance < 0.2) await new Promise((resolve) => setImmediate(resolve));
    return "data";
  }
}

/** How many calls came to what: a value, or the name of an error. */
export type Outcomes = Readonly<Record<string, number>>;

/** Calls of a method under every advice of the resilience plugin, which fails at random. */
export class Load {
  readonly #caller = new AbortController();
  readonly #everything: Everything;
  readonly #outcomes: Record<string, number> = {};

  private constructor(readonly kernel: Kernel) {
    this.#everything = kernel.adopt(new Everything());
    setMaxListeners(0, this.#caller.signal);
  }

  static async start(): Promise<Load> {
    return new Load(await createTestKernel({ config: { system: { chaos: true } } }));
  }

  get outcomes(): Outcomes {
    return this.#outcomes;
  }

  /** Makes so many calls, and waits until nothing of them goes on any more. */
  async run(calls: number): Promise<void> {
    let left = calls;
    const caller = async (): Promise<void> => {
      while (left-- > 0) await this.#call(`key ${Math.floor(KEYS * random() ** 3)}`);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, caller));
    // What a timeout released and a hedge abandoned ends a little later.
    while (this.kernel.resolve(Bulkheads).list()[0]!.running > 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async #call(key: string): Promise<void> {
    const outcome = await this.kernel
      .withContext({ signal: this.#caller.signal }, () => this.#everything.work(key))
      .catch((error: { name: string }) => error.name);
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    // Callers who are refused and come back at once would let no timer have its turn.
    if (outcome !== "data") await new Promise((resolve) => setImmediate(resolve));
  }

  /** What should not be there between two runs: calls, those that wait, keys beyond the limits, listeners. */
  leftovers(): string[] {
    const bulkheads = this.kernel.resolve(Bulkheads).list();
    const limiters = this.kernel.resolve(RateLimiters).list();
    const counts: Record<string, number> = {
      "calls in the bulkhead": sum(bulkheads.map(({ running }) => running)),
      "calls that wait for a place": sum(bulkheads.map(({ waiting }) => waiting)),
      "calls that wait for their turn": sum(limiters.map(({ waiting }) => waiting)),
      "keys of limits too many": sum(limiters.map(({ keys }) => keys)) - MAX_KEYS,
      "breakers too many": this.kernel.resolve(CircuitBreakers).list().length - MAX_KEYS,
      "listeners on the caller's signal": getEventListeners(this.#caller.signal, "abort").length,
    };
    return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
