import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

interface Report {
  readonly findings: Array<{ rule: string; plugin: string; level: string; message: string; mend: string }>;
  readonly checked: Array<{ rule: string; plugin: string }>;
  readonly skipped: Array<{ rule: string; plugin: string; reason: string }>;
  readonly operations: number | null;
  readonly remarks: readonly string[];
}

/** Runs doctor on a project with this section `doctored`. */
function doctor(doctored: object, args: readonly string[] = [], more: object = {}) {
  const cwd = project({
    ".mlmcprc.json": JSON.stringify({ plugins: [fixture("doctored-plugin.ts")], doctored, ...more }),
  });
  return mlmcp(["doctor", ...args], { cwd });
}

async function report(doctored: object, args: readonly string[] = [], more: object = {}) {
  const { code, out } = await doctor(doctored, ["--json", ...args], more);
  return { code, ...(JSON.parse(out) as Report) };
}

const rules = (some: ReadonlyArray<{ rule: string }>) => some.map(({ rule }) => rule);

const all = [
  "versions",
  "duplicate-core",
  "config-shadowed",
  "unknown-variable",
  "unknown-operation",
  "file-rights",
  "broken-operation",
  "timeout-over-deadline",
  "retry-without-idempotence",
  "production",
  "store-reachable",
  "small-pool",
  "moody",
];

describe("mlmcp doctor", () => {
  it("finds nothing in a healthy project, and says what it looked at", async () => {
    const { code, out, err } = await doctor({});
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`looked at: ${all.join(", ")}\n`);
    expect(out).toMatch(/^0 errors, 0 warnings$/m);
  });

  it("prints errors before warnings, each with its mend, and fails", async () => {
    const { code, out, err } = await doctor({ pool: 1, store: "down" });
    expect(code).toBe(1);
    expect(err).toBe("error: doctor found 1 error, 1 warning\n");
    expect(out.split("\n").slice(0, 8)).toEqual([
      "error    store-reachable @mlmcp/core",
      "  The health check doctored/store is down.",
      expect.stringMatching(/^ {2}→ See that/),
      "",
      "warning  small-pool doctored",
      "  The pool has one connection.",
      "  → Set doctored.pool to 10.",
      "",
    ]);
  });

  it("does not fail on a warning, unless under --strict", async () => {
    expect((await doctor({ pool: 1 })).code).toBe(0);
    expect((await doctor({ store: "degraded" })).code).toBe(0);
    expect(await doctor({ pool: 1 }, ["--strict"])).toMatchObject({
      code: 1,
      err: "error: doctor found 0 errors, 1 warning\n",
    });
    expect((await doctor({}, ["--strict"])).code).toBe(0);
  });

  it("gives everything as JSON", async () => {
    const { code, findings, checked, skipped } = await report({ pool: 1 });
    expect(code).toBe(0);
    expect(findings).toEqual([
      {
        rule: "small-pool",
        plugin: "doctored",
        level: "warning",
        message: "The pool has one connection.",
        mend: "Set doctored.pool to 10.",
      },
    ]);
    expect(rules(checked)).toEqual(all);
    expect(checked.at(-1)).toEqual({ rule: "moody", plugin: "doctored" });
    expect(skipped).toEqual([]);
  });

  it("asks only the rules that are named", async () => {
    const { findings, checked } = await report({ pool: 1, store: "down" }, [
      "--rule",
      "small-pool",
      "versions",
    ]);
    expect(rules(findings)).toEqual(["small-pool"]);
    expect(rules(checked)).toEqual(["versions", "small-pool"]);
  });

  it("starts nothing for a rule that looks only, nor under --no-start", async () => {
    const looking = await report({ start: "throws" }, ["--rule", "versions"]);
    expect(looking).toMatchObject({ code: 0, findings: [] });
    const { code, checked, skipped } = await report({ start: "throws" }, ["--no-start"]);
    expect(code).toBe(0);
    expect(rules(checked)).toEqual(all.filter((rule) => rule !== "store-reachable"));
    expect(skipped).toEqual([
      { rule: "store-reachable", plugin: "@mlmcp/core", reason: "the kernel was not to be started" },
    ]);
  });

  it("takes a start that fails as a finding, and goes on", async () => {
    const { code, findings, checked, skipped } = await report({ start: "throws", pool: 1 });
    expect(code).toBe(1);
    expect(findings).toEqual([
      expect.objectContaining({ rule: "start", message: expect.stringContaining("the port is taken") }),
      expect.objectContaining({ rule: "small-pool" }),
    ]);
    expect(rules(checked)).toContain("moody");
    expect(rules(skipped)).toEqual(["store-reachable"]);
  });

  it("says what keeps production from starting, once", async () => {
    const { code, findings } = await report({}, [], { system: { environment: "production", strict: true } });
    expect([code, findings]).toEqual([0, []]);
    const cwd = project({
      ".mlmcprc.json": JSON.stringify({
        plugins: [fixture("nervous-plugin.ts")],
        system: { environment: "production" },
      }),
    });
    const nervous = await mlmcp(["doctor", "--json"], { cwd });
    expect((JSON.parse(nervous.out) as Report).findings).toEqual([
      expect.objectContaining({
        rule: "production",
        level: "error",
        message: "Production refuses to start: There is no token. (nervous/token)",
      }),
    ]);
  });

  it("takes a configuration that is wrong as a finding, and looks at the rest", async () => {
    const { code, findings, checked, skipped } = await report({ pool: "ten" });
    expect(code).toBe(1);
    expect(findings).toEqual([
      expect.objectContaining({
        rule: "configuration",
        level: "error",
        message: expect.stringContaining("doctored.pool"),
      }),
    ]);
    expect(rules(checked)).toEqual(["versions", "duplicate-core"]);
    expect(rules(skipped)).toContain("store-reachable");
  });

  it("says what it could not look at where there is no configuration", async () => {
    const { out } = await doctor({ pool: "ten" }, ["--app", fixture("app.ts")]);
    expect(out).toMatch(
      /^not asked \(without a configuration there is no kernel to look at\): config-shadowed, /m,
    );
    expect(out).toMatch(
      /^Neither operations nor the rules of plugins were looked at, .* Mend the above first\.$/m,
    );
    expect(out).not.toContain("No operations are known");
    expect(await report({ pool: "ten" })).toMatchObject({
      operations: null,
      remarks: [expect.stringMatching(/^Neither operations nor the rules of plugins were looked at/)],
    });
  });

  it("takes a rule that throws as a finding, and asks the others", async () => {
    const { code, findings, checked } = await report({ rule: "throws", pool: 1 });
    expect(code).toBe(1);
    expect(findings).toEqual([
      {
        rule: "moody",
        plugin: "doctored",
        level: "error",
        message: "The rule moody of doctored failed: no mood",
        mend: expect.stringContaining("the makers of doctored"),
      },
      expect.objectContaining({ rule: "small-pool" }),
    ]);
    expect(rules(checked)).toEqual(all.filter((rule) => rule !== "moody"));
  });

  it("looks at the operations of the application, or says how to name it", async () => {
    const app = await report({}, ["--app", fixture("app.ts")]);
    expect([app.operations, app.remarks]).toEqual([2, []]);
    const { out } = await doctor({}, ["--app", fixture("app.ts")]);
    expect(out).not.toContain("No operations are known");
  });

  it.each([
    ["small-pol", 'there is no rule "small-pol"\nDid you mean small-pool?'],
    ["x", 'there is no rule "x"\nThere are: versions, '],
  ])("says that there is no rule %s", async (rule, expected) => {
    const { code, err } = await doctor({}, ["--rule", rule]);
    expect([code, err]).toEqual([1, expect.stringContaining(expected)]);
  });

  it.each([
    [["--rul", "x"], "(Did you mean --rule?)"],
    [["everything"], "too many arguments"],
    [["--cwd", "none"], "does not exist"],
  ])("%j is a usage error", async (args, expected) => {
    const { code, err } = await doctor({}, args);
    expect([code, err]).toEqual([2, expect.stringContaining(expected)]);
  });

  it("has help", async () => {
    const { code, out } = await mlmcp(["doctor", "--help"]);
    expect(code).toBe(0);
    for (const option of ["--rule <ids...>", "--no-start", "--strict"]) expect(out).toContain(option);
  });
});
