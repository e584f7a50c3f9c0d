import type { EventChannel, EventName } from "@mlmcp/core";
import type { Cache } from "./cache.js";
import "./events.js";
import type { Owner } from "./plan.js";
import { UnstorableError } from "./snapshot.js";

export interface OwnerOptions {
  event<Name extends EventName>(name: Name): EventChannel<Name>;
  /** Called at every hit, in the context of the call that it is a hit for. */
  onHit?(): void;
}

/** Who a cache works for: counts, publishes, and warns once of results that cannot be kept. */
export function createOwner(cache: Cache, operation: string, { event, onHit }: OwnerOptions): Owner {
  const counters = cache.countersOf(operation);
  const hits = event("cache:hit");
  const misses = event("cache:miss");
  const sets = event("cache:set");
  const errors = event("cache:error");
  let warned = false;
  return {
    operation,
    observer: {
      hit(tier) {
        counters.hits[tier]++;
        if (hits.active) hits.publish({ tier });
        onHit?.();
      },
      miss() {
        counters.misses++;
        if (misses.active) misses.publish({});
      },
      set(tier, bytes) {
        if (tier === "memory") counters.sets++;
        if (sets.active) sets.publish({ tier, bytes });
      },
      failed(action, error) {
        counters.errors++;
        errors.publish({ action, error });
        if (warned || !(error instanceof UnstorableError)) return;
        warned = true;
        process.emitWarning(
          `${operation} is not cached: ${error.message}. Return plain data, or use \`isolate: false\` if nobody changes the result.`,
          { code: "MLMCP_CACHE_VALUE" },
        );
      },
    },
  };
}
