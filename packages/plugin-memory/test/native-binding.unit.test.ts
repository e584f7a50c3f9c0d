import { describe, expect, it } from "vitest";
import { nativeBinding } from "../src/diagnostics/native-binding.js";

const kernel = undefined as never;

describe("native-binding", () => {
  it("finds native code that does not load, and not its mended twin", async () => {
    const load = () => Promise.reject(new Error("Cannot find module '@duckdb/node-bindings-linux-x64'"));
    expect(await nativeBinding(load).diagnose(kernel)).toEqual([
      {
        level: "error",
        message: expect.stringContaining("Cannot find module '@duckdb/node-bindings-linux-x64'"),
        mend: expect.stringContaining("optional dependencies"),
      },
    ]);
    expect(await nativeBinding().diagnose(kernel)).toEqual([]);
  });
});
