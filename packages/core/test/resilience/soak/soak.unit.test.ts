import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { SoakReport } from "./soak.child.js";

const library = fileURLToPath(new URL("../../../../../scripts/lib/soak.mjs", import.meta.url));

/**
 * Too few to tell a byte a call, which is for `pnpm soak:calls` and its million; enough to tell an entry
 * in a map or a listener, which take 50 bytes and more.
 */
const CALLS = 100_000;

it(
  `a process grows by no entry a call over ${CALLS} calls that fail at random`,
  { timeout: 300_000 },
  async () => {
    const { soak } = (await import(library)) as { soak(calls: number): Promise<SoakReport> };
    const { calls, outcomes, bytesPerCall, leftovers } = await soak(CALLS);
    expect(leftovers).toEqual([]);
    expect(calls).toBe(CALLS);
    expect(Object.keys(outcomes)).toEqual(
      expect.arrayContaining(["data", "stand-in", "OperationTimeoutError"]),
    );
    expect(bytesPerCall.upper).toBeLessThan(20);
  },
);
