import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { mlmcp } from "./command-line.js";

// In a file of their own: elsewhere other tests have declared operations.
describe("mlmcp doctor where no operations are known", () => {
  it("says how to name the application", async () => {
    const { code, out } = await mlmcp(["doctor", "--rule", "versions"]);
    expect([code, out]).toEqual([0, expect.stringContaining("--app ./dist/app.js")]);
  });

  it("says that nothing in it is decorated where it is named", async () => {
    const cwd = project({ ".git/": "", ".mlmcprc.yaml": "app: ./app.mjs\n", "app.mjs": "export {};\n" });
    const { out } = await mlmcp(["doctor", "--rule", "versions"], { cwd });
    expect(out).toContain("no class that the application's module imports is decorated.");
    expect(out).not.toContain("--app ./dist/app.js");
  });
});
