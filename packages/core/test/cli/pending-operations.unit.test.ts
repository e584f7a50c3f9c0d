import { describe, expect, it } from "vitest";
import { fixture, mlmcp } from "./command-line.js";

// In a file of their own: elsewhere other tests have declared operations.
describe("where the classes of all decorated methods are not known yet", () => {
  const app = ["--app", fixture("pending-app.ts")];
  const mend =
    "Under TC39 decorators a class is known after its first `new`; at once with `@service()` on it";

  it("mlmcp operations lists them, and says what mends it", async () => {
    const { code, out, err } = await mlmcp(["operations", "list", ...app]);
    expect(code).toBe(0);
    expect(out).toMatch(/^\(class not known yet\)\.find +.*pending-app\.ts:\d+$/m);
    expect(err).toContain(`note: the class of 1 method is not known yet. ${mend}`);
  });

  it("mlmcp operations --json lists those that are known", async () => {
    const { code, out, err } = await mlmcp(["operations", "--json", ...app]);
    expect([code, JSON.parse(out)]).toEqual([0, []]);
    expect(err).toContain(mend);
  });

  it.each([
    ["operations", "explain", "Users.find"],
    ["operations", "export"],
    ["operations", "list", "Users.*"],
  ])("mlmcp %s %s fails with what mends it", async (...args) => {
    const { code, err } = await mlmcp([...args, ...app]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^error: no operations are known yet\nThere is find \(.*pending-app\.ts:\d+\), whose class/,
    );
    expect(err).toContain(mend);
  });

  it("mlmcp doctor says so", async () => {
    const { out } = await mlmcp(["doctor", "--rule", "versions", ...app]);
    expect(out).toContain("No operations are known yet, so nothing was said of them. There is find (");
    expect(out).not.toContain("is decorated.");
  });
});
