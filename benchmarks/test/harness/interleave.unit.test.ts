import { describe, expect, it } from "vitest";
import { interleave, type Timed } from "../../src/harness/interleave.js";

/** Takes what it is told for each call, and writes down when it was asked. */
function contender(name: string, nsPerCall: number, trace: string[]): Timed & { batches: number[] } {
  const batches: number[] = [];
  return {
    name,
    batches,
    async time(calls) {
      trace.push(name);
      batches.push(calls);
      return calls * nsPerCall;
    },
  };
}

/** The last of the values each time, so that a shuffle leaves the order as it is. */
const inOrder = () => 0.999_999;

describe("interleave", () => {
  it("runs one batch of every contender in each round", async () => {
    const trace: string[] = [];
    const contenders = ["a", "b", "c"].map((name) => contender(name, 100, trace));
    await interleave(contenders, { rounds: 4, batchMs: 1, warmUpMs: 1 }, inOrder);
    expect(trace.slice(-12).join("")).toBe("abcabcabcabc");
  });

  it("draws the order of every round anew", async () => {
    const trace: string[] = [];
    const contenders = ["a", "b", "c"].map((name) => contender(name, 100, trace));
    const drawn = [0, 0, 0.5, 0.999, 0.999, 0.999];
    await interleave(contenders, { rounds: 3, batchMs: 1, warmUpMs: 1 }, () => drawn.shift()!);
    expect(trace.slice(-9).join("")).toBe("bcaacbabc");
  });

  it("gives nanoseconds a call, one value for each round", async () => {
    const samples = await interleave([contender("slow", 250, []), contender("fast", 2, [])], {
      rounds: 3,
      batchMs: 1,
      warmUpMs: 1,
    });
    expect(samples).toEqual(
      new Map([
        ["slow", [250, 250, 250]],
        ["fast", [2, 2, 2]],
      ]),
    );
  });

  it("makes batches of equal duration for slow and fast contenders", async () => {
    const slow = contender("slow", 10_000, []);
    const fast = contender("fast", 1, []);
    await interleave([slow, fast], { rounds: 1, batchMs: 2, warmUpMs: 1 });
    expect(slow.batches.at(-1)).toBe(200);
    expect(fast.batches.at(-1)).toBe(2_000_000);
  });

  it("makes at least one call where a single one takes longer than a batch", async () => {
    const slow = contender("slow", 50e6, []);
    await interleave([slow], { rounds: 2, batchMs: 2, warmUpMs: 1 });
    expect(slow.batches.slice(-2)).toEqual([1, 1]);
  });

  it("warms each contender up for as long as it is told, before the first round", async () => {
    const trace: string[] = [];
    const one = contender("one", 1_000, trace);
    const other = contender("other", 1_000, trace);
    const warmUpMs = 20;
    await interleave([one, other], { rounds: 2, batchMs: 1, warmUpMs });
    for (const { batches } of [one, other]) {
      const warmUp = batches.slice(0, -2).reduce((calls, batch) => calls + batch, 0);
      expect(warmUp * 1_000).toBeGreaterThanOrEqual(warmUpMs * 1e6);
    }
    expect(trace.lastIndexOf("one", trace.indexOf("other"))).toBe(trace.indexOf("other") - 1);
  });

  it("sizes batches by what calls take once they are warm", async () => {
    let made = 0;
    const batches: number[] = [];
    const improving: Timed = {
      name: "improving",
      async time(calls) {
        batches.push(calls);
        made += calls;
        return calls * (made < 5_000 ? 1_000 : 10);
      },
    };
    const samples = await interleave([improving], { rounds: 1, batchMs: 1, warmUpMs: 20 });
    expect(samples.get("improving")).toEqual([10]);
    expect(batches.at(-1)).toBe(100_000);
  });
});
