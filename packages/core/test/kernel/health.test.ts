import { definePlugin, type HealthCheck } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, expect, it, vi } from "vitest";

afterEach(() => void vi.useRealTimers());

const kernelWith = (...checks: HealthCheck[]) =>
  createTestKernel({
    plugins: [definePlugin({ name: "p", healthChecks: checks.map((check) => () => check) })],
  });

const only = (checks: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(checks).filter(([name]) => name.startsWith("p/")));

it("is up where every check is, and names each by its plugin", async () => {
  await using kernel = await kernelWith({
    name: "store",
    check: () => ({ status: "up", details: { entries: 1 } }),
  });
  const { status, checks } = await kernel.health();
  expect([status, only(checks)]).toEqual(["up", { "p/store": { status: "up", details: { entries: 1 } } }]);
});

it.each([
  [
    "down where a critical check is down",
    [
      { name: "a", check: () => ({ status: "down" }) },
      { name: "b", check: () => ({ status: "degraded" }) },
    ],
    "down",
  ],
  [
    "degraded where one that is not critical is down",
    [{ name: "a", critical: false, check: () => ({ status: "down" }) }],
    "degraded",
  ],
  [
    "degraded where a check says so",
    [
      { name: "a", check: () => ({ status: "degraded" }) },
      { name: "b", check: () => ({ status: "up" }) },
    ],
    "degraded",
  ],
] as Array<[string, HealthCheck[], string]>)("is %s", async (_, checks, expected) => {
  await using kernel = await kernelWith(...checks);
  expect((await kernel.health()).status).toBe(expected);
});

it("counts a check that throws, or takes too long, as down", async () => {
  await using kernel = await kernelWith(
    {
      name: "throws",
      check() {
        throw new Error("connection refused");
      },
    },
    { name: "hangs", timeout: 50, check: () => new Promise(() => {}) },
  );
  vi.useFakeTimers();
  const pending = kernel.health();
  await vi.advanceTimersByTimeAsync(50);
  expect(only((await pending).checks)).toEqual({
    "p/throws": { status: "down", details: { error: "connection refused" } },
    "p/hangs": { status: "down", details: { error: "no answer within 50 ms" } },
  });
});

it("asks a check that can reconnect once more", async () => {
  let connected = false;
  await using kernel = await kernelWith(
    {
      name: "mends",
      check: () => ({ status: connected ? "up" : "down" }),
      reconnect: () => void (connected = true),
    },
    {
      name: "cannot",
      check: () => ({ status: "down", details: { since: 1 } }),
      reconnect() {
        throw new Error("still refused");
      },
    },
    {
      name: "does without",
      check: () => ({ status: "degraded" }),
      reconnect() {
        throw new Error("not yet");
      },
    },
    {
      name: "does without no more",
      check: () => ({ status: connected ? "up" : "degraded" }),
      reconnect: () => void (connected = true),
    },
  );
  expect(only((await kernel.health()).checks)).toEqual({
    "p/mends": { status: "up" },
    "p/cannot": { status: "down", details: { since: 1, reconnect: "still refused" } },
    "p/does without": { status: "degraded", details: { reconnect: "not yet" } },
    "p/does without no more": { status: "up" },
  });
});
