import { once } from "node:events";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Fault } from "./fault.js";

async function exhaustWorker(): Promise<void> {
  const worker = new Worker("const all = []; for (;;) all.push(new Array(1000).fill(0).map(() => ({})));", {
    eval: true,
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2 },
  });
  await once(worker, "exit");
}

export const engine: Fault[] = [
  [
    "an array that is too long",
    () => Array.from({ length: 2 ** 53 - 1 }),
    "resource",
    /Process the data in parts/,
  ],
  ["a text that is too long", () => "x".repeat(2 ** 30), "resource", /Process the data in parts/],
  ["a buffer that is too large", () => new ArrayBuffer(2 ** 52), "resource", /Process the data in parts/],
  [
    "ERR_STRING_TOO_LONG",
    () => Buffer.allocUnsafeSlow(2 ** 28 + 64).toString("hex"),
    "resource",
    /Process the data in parts/,
  ],
  [
    "ERR_BUFFER_TOO_LARGE",
    () => gunzipSync(gzipSync("x".repeat(100)), { maxOutputLength: 1 }),
    "resource",
    /Process the data in parts/,
  ],
  ["ERR_WORKER_OUT_OF_MEMORY", exhaustWorker, "resource", /Give the worker more memory/],
  [
    "a recursion without end",
    function again(): unknown {
      return [again()];
    },
    "permanent",
    /a recursion that does not end/,
  ],
  ["text that is no JSON", () => JSON.parse("<html>"), "unknown", /it is no JSON/],
  ["text that was cut short", () => JSON.parse('{"a":'), "unknown", /it is no JSON/],
  ["a mistake: TypeError", () => (undefined as unknown as string).length, "permanent", /Mend the code/],
  [
    "a mistake: ReferenceError",
    () => new Function("return nowhere")(),
    "permanent",
    /a name that is not defined/,
  ],
  [
    "a module that is not there",
    () => import("no-such-package-at-all" as string),
    "permanent",
    /Install the package/,
  ],
  [
    "MODULE_NOT_FOUND",
    () => createRequire(import.meta.url)("no-such-package-at-all"),
    "permanent",
    /Install the package/,
  ],
];
