import { byHand } from "../operations/call-keys.js";
import type { MemoryStatistics } from "../memory/memory-tier.js";
import type { Observation } from "../statistics/observation.js";

/** Something about the cache that is worth a change, with what it was found by. */
export interface Advice {
  /** Stable, for people who look it up: `ttl-too-short`. */
  readonly rule: string;
  /** Whose results; missing where the whole cache is meant. */
  readonly operation?: string;
  /** What was measured, in a sentence. */
  readonly measured: string;
  /** What the change would gain, in a sentence; missing where that is nothing that was measured. */
  readonly gain?: string;
  /** The gain over the time that was measured, where it is time. Milliseconds, estimated. */
  readonly savesMs?: number;
  /** What to do. */
  readonly mend: string;
  /** The setting that does so: `operations."Users.find".cached.ttl`. */
  readonly setting?: string;
  /** What to set it to, where that can be said. */
  readonly value?: unknown;
}

/** What the configuration says of one operation. */
export interface OperationSettings {
  /** Milliseconds; `undefined` where a function says so for each result. */
  readonly ttl: number | undefined;
  readonly namespace: string | undefined;
  readonly isolate: boolean;
}

/** What advice is drawn from. */
export interface AdviceInput {
  readonly operations: ReadonlyMap<string, Observation>;
  readonly memory: MemoryStatistics;
  /** Whether there is a store behind the memory. */
  readonly hasStore: boolean;
  /** Whether `cache.adaptive` sets the number of entries. */
  readonly isAdaptive: boolean;
  /** By id, of those that are known here and cached. */
  readonly settings: ReadonlyMap<string, OperationSettings>;
  /** Those that are known here and not cached any more, whatever was counted before. */
  readonly uncached: ReadonlySet<string>;
}

/** Looks for one kind of defect. */
export type Rule = (input: AdviceInput) => readonly Advice[];

/** A rule as the documentation has it: what has to be measured before it is told. */
export interface RuleThresholds {
  readonly rule: string;
  readonly told: string;
}

/** One operation of an input. */
export interface Observed extends Observation {
  readonly operation: string;
  /**
   * Whether it is a cached method, rather than keys that are set by hand. One that is not known here,
   * such as to a command without the application, has no settings all the same.
   */
  readonly isMethod: boolean;
  readonly settings: OperationSettings | undefined;
}

/** A rule that looks at each operation by itself. */
export function eachOperation(look: (observed: Observed, input: AdviceInput) => Advice | undefined): Rule {
  return (input) =>
    Array.from(input.operations).flatMap(([operation, observation]) => {
      if (input.uncached.has(operation)) return [];
      const settings = input.settings.get(operation);
      return look({ ...observation, operation, isMethod: operation !== byHand, settings }, input) ?? [];
    });
}

/** The path of an option of `@cached` for one operation. */
export function settingOf(operation: string, option?: string): string {
  return `operations.${JSON.stringify(operation)}.cached${option === undefined ? "" : `.${option}`}`;
}

/** How long the method takes, on average. Milliseconds; 0 where it never succeeded. */
export function meanCost({ evidence: { made, madeMs } }: Observation): number {
  return made === 0 ? 0 : madeMs / made;
}
