import { onEvent, type EventName } from "@mlmcp/core";
import type { EventCounts } from "./operation-records.js";

/** What is counted as what. The events belong to plugins that this one does not know. */
const COUNTED: Readonly<Record<string, keyof EventCounts>> = {
  "cache:hit": "cacheHits",
  "cache:miss": "cacheMisses",
  "retry:attempt": "retries",
  "degrade:fallback": "degraded",
  "breaker:open": "breakerOpened",
  "validation:failed": "validationFailed",
};

/** Counts what happens in the calls of one kernel, as long as it listens. */
export class EventCounting {
  readonly #kernel: string;
  readonly #count: (operation: string, event: keyof EventCounts) => void;
  #subscriptions: Array<() => void> = [];

  constructor(kernel: string, count: (operation: string, event: keyof EventCounts) => void) {
    this.#kernel = kernel;
    this.#count = count;
  }

  /** While nobody listens, the other plugins do not even build their events. */
  listen(on: boolean): void {
    if (on === this.#subscriptions.length > 0) return;
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#subscriptions = on
      ? Object.entries(COUNTED).map(([name, event]) => this.#subscribe(name, event))
      : [];
  }

  #subscribe(name: string, event: keyof EventCounts): () => void {
    return onEvent(name as EventName, ({ kernel, operation }) => {
      if (kernel === this.#kernel && typeof operation === "string") this.#count(operation, event);
    });
  }
}
