import type { EventChannel, EventName } from "@mlmcp/core";
import type { Cache } from "../engine/cache.js";
import "../events.js";
import type { Owner } from "../engine/plan.js";
import { isNews } from "../stores/guard/episode.js";
import { UnstorableError } from "../values/snapshot.js";

export interface OwnerOptions {
  event<Name extends EventName>(name: Name): EventChannel<Name>;
  /** Called at every hit, in the context of the call that it is a hit for. */
  onHit?(): void;
  /** Called where a stale value is given, likewise. */
  onStale?(): void;
}

/** Who a cache works for: counts, publishes, and warns once of results that cannot be kept. */
export function createOwner(
  cache: Pick<Cache, "countersOf">,
  operation: string,
  { event, onHit, onStale }: OwnerOptions,
): Owner {
  const counters = cache.countersOf(operation);
  const hits = event("cache:hit");
  const stale = event("cache:stale");
  const misses = event("cache:miss");
  const sets = event("cache:set");
  const refreshes = event("cache:refresh");
  const errors = event("cache:error");
  let warned = false;
  let toldOfKey = false;
  return {
    operation,
    observer: {
      hit(tier, cost) {
        counters.hits[tier]++;
        counters.savedMs += cost;
        if (hits.active) hits.publish({ tier });
        onHit?.();
      },
      stale(reason) {
        counters.staleHits++;
        if (stale.active) stale.publish({ reason });
        onStale?.();
      },
      miss() {
        counters.misses++;
        if (misses.active) misses.publish({});
      },
      set(tier, bytes) {
        if (tier === "memory") counters.sets++;
        if (bytes !== undefined) {
          counters.stored++;
          counters.storedBytes += bytes;
        }
        if (sets.active) sets.publish({ tier, bytes });
      },
      refreshed(ok, error) {
        if (ok) counters.refreshes++;
        if (refreshes.active) refreshes.publish({ ok, error });
      },
      failed(action, error) {
        if (!isNews(action, error) || (action === "key" && toldOfKey)) return;
        toldOfKey ||= action === "key";
        counters.errors++;
        errors.publish({ action, error });
        if (warned || !(error instanceof UnstorableError)) return;
        warned = true;
        process.emitWarning(
          `${operation} is not cached: ${error.message}. Return plain data, tell the cache how to copy the class with \`cacheable()\`, or use \`isolate: false\` if nobody changes the result.`,
          { code: "MLMCP_CACHE_VALUE" },
        );
      },
    },
  };
}
