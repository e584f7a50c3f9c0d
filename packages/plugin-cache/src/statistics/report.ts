import { DistinctCount } from "./distinct-count.js";
import type { Observation, ProcessObservation } from "./observation.js";

/** What the entries of a store belong to that hold reports. */
export const reportOperation = "(statistics)";

const version = 1;

interface Report extends Omit<ProcessObservation, "operations"> {
  readonly version: typeof version;
  readonly operations: Readonly<Record<string, OperationReport>>;
}

type OperationReport = Omit<Observation, "keys" | "arguments"> & {
  readonly keys: string;
  readonly arguments: Readonly<Record<string, string>>;
};

/** An observation as plain data, those operations that were called. */
export function toReport({ operations, ...observed }: ProcessObservation): object {
  const called = [...operations].filter(
    ([, { counters }]) => counters.sets + counters.misses + sum(counters.hits) > 0,
  );
  return {
    version,
    ...observed,
    operations: Object.fromEntries(
      called.map(([operation, { keys, arguments: args, ...rest }]) => [
        operation,
        {
          ...structuredClone(rest),
          keys: keys.toJSON(),
          arguments: Object.fromEntries(Array.from(args, ([label, values]) => [label, values.toJSON()])),
        },
      ]),
    ),
  } satisfies Report;
}

/** `undefined` for what another version wrote. */
export function readReport(report: unknown): ProcessObservation | undefined {
  if ((report as Partial<Report> | undefined)?.version !== version) return undefined;
  const { operations, since, until, memory } = report as Report;
  return {
    since,
    until,
    memory,
    operations: new Map(Object.entries(operations).map(([operation, one]) => [operation, readOne(one)])),
  };
}

function readOne({ keys, arguments: args, ...rest }: OperationReport): Observation {
  const read = ([label, ranks]: [string, string]) => [label, new DistinctCount(ranks)] as const;
  return { ...rest, keys: new DistinctCount(keys), arguments: new Map(Object.entries(args).map(read)) };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
