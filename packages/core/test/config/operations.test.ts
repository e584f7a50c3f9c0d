import { describe, expect, it } from "vitest";
import { describeSource } from "@mlmcp/core";
import { load, project } from "./project.js";

const settings = async (operations: object, id: string) =>
  (await load({ config: { operations } })).operation(id);

describe("operations", () => {
  it("are empty for an operation that nothing matches", async () => {
    expect(await settings({ "Other.*": { cached: false } }, "Reports.load")).toEqual({
      advice: {},
      sources: {},
    });
  });

  it("take false, true, the shorthand and options, as numbers", async () => {
    const entry = { cached: "5m", retry: { maxRetries: 5 }, timed: false };
    expect((await settings({ "Reports.load": entry }, "Reports.load")).advice).toEqual({
      cached: { ttl: 300_000 },
      retry: { maxRetries: 5 },
      timed: false,
    });
    expect(
      (await settings({ "Reports.load": { cached: { ttl: "5m", grace: { period: "1s" } } } }, "Reports.load"))
        .advice,
    ).toEqual({
      cached: { ttl: 300_000, grace: { period: 1_000 } },
    });
  });

  it("require nothing: they change what the decorator says", async () => {
    expect((await settings({ "A.b": { cached: { namespace: "x" } } }, "A.b")).advice).toEqual({
      cached: { namespace: "x" },
    });
  });

  it.each([
    ["*", "Reports.load", true],
    ["Reports.*", "Reports.load", true],
    ["Reports.*", "Reports.static.load", true],
    ["*.load", "Reports.load", true],
    ["R*s.l*d", "Reports.load", true],
    ["Reports.load", "Reports.load", true],
    ["Reports.load", "Reports.loadAll", false],
    ["Reports.load", "ReportsXload", false],
    ["Reports", "Reports.load", false],
    ["reports.*", "Reports.load", false],
    ["Reports.(load|save)", "Reports.load", false],
    ["$special.[x]", "$special.[x]", true],
  ])("the glob %s matches %s: %s", async (glob, id, matches) => {
    expect((await settings({ [glob]: { cached: false } }, id)).advice).toEqual(
      matches ? { cached: false } : {},
    );
  });

  it("let the more specific win, wherever it stands", async () => {
    const operations = {
      "Reports.load": { retry: 1 },
      "Reports.*": { retry: 2, timed: false },
      "*": { retry: 3, timed: true, cached: false },
    };
    expect((await settings(operations, "Reports.load")).advice).toEqual({
      retry: { maxRetries: 1 },
      timed: false,
      cached: false,
    });
    expect((await settings(operations, "Reports.save")).advice).toEqual({
      retry: { maxRetries: 2 },
      timed: false,
      cached: false,
    });
    expect((await settings(operations, "Other.save")).advice).toEqual({
      retry: { maxRetries: 3 },
      timed: true,
      cached: false,
    });
  });

  it("let an id win over every glob, and the glob with fewer stars over its equal", async () => {
    expect((await settings({ ab: { retry: 1 }, "a*b**": { retry: 2 } }, "ab")).advice).toEqual({
      retry: { maxRetries: 1 },
    });
    expect((await settings({ "A.b": { retry: 1 }, "*A.b*": { retry: 2 } }, "A.b")).advice).toEqual({
      retry: { maxRetries: 1 },
    });
    expect((await settings({ "A.l*": { retry: 1 }, "*A.l*": { retry: 2 } }, "A.load")).advice).toEqual({
      retry: { maxRetries: 1 },
    });
  });

  it("let the later of equals win, and the higher layer before that", async () => {
    expect((await settings({ "A.*": { retry: 1 }, "*.b": { retry: 2 } }, "A.b")).advice).toEqual({
      retry: { maxRetries: 2 },
    });
    const cwd = project({ ".mlmcprc.yaml": "operations: { '*.b': { retry: 2 } }" });
    const config = await load({ cwd, config: { operations: { "A.*": { retry: 1 } } } });
    expect(config.operation("A.b").advice).toEqual({ retry: { maxRetries: 1 } });
  });

  it("let the more specific win over a higher layer", async () => {
    const cwd = project({ ".mlmcprc.yaml": "operations: { 'A.b': { retry: 2 } }" });
    expect(
      (await load({ cwd, config: { operations: { "*": { retry: 1 } } } })).operation("A.b").advice,
    ).toEqual({ retry: { maxRetries: 2 } });
  });

  it("merge options, keep them under true, and drop them under false", async () => {
    const options = { cached: { ttl: 1, grace: { period: 2 } } };
    const over = async (cached: unknown) =>
      (await settings({ "*": options, "A.b": { cached } }, "A.b")).advice["cached"];
    expect(await over({ grace: { period: 3 } })).toEqual({ ttl: 1, grace: { period: 3 } });
    expect(await over(true)).toEqual({ ttl: 1, grace: { period: 2 } });
    expect(await over(false)).toBe(false);
    expect(await over("5s")).toEqual({ ttl: 5_000, grace: { period: 2 } });
    expect(
      (await settings({ "*": { cached: false }, "A.b": { cached: true } }, "A.b")).advice["cached"],
    ).toBe(true);
  });

  it("give an order, of the most specific that has one", async () => {
    const operations = {
      "*": { order: ["retry", "cached"] },
      "A.*": { order: ["cached", "retry"] },
      "A.b": { retry: 1 },
    };
    expect((await settings(operations, "A.b")).order).toEqual(["cached", "retry"]);
    expect((await settings(operations, "B.b")).order).toEqual(["retry", "cached"]);
  });

  it("say where each setting came from", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        "operations:\n  '*':\n    cached:\n      ttl: 5m\n      namespace: x\n    timed: false\n  A.b:\n    cached:\n      ttl: 1m\n    retry: 2\n    order: [retry, cached]\n",
    });
    const { sources } = (await load({ cwd })).operation("A.b");
    expect(
      Object.fromEntries(Object.entries(sources).map(([key, source]) => [key, describeSource(source)])),
    ).toEqual({
      cached: ".mlmcprc.yaml:8",
      "cached.ttl": ".mlmcprc.yaml:9",
      "cached.namespace": ".mlmcprc.yaml:5",
      timed: ".mlmcprc.yaml:6",
      retry: ".mlmcprc.yaml:10",
      "retry.maxRetries": ".mlmcprc.yaml:10",
      order: ".mlmcprc.yaml:11",
    });
  });

  it("forget the source of an option that is no longer in force", async () => {
    const { sources } = await settings({ "*": { cached: { ttl: 1 } }, "A.b": { cached: false } }, "A.b");
    expect(Object.keys(sources)).toEqual(["cached"]);
  });

  it("are frozen and worked out once for an id", async () => {
    const config = await load({ config: { operations: { "*": { cached: { ttl: 1 } } } } });
    const first = config.operation("A.b");
    expect(config.operation("A.b")).toBe(first);
    expect(Object.isFrozen(first.advice["cached"])).toBe(true);
  });

  it("name the ids that are written in full, with the place of each", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        "operations:\n  '*': { timed: false }\n  A.b: { timed: false }\nprofiles:\n  p:\n    operations:\n      A.b: { retry: 1 }\n",
    });
    const config = { operations: { "A.c": { timed: true }, "A.*": { timed: true } } };
    const { operationIds } = await load({ cwd, config, env: { MLMCP_SYSTEM_ENVIRONMENT: "p" } });
    expect(operationIds.map(({ id, source }) => [id, describeSource(source)])).toEqual([
      ["A.b", ".mlmcprc.yaml:3"],
      ["A.b", ".mlmcprc.yaml:7"],
      ["A.c", "createKernel({ config })"],
    ]);
  });
});
