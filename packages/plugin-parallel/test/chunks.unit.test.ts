import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultChunkSize, runChunked } from "../src/chunks.js";

describe("runChunked", () => {
  it("joins in the order of the items, whatever order the chunks end in", async () => {
    const settings = fc.record({
      size: fc.nat(40),
      chunkSize: fc.integer({ min: 1, max: 12 }),
      concurrency: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(settings, fc.scheduler(), async ({ size, chunkSize, concurrency }, scheduler) => {
        const items = Array.from({ length: size }, (_, index) => index);
        let running = 0;
        const mapped = runChunked<string>("work", items, { chunkSize, concurrency }, async (chunk) => {
          running += 1;
          expect(running).toBeLessThanOrEqual(concurrency);
          expect(chunk.length).toBeLessThanOrEqual(chunkSize);
          await scheduler.schedule(Promise.resolve());
          running -= 1;
          return chunk.map(String);
        });
        await scheduler.waitFor(mapped);
        expect(await mapped).toEqual(items.map(String));
      }),
    );
  });

  it("begins no chunk after a failure", async () => {
    const begun: unknown[] = [];
    const mapped = runChunked(
      "work",
      [1, 2, 3, 4, 5, 6],
      { chunkSize: 1, concurrency: 2 },
      async ([item]) => {
        begun.push(item);
        if (item === 2) throw new Error("second");
        await Promise.resolve();
        await Promise.resolve();
        return [item];
      },
    );
    await expect(mapped).rejects.toThrow("second");
    expect(begun).toEqual([1, 2]);
  });

  it("names what came instead of an array", async () => {
    const options = { chunkSize: 1, concurrency: 1 };
    const never = () => Promise.reject(new Error("not called"));
    await expect(runChunked("work", null, options, never)).rejects.toThrow("received null");
    await expect(runChunked("work", new Map(), options, never)).rejects.toThrow("received a Map");
    await expect(runChunked("work", [1], options, async () => undefined)).rejects.toThrow(
      "it returned undefined",
    );
  });
});

describe("the default size of a chunk", () => {
  it("gives each worker four", () => {
    expect(defaultChunkSize(800, 2)).toBe(100);
    expect(defaultChunkSize(801, 2)).toBe(101);
    expect(defaultChunkSize(3, 8)).toBe(1);
    expect(defaultChunkSize(0, 8)).toBe(1);
  });
});
