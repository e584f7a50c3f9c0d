import { definePlugin, retry } from "@mlmcp/core";
import { describe, expect, it } from "vitest";
import { portableConfig, workerConfig } from "../src/worker-config.js";

describe("portableConfig", () => {
  it("keeps data and leaves behind what cannot be sent", () => {
    const config = {
      cache: { store: new Map(), ttl: 5, key: () => 1, list: [1, () => 2, { a: Symbol("s") }] },
      ml: { deep: { on: true, none: null } },
    };
    expect(portableConfig(config)).toEqual({
      cache: { ttl: 5, list: [1, {}] },
      ml: { deep: { on: true, none: null } },
    });
    expect(() => structuredClone(portableConfig(config))).not.toThrow();
  });
});

describe("workerConfig", () => {
  const plugin = definePlugin({ name: "worker-config-test", section: "ml", decorators: [] });
  const retrying = definePlugin({ name: "worker-config-retry", decorators: [retry] });
  const config = {
    system: { environment: "test" },
    performance: { nJobs: 2 },
    ml: { depth: 3 },
    cache: { ttl: 5 },
    operations: {
      "A.*": { retry: 3, cached: false, order: ["retry"] },
      "B.*": { cached: { ttl: 1 }, order: ["cached", "retry"] },
    },
    plugins: { "plugin-off": false, "plugin-on": true, "plugin-options": { a: 1 } },
    app: "./app.js",
  };

  it("keeps what concerns the worker's plugins, and what is turned off", () => {
    expect(workerConfig(config, [plugin, retrying])).toEqual({
      system: { environment: "test" },
      performance: { nJobs: 2 },
      ml: { depth: 3 },
      operations: { "A.*": { retry: 3, order: ["retry"] }, "B.*": {} },
      plugins: { "plugin-off": false },
    });
  });

  it("takes a list of plugins for one that turns none off", () => {
    expect(workerConfig({ plugins: ["a"] }, [])).toEqual({ operations: {}, plugins: {} });
  });
});
