import type { PluginKernel } from "@mlmcp/core";
import type { Owner } from "../engine/plan.js";
import "../events.js";
import type { StoreListener } from "../stores/open-store.js";

/** Outages of the stores that a kernel has had, since it started. */
export interface OutageCounts {
  begun: number;
  /** Those after which the store was there again. */
  ended: number;
}

/** Publishes what becomes of a store, and warns once where it tells nothing. @param store its name */
export function createStoreListener(
  kernel: Pick<PluginKernel, "event">,
  { observer }: Owner,
  store: string,
  outages: OutageCounts,
): StoreListener {
  const down = kernel.event("cache:store-down");
  const up = kernel.event("cache:store-up");
  let hasWarned = false;
  return {
    onError: (error) => observer.failed("background", error),
    onDown: (error, waiting) => {
      outages.begun++;
      down.publish({ store, error, waiting });
    },
    onUp: (outage) => {
      outages.ended++;
      up.publish({ store, ...outage });
    },
    onDeaf: (cause) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      // However it came to it, that it lasts is news.
      observer.failed("changes", new Error(`${store} tells nothing: ${reason}`, { cause }));
      if (hasWarned) return;
      hasWarned = true;
      process.emitWarning(
        `The cache ${store} does not tell this process what others change (${reason}). Until it does, what memory holds is read again from the store each second, which takes time. ` +
          "Let its user subscribe to the channels of Redis, or connect it to Postgres directly or through a pooler of sessions.",
        { code: "MLMCP_CACHE_CHANGES" },
      );
    },
  };
}
