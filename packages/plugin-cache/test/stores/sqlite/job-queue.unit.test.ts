import { describe, expect, it } from "vitest";
import type { Connection } from "../../../src/stores/sqlite/connection.js";
import { JobQueue, type Group } from "../../../src/stores/sqlite/job-queue.js";

const connection = {} as Connection;

/** A queue, and what it ran: one line a statement. */
function traced(limits: { maxWaiting?: number; maxBytes?: number } = {}) {
  const trace: string[] = [];
  const group = (name: string): Group<unknown, string> => ({
    async run(_, rows) {
      trace.push(`${name} ${rows.join(",")}`);
      await new Promise((resolve) => setImmediate(resolve));
      if (rows.includes("bad")) throw new Error(`${name} failed`);
      return rows.map((row) => `${name} of ${String(row)}`);
    },
  });
  const queue = new JobQueue({
    name: "the file",
    maxWaiting: 1_000,
    ...limits,
    execute: (work) => work(connection),
  });
  return { trace, queue, get: group("get"), set: group("set") };
}

describe("a queue of statements", () => {
  it("makes one statement of neighbours of one kind, in the order of their coming", async () => {
    const { trace, queue, get, set } = traced();
    const answers = await Promise.all([
      queue.add(get, 1),
      queue.add(get, 2),
      queue.add(set, 3),
      queue.add(set, 4),
      queue.alone(async () => trace.push("alone")),
      queue.add(set, 5),
      queue.add(get, 6),
    ]);
    expect(trace).toEqual(["get 1,2", "set 3,4", "alone", "set 5", "get 6"]);
    expect(answers).toEqual(["get of 1", "get of 2", "set of 3", "set of 4", 3, "set of 5", "get of 6"]);
  });

  it("takes along what comes while another statement runs, and what comes by promises of one turn", async () => {
    const { trace, queue, get } = traced();
    const later = Promise.resolve()
      .then(() => undefined)
      .then(() => queue.add(get, 2));
    await queue.add(get, 1);
    const running = queue.add(get, 3);
    await new Promise((resolve) => process.nextTick(resolve));
    await Promise.all([running, queue.add(get, 4), queue.add(get, 5), later]);
    expect(trace).toEqual(["get 1,2", "get 3", "get 4,5"]);
  });

  it("takes at most 64 rows, and at most 4 MiB unless one row alone is larger", async () => {
    const { trace, queue, get, set } = traced();
    await Promise.all(Array.from({ length: 100 }, (_, at) => queue.add(get, at)));
    expect(trace.map((line) => line.split(",").length)).toEqual([64, 36]);
    const megabyte = 1024 * 1024;
    trace.length = 0;
    await Promise.all([3, 2, 5, 1, 1].map((size) => queue.add(set, size, size * megabyte)));
    expect(trace).toEqual(["set 3", "set 2", "set 5", "set 1,1"]);
  });

  it("fails those of one statement together and goes on", async () => {
    const { queue, set } = traced();
    const results = await Promise.allSettled([
      queue.add(set, 1),
      queue.add(set, "bad"),
      queue.alone(async () => "on"),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  });

  it("refuses what would wait beyond its bounds, and takes more once there is room", async () => {
    const { queue, set } = traced({ maxWaiting: 3, maxBytes: 100 });
    const first = queue.add(set, 1, 90);
    await expect(queue.add(set, 2, 20)).rejects.toThrow("1 statements wait for the file already");
    const rest = [queue.add(set, 3, 5), queue.add(set, 4, 5)];
    await expect(queue.add(set, 5)).rejects.toThrow("3 statements wait for the file already");
    await Promise.all([first, ...rest]);
    await expect(queue.add(set, 6, 100)).resolves.toBe("set of 6");
  });

  it("does what waits before it is closed, and refuses what comes later", async () => {
    const { trace, queue, set } = traced();
    const waiting = queue.add(set, 1);
    const closing = queue.close();
    await expect(queue.add(set, 2)).rejects.toThrow("the file is closed");
    await closing;
    expect(trace).toEqual(["set 1"]);
    await waiting;
  });
});
