import { onEvent, type EventName } from "@mlmcp/core";
import { eventMetrics, type CountedEvent } from "./event-metrics.js";

type Count = (operation: string, name: CountedEvent, event: object) => void;

/** Counts what happens in the calls of one kernel, as long as it listens. */
export class EventCounting {
  readonly #kernel: string;
  readonly #count: Count;
  #subscriptions: Array<() => void> = [];

  constructor(kernel: string, count: Count) {
    this.#kernel = kernel;
    this.#count = count;
  }

  /** While nobody listens, the other plugins do not even build their events. */
  listen(on: boolean): void {
    if (on === this.#subscriptions.length > 0) return;
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#subscriptions = on
      ? Object.keys(eventMetrics).map((name) => this.#subscribe(name as CountedEvent))
      : [];
  }

  #subscribe(name: CountedEvent): () => void {
    return onEvent(name as EventName, (event) => {
      const { kernel, operation = "" } = event;
      // What happens on no operation's behalf has an empty label, which is as good as none.
      if (kernel === this.#kernel) this.#count(operation, name, event);
    });
  }
}
