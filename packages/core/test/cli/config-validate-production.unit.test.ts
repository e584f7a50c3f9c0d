import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const lab = fixture("lab-plugin.ts");
const nervous = fixture("nervous-plugin.ts");
const rcOf = (text: string) => project({ ".git/": "", ".mlmcprc.yaml": text });
const validate = (cwd: string, ...args: string[]) => mlmcp(["config", "validate", ...args], { cwd });

const unsafe = `plugins: ["${lab}", "${nervous}"]
lab: { door: { code: changeme } }
profiles: { production: { system: { debug: true } } }
`;
const weak =
  "lab.door.code (.mlmcprc.yaml:2) is a secret that is a well-known default. " +
  "Set a random one of at least 16 characters, such as `openssl rand -base64 32` gives.";
const debugging =
  "system.debug (.mlmcprc.yaml:3) is on: " +
  "it writes each change of the configuration to standard error. Remove it.";

describe("mlmcp config validate for production", () => {
  it("says what it could not look at while no operation is known, and what it needs", async () => {
    const { code, out, err } = await validate(rcOf("{}\n"), "--profile", "production");
    expect([code, out]).toEqual([0, "The configuration is valid (production).\n"]);
    expect(err).toBe(
      "warning: not checked, since no operation is known: advice that protects operations. " +
        "Name the application's module: --app ./dist/app.js\n",
    );
    for (const args of [["--strict"], []]) {
      const other = await validate(rcOf("operations: { A.b: { retry: 1 } }\n"), ...args);
      expect(other.err).toContain("since no operation is known: the ids under `operations`. Name");
    }
  });

  it("finds everything that production refuses at once, and warns of the rest", async () => {
    const { code, out, err } = await validate(rcOf(unsafe), "--profile", "production");
    expect(code).toBe(1);
    expect(out.trim().split("\n")).toEqual([
      `production refuses to start: ${weak} (@mlmcp/core/secrets)`,
      "production refuses to start: There is no token. (nervous/token)",
      `warning: ${debugging} (@mlmcp/core/debug)`,
    ]);
    expect(err).toContain(
      "error: the configuration is wrong in 2 places\n" +
        "Where a refusal is known and accepted, name its check under system.production.allow.\n",
    );
  });

  it("gives the same as JSON, warnings apart from what is wrong", async () => {
    const { code, out } = await validate(rcOf(unsafe), "--profile", "production", "--json");
    expect(code).toBe(1);
    const environments = ["production"];
    expect(JSON.parse(out)).toEqual({
      valid: false,
      environments,
      issues: [
        {
          path: "",
          message: `production refuses to start: ${weak}`,
          check: "@mlmcp/core/secrets",
          environments,
        },
        {
          path: "",
          message: "production refuses to start: There is no token.",
          check: "nervous/token",
          environments,
        },
      ],
      warnings: [{ path: "", message: debugging, check: "@mlmcp/core/debug", environments }],
    });
  });

  it("is valid with what only is warned of, and with what is accepted", async () => {
    const cwd = rcOf(
      `plugins: ["${nervous}"]\nsystem: { environment: production, debug: true, production: { allow: [nervous/token, nervous/tokn] } }\n`,
    );
    const { code, out } = await validate(cwd);
    expect(code).toBe(0);
    expect(out.trim().split("\n")).toEqual([
      expect.stringMatching(/^warning: system\.production\.allow names "nervous\/tokn", .* Did you mean/),
      expect.stringMatching(/^warning: system\.debug .* \(@mlmcp\/core\/debug\)$/),
      "The configuration is valid (production).",
    ]);
  });

  it("asks no check in another environment", async () => {
    expect(await validate(rcOf(unsafe))).toEqual({
      code: 0,
      out: "The configuration is valid (development).\n",
      err: "",
    });
  });

  it("asks them with --all-profiles for production alone", async () => {
    const { code, out } = await validate(rcOf(unsafe), "--all-profiles");
    expect(code).toBe(1);
    expect(out).toContain("production refuses to start: There is no token. (nervous/token) [production]\n");
    expect(out).not.toContain("development");
  });

  it("looks at the operations of the application that is named", async () => {
    const cwd = rcOf(
      `app: ${fixture("guarded-app.ts")}\noperations: { Vaults.open: { guard: false } }\nprofiles: { production: {} }\n`,
    );
    const { code, out, err } = await validate(cwd, "--profile", "production");
    expect(code).toBe(1);
    expect(out).toMatch(/^production refuses to start: @guard is off for Vaults\.open .*protection\)\n$/);
    expect(err).not.toContain("not checked");
  });
});
