/** Label values besides the operation's. */
export type Labels = Readonly<Record<string, string>>;

/** A counter that an event adds one to. Several events may count as one metric, told apart by labels. */
export interface EventMetric {
  readonly name: string;
  readonly help: string;
  /** The same for every such event. */
  readonly fixed?: Labels;
  /** Fields of the event that become labels, where they are there. Their values must be few. */
  readonly fields?: readonly string[];
  /** Breakers in shadow mode say what they would do: labelled apart from what is done. */
  readonly mode?: true;
  /** Events that tell with `ok` how something ended: labelled `ok` or `error`. */
  readonly outcome?: true;
}

const cacheRequests = {
  name: "mlmcp_cache_requests_total",
  help: "Calls that asked a cache, by whether it had the result.",
};
const reason = ["reason"];

/** What is counted, by the event's name. The events belong to plugins that this one does not know. */
export const eventMetrics = {
  "cache:hit": { ...cacheRequests, fixed: { result: "hit" }, fields: ["tier"] },
  "cache:miss": { ...cacheRequests, fixed: { result: "miss" } },
  "cache:stale": {
    name: "mlmcp_cache_stale_total",
    help: "Calls that were given a stale result, by why.",
    fields: reason,
  },
  "cache:refresh": {
    name: "mlmcp_cache_refreshes_total",
    help: "Computations of a cache that ended with nobody waiting.",
    outcome: true,
  },
  "cache:set": {
    name: "mlmcp_cache_writes_total",
    help: "Results that a cache has taken, by where.",
    fields: ["tier"],
  },
  "cache:error": {
    name: "mlmcp_cache_errors_total",
    help: "Failures of a cache itself, by what it was doing.",
    fields: ["action"],
  },
  "retry:attempt": {
    name: "mlmcp_retry_attempts_total",
    help: "Attempts that were made again after a failure.",
  },
  "retry:giveUp": {
    name: "mlmcp_retry_given_up_total",
    help: "Calls that failed and were not tried again, by why not.",
    fields: reason,
  },
  "degrade:fallback": { name: "mlmcp_degraded_total", help: "Calls for which a fallback was asked." },
  "breaker:open": {
    name: "mlmcp_breaker_opened_total",
    help: "Times that a breaker has opened, by why.",
    fields: reason,
    mode: true,
  },
  "breaker:halfOpen": {
    name: "mlmcp_breaker_half_opened_total",
    help: "Times that a breaker has begun to admit probes.",
    fields: reason,
    mode: true,
  },
  "breaker:close": {
    name: "mlmcp_breaker_closed_total",
    help: "Times that a breaker has closed, by why.",
    fields: reason,
    mode: true,
  },
  "breaker:reject": {
    name: "mlmcp_breaker_rejected_total",
    help: "Calls that a breaker turned away, by its state; in shadow mode would have.",
    fields: reason,
    mode: true,
  },
  "timeout:expire": {
    name: "mlmcp_timeouts_total",
    help: "Attempts and calls whose time was up, by whose time.",
    fields: reason,
  },
  "bulkhead:reject": {
    name: "mlmcp_bulkhead_rejected_total",
    help: "Calls that got no place in a bulkhead, by why.",
    fields: reason,
  },
  "rateLimit:reject": {
    name: "mlmcp_rate_limit_rejected_total",
    help: "Calls that a rate limit turned away.",
  },
  "hedge:attempt": {
    name: "mlmcp_hedge_attempts_total",
    help: "Attempts that were made beside one that took long.",
  },
  "hedge:throttle": {
    name: "mlmcp_hedge_throttled_total",
    help: "Attempts that were not made beside another because the retry budget was spent.",
  },
  "error:handled": {
    name: "mlmcp_errors_handled_total",
    help: "Errors that calls ended in and that were handled, by class.",
    fields: ["class"],
  },
  "validation:failed": {
    name: "mlmcp_validation_failed_total",
    help: "Arguments or results that did not match their schema.",
  },
} as const satisfies Readonly<Record<string, EventMetric>>;

export type CountedEvent = keyof typeof eventMetrics;

/** One counter with its labels. */
export interface EventCount {
  readonly event: CountedEvent;
  readonly metric: EventMetric;
  readonly labels: Labels;
  value: number;
}

/** How often things happened in one operation. */
export class EventCounts {
  readonly #counts = new Map<string, EventCount>();

  add(name: CountedEvent, event: object = {}): void {
    const metric: EventMetric = eventMetrics[name];
    const key = keyOf(name, metric, event as Payload);
    const count = this.#counts.get(key);
    if (count) count.value += 1;
    else this.#counts.set(key, { event: name, metric, labels: labelsOf(metric, event as Payload), value: 1 });
  }

  /** How often an event happened, whatever its labels. */
  of(name: CountedEvent): number {
    let sum = 0;
    for (const { event, value } of this.#counts.values()) if (event === name) sum += value;
    return sum;
  }

  /** The counters of a metric, each with its labels. */
  *samples(metric: string): Iterable<EventCount> {
    for (const count of this.#counts.values()) if (count.metric.name === metric) yield count;
  }
}

type Payload = Readonly<Record<string, unknown>>;

/** Without an object or an array: a hit of a cache happens often. */
function keyOf(name: string, { fields = [], mode, outcome }: EventMetric, event: Payload): string {
  let key = name;
  for (const field of fields) key += ` ${String(event[field])}`;
  if (mode) key += ` ${String(event["shadow"])}`;
  if (outcome) key += ` ${String(event["ok"])}`;
  return key;
}

function labelsOf({ fixed, fields = [], mode, outcome }: EventMetric, event: Payload): Labels {
  const given = fields.filter((field) => event[field] !== undefined);
  return {
    ...fixed,
    ...Object.fromEntries(given.map((field) => [field, String(event[field])])),
    ...(mode && { mode: event["shadow"] === true ? "shadow" : "enforce" }),
    ...(outcome && { outcome: event["ok"] === true ? "ok" : "error" }),
  };
}
