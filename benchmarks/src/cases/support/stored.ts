import cachePlugin, { CacheManager } from "@mlmcp/plugin-cache";
import type { Keyv } from "keyv";
import type { Contender } from "../../harness/case.js";
import { leaveKernel, useKernel } from "./kernel.js";

/** What is stored: some 150 bytes as JSON. */
export interface Delay {
  readonly airport: string;
  readonly mean: number;
  readonly hours: readonly number[];
}

/** As many different keys take turns. A power of two. */
export const KEYS = 1_024;
export const TTL_MS = 3_600_000;

export interface Subject {
  set(key: string, value: Delay): Promise<unknown>;
  get(key: string): Promise<Delay | undefined>;
  dispose(): Promise<unknown>;
}

export type Run = (subject: Subject, calls: number) => Promise<unknown>;

export function keyvSubject(keyv: Keyv<Delay>): Subject {
  return {
    set: (...args) => keyv.set(...args),
    get: (key) => keyv.get(key),
    dispose: () => keyv.disconnect(),
  };
}

/** A cache on a store that has to be asked, since memory holds next to nothing. */
export async function managerSubject(store: string): Promise<Subject> {
  const kernel = await useKernel([cachePlugin], { cache: { store, ttl: TTL_MS, maxEntries: 1 } });
  const manager = kernel.resolve(CacheManager);
  return {
    set: (...args) => manager.set(...args),
    get: (key) => manager.get<Delay>(key),
    dispose: leaveKernel,
  };
}

/** Where stores of one kind are. */
export interface Places {
  readonly subjects: Readonly<Record<string, (place: string) => Promise<Subject>>>;
  /** A new place for one subject, and what ends it. */
  open(): Promise<{ readonly place: string; close(): unknown }>;
  delay(at: number): Delay;
}

/** What stores of one kind do with the same values, a place each. */
export function storeContenders({ subjects, open, delay }: Places, run: Run): Contender[] {
  return Object.entries(subjects).map(([name, begin]) => ({
    name,
    async setup() {
      const { place, close } = await open();
      const subject = await begin(place);
      for (let at = 0; at < KEYS; at += 1) await subject.set(keyOf(at), delay(at));
      return {
        run: (calls) => run(subject, calls),
        async check() {
          const value = { airport: "KX", mean: 0.5, hours: [1, 2, 3] };
          await subject.set("check", value);
          return { found: await subject.get("check"), missing: await subject.get("none") };
        },
        async dispose() {
          await subject.dispose();
          await close();
        },
      };
    },
  }));
}

export async function getOne({ get }: Subject, at: number): Promise<number> {
  return (await get(keyOf(at)))!.mean;
}

export function keyOf(at: number): string {
  return `delays:${(at * 7) & (KEYS - 1)}`;
}
