import { EventCounts, type CountedEvent } from "./event-metrics.js";
import { OperationTiming } from "./operation-timing.js";

/** All that is known of one operation. */
export interface OperationRecord {
  readonly name: string;
  /** Absent where the operation is not timed. */
  timing: OperationTiming | undefined;
  /** What other plugins publish about it. */
  events: EventCounts;
}

/** Where operations beyond the limit are counted together. */
const OTHER = "(other)";

/**
 * The records of all operations by name. Names are bounded, because each costs 20 KB and a time
 * series: one made from user input would otherwise fill the memory.
 */
export class OperationRecords implements Iterable<OperationRecord> {
  readonly #records = new Map<string, OperationRecord>();
  /** How many operations are told apart. */
  limit: number;

  constructor(limit = 1_000) {
    this.limit = limit;
  }

  [Symbol.iterator](): Iterator<OperationRecord> {
    return this.#records.values();
  }

  /** @param bounds upper bounds of the buckets in milliseconds, where the operation is new */
  timing(name: string, bounds?: readonly number[]): OperationTiming {
    return (this.#of(name).timing ??= new OperationTiming(bounds));
  }

  /** Gives an operation other bounds. They do not matter where it is counted together with others. */
  useBuckets(name: string, bounds: readonly number[]): void {
    this.#records.get(name)?.timing?.useBuckets(bounds);
  }

  count(operation: string, name: CountedEvent, event?: object): void {
    this.#of(operation).events.add(name, event);
  }

  /** What an operation is called here: its name, or the one for those beyond the limit. */
  nameOf(operation: string): string {
    return this.#of(operation).name;
  }

  reset(): void {
    for (const record of this.#records.values()) {
      record.timing?.reset();
      record.events = new EventCounts();
    }
  }

  #of(name: string): OperationRecord {
    return this.#records.get(name) ?? this.#add(name);
  }

  #add(name: string): OperationRecord {
    if (this.#records.size >= this.limit && name !== OTHER) return this.#of(OTHER);
    const record: OperationRecord = { name, timing: undefined, events: new EventCounts() };
    this.#records.set(name, record);
    return record;
  }
}
