import { createMethodDecorator, definePlugin, isMlmcpError, operationOf } from "@mlmcp/core";
import { afterEach, describe, expect, it } from "vitest";
import { mainRunsAgain } from "../src/faults.js";
import type { OperationTarget, Target } from "../src/protocol.js";
import { threadState } from "../src/thread-state.js";
import { WorkerScope } from "../src/worker-scope.js";
import { DoubleWork, Work } from "./fixtures/work.js";
import { rejectionOf } from "./support/kernels.js";

// What runs in a worker, here in the test's own thread.
const module = new URL("./fixtures/work.ts", import.meta.url).href;
const target = (changes: Partial<OperationTarget>): OperationTarget => ({
  kind: "operation",
  id: "Work.triple",
  module,
  file: undefined,
  ordinal: -1,
  method: "triple",
  static: false,
  className: "Work",
  subclass: undefined,
  ...changes,
});

const scopes = new Set<WorkerScope>();
afterEach(async () => {
  threadState.refusal = undefined;
  await Promise.all(Array.from(scopes, (scope) => scope.stop()));
  scopes.clear();
});

function newScope(config: object = {}): WorkerScope {
  const scope = new WorkerScope({ config: { ...config }, cwd: process.cwd() });
  scopes.add(scope);
  return scope;
}

async function runIn(scope: WorkerScope, id: number, wanted: Target, ...args: unknown[]): Promise<unknown> {
  await scope.load({ kind: "load", id, label: "test", target: wanted });
  return scope.run({ kind: "run", id, args, apply: "once", advised: false, context: undefined });
}

describe("WorkerScope", () => {
  it("runs an exported function, once or for each item", async () => {
    const scope = newScope();
    const cube: Target = { kind: "function", module, export: "cube" };
    expect(await runIn(scope, 0, cube, 2)).toBe(8);
    const each = {
      kind: "run",
      id: 0,
      args: [[1, 2, 3]],
      apply: "each",
      advised: true,
      context: undefined,
    } as const;
    expect(await scope.run(each)).toEqual([1, 8, 27]);
    expect(scope.labelOf(0)).toBe("test");
  });

  it("finds an operation by its id, and keeps one instance of its class", async () => {
    const scope = newScope();
    const place = target({ id: "Work.place", method: "place" });
    expect(await runIn(scope, 0, place)).toMatchObject({ calls: 1 });
    expect(await runIn(scope, 1, { ...place, subclass: { name: "DoubleWork", module } })).toMatchObject({
      calls: 1,
      label: new DoubleWork({ times: 0, apply: Number }).label,
    });
    expect(await runIn(scope, 0, place)).toMatchObject({ calls: 2 });
  });

  it("finds an operation by file and ordinal where its id says something else", async () => {
    const scope = newScope();
    await runIn(scope, 0, target({}), 1);
    const { source, ordinal } = operationOf(Work.prototype.triple)!;
    const renamed = target({ id: "minified.a", file: source?.file, ordinal });
    expect(await runIn(scope, 1, renamed, 2)).toBe(6);
  });

  it("runs with the caller's context, unless that is off", async () => {
    const context = { correlationId: "from the caller", deadline: Date.now() + 60_000 };
    for (const system of [{}, { context: false }]) {
      const scope = newScope({ system });
      expect(await runIn(scope, 0, target({}), 1)).toBe(3);
      const run = { kind: "run", id: 0, args: [2], apply: "once", advised: false, context } as const;
      expect(await scope.run(run)).toBe(6);
      await scope.stop();
    }
  });

  it("constructs again after its kernel started anew for a plugin that came later", async () => {
    const scope = newScope();
    const place = target({ id: "Work.place", method: "place" });
    expect(await runIn(scope, 0, place)).toMatchObject({ calls: 1 });
    const late = createMethodDecorator({ name: "late", schema: {}, parts: [] });
    definePlugin({ name: "plugin-late", decorators: [late] });
    expect(await runIn(scope, 1, target({}), 1)).toBe(3);
    expect(
      await scope.run({ kind: "run", id: 0, args: [], apply: "once", advised: false, context: undefined }),
    ).toMatchObject({ calls: 1 });
  });

  it("says what it does not find", async () => {
    const scope = newScope();
    const codeOf = async (wanted: Target): Promise<unknown> => {
      const error = await rejectionOf(runIn(scope, 9, wanted));
      expect(isMlmcpError(error)).toBe(true);
      return error.code;
    };
    expect(await codeOf(target({ id: "No.where", method: "where", className: "No" }))).toBe(
      "MLMCP_PARALLEL_NOT_FOUND",
    );
    expect(await codeOf(target({ subclass: { name: "TripleWork", module } }))).toBe(
      "MLMCP_PARALLEL_NOT_FOUND",
    );
    expect(await codeOf(target({ id: "Work.gone", method: "gone" }))).toBe("MLMCP_PARALLEL_NOT_FOUND");
    expect(await codeOf({ kind: "function", module, export: "nothing" })).toBe("MLMCP_PARALLEL_MODULE");
    expect(await codeOf({ kind: "function", module: `${module}.js`, export: "cube" })).toBe(
      "MLMCP_PARALLEL_MODULE",
    );
    expect(await codeOf(target({ id: "Unbuildable.run", method: "run" }))).toBe("MLMCP_PARALLEL_CONSTRUCT");
  });

  it("runs nothing once the application was started beside it", async () => {
    const scope = newScope();
    expect(await runIn(scope, 0, target({}), 1)).toBe(3);
    threadState.refusal = mainRunsAgain("test", module);
    const run = { kind: "run", id: 0, args: [2], apply: "once", advised: false, context: undefined } as const;
    expect(await rejectionOf(scope.run(run))).toMatchObject({ code: "MLMCP_PARALLEL_MAIN" });
  });
});
