import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryServer, type MemoryServerOptions } from "../stores/memory-server.js";
import { subject, type Subject } from "../subject.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const tags = ["x", "y"] as const;
const mostLatency = 5;

const step = fc.record({
  what: fc.constantFrom("call", "call", "call", "change", "clear"),
  process: fc.nat(2),
  tag: fc.constantFrom(...tags),
  /** Whether only the result tells the tag. */
  late: fc.boolean(),
  takes: fc.nat(40),
  /** Of the store, from now on. */
  latency: fc.nat(mostLatency),
  wait: fc.constantFrom(0, 1, 5, 30, 300, 1_200),
});

/** When the data of a tag got another version, and in which processes the invalidation was done by when. */
interface DataChange {
  readonly process: number;
  readonly version: number;
  doneAt: number;
}

describe("whatever three processes do", () => {
  it.each<[string, MemoryServerOptions, number]>([
    ["told of changes late", { changesAfter: 20 }, 20 + 2 * mostLatency],
    ["never told of changes", { changes: false }, 1_000 + 2 * mostLatency],
  ])(
    "no caller gets data from before an invalidation that it can know of, %s",
    async (_, options, lateness) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 1, maxLength: 40 }),
          fc.boolean(),
          async (steps, locks) => {
            const server = new MemoryServer({ ...options, locks });
            const subjects: Subject[] = [];
            for (let index = 0; index < 3; index++) {
              const connecting = subject({ store: server.connect() });
              await vi.advanceTimersByTimeAsync(0);
              subjects.push(await connecting);
            }
            const data = { x: 0, y: 0 };
            const changes = { x: [] as DataChange[], y: [] as DataChange[] };
            const problems: string[] = [];
            const running: Promise<unknown>[] = [];

            const call = async (
              process: number,
              tag: "x" | "y",
              late: boolean,
              takes: number,
            ): Promise<void> => {
              const asked = Date.now();
              const least = Math.max(
                0,
                ...changes[tag]
                  .filter((change) => change.doneAt <= asked - (change.process === process ? 0 : lateness))
                  .map(({ version }) => version),
              );
              const make = async (): Promise<number> => {
                const seen = data[tag];
                await new Promise((resolve) => setTimeout(resolve, takes));
                return seen;
              };
              const judge = () => ({ tags: [tag] });
              const got = await subjects[process]!.call(tag, make, late ? { judge } : { tags: [tag] });
              if ((got as number) < least)
                problems.push(`${process} got ${tag}${String(got)}, but ${least} was done at ${asked}`);
            };
            const change = async (process: number, changed: readonly ("x" | "y")[]): Promise<void> => {
              const { cache, owner } = subjects[process]!;
              const made = changed.map((tag): DataChange => {
                const version = ++data[tag];
                const one: DataChange = { process, version, doneAt: Infinity };
                changes[tag].push(one);
                return one;
              });
              await (changed.length === 1 ? cache.invalidateTags(changed, owner) : cache.clear(owner));
              for (const one of made) one.doneAt = Date.now();
            };

            for (const { what, process, tag, late, takes, latency, wait } of steps) {
              server.latency = latency;
              if (what === "call") running.push(call(process, tag, late, takes));
              else running.push(change(process, what === "change" ? [tag] : tags));
              await vi.advanceTimersByTimeAsync(wait);
            }
            await vi.advanceTimersByTimeAsync(5_000);
            await Promise.all(running);
            expect(problems).toEqual([]);
            expect(vi.getTimerCount()).toBe(0);
          },
        ),
        { numRuns: Number(process.env["RUNS"] ?? 300) },
      );
    },
  );
});
