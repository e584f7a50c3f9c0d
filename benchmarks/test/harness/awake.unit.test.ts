import { availableParallelism, constants, getPriority } from "node:os";
import { expect, it } from "vitest";
import { keepAwake } from "../../src/harness/awake.js";

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it("keeps each processor busy with what gives way to everything else, until it is ended", async () => {
  const { pids, end } = keepAwake();
  expect(pids).toHaveLength(availableParallelism());
  expect(pids.map((pid) => getPriority(pid))).toEqual(pids.map(() => constants.priority.PRIORITY_LOW));
  expect(pids.filter(isAlive)).toEqual(pids);
  await end();
  expect(pids.filter(isAlive)).toEqual([]);
});
