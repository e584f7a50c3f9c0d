import { definePlugin } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    // Without the kernel's id and the time, which differ.
    lines.push(
      String(text)
        .replace(/^mlmcp \w{8}: /, "")
        .replace(/[\d.]+ ms/, "n ms")
        .trimEnd(),
    );
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const gauge = definePlugin({
  name: "gauge",
  section: "gauge",
  schema: {
    type: "object",
    properties: { size: { type: "integer", default: 1 }, token: { type: "string", secret: true } },
  },
});

describe("system.debug", () => {
  it("says what the kernel does, step by step, and no secret", async () => {
    const kernel = await createTestKernel({ plugins: [gauge], config: { system: { debug: true } } });
    await kernel.config.set({ "gauge.size": 2, "gauge.token": "correct horse battery" });
    await kernel.reload();
    await kernel.stop();
    expect(lines).toEqual([
      "plugin resilience registered",
      "plugin gauge registered",
      "plugin resilience started in n ms",
      "plugin gauge started in n ms",
      expect.stringMatching(/^started with no rc file in development; operations known: \d+$/),
      "gauge.size: 1 → 2",
      "gauge.token: not set → '[secret]'",
      "reloaded; nothing has changed",
      "stopping: waits for the calls in flight",
      "plugin gauge stopped",
      "plugin resilience stopped",
      "stopped",
    ]);
  });

  it("says nothing where it is off, and follows a change", async () => {
    const kernel = await createTestKernel({ plugins: [gauge] });
    expect(lines).toEqual([]);
    await kernel.config.set("system.debug", true);
    expect(lines).toEqual(["system.debug: false → true"]);
    await kernel.config.set("system.debug", false);
    await kernel.stop();
    expect(lines).toHaveLength(1);
  });
});
