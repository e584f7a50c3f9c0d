import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { stringify } from "yaml";
import { describe, expect, it, vi } from "vitest";
import { isMlmcpError, readSources } from "@mlmcp/core";
import { parseText } from "../../../src/config/sources/rc-parser.js";
import { failure, load, project } from "../project.js";

/** Node has no call for it. */
function makePipe(file: string): void {
  const command = "mkfifo";
  execFileSync(command, [file]);
}

describe("a file that is no configuration", () => {
  it.each([
    ["YAML", ".mlmcprc.yaml", (size: number) => `cache: { store: ${"x".repeat(size)} }`],
    ["JSON", ".mlmcprc.json", (size: number) => `{ "cache": { "store": "${"x".repeat(size)}" } }`],
    ["JavaScript", ".mlmcprc.mjs", (size: number) => `export default {}; // ${"x".repeat(size)}`],
  ])("is refused where it is larger than a megabyte: %s", async (_, name, text) => {
    expect((await load({ cwd: project({ [name]: text(1_000_000) }) })).file).toMatch(name);
    for (const size of [1024 * 1024, 10_000_000]) {
      const error = await failure({ cwd: project({ [name]: text(size) }) });
      expect([error.code, error.message]).toEqual([
        "MLMCP_CONFIG_FILE",
        expect.stringContaining("this file cannot be read: it is larger than 1024 KB"),
      ]);
    }
  });

  it.each(["extends", "named"])("is refused where it is too large and %s", async (how) => {
    const cwd = project({ "big.yaml": `#${"x".repeat(2_000_000)}`, "rc.yaml": "extends: ./big.yaml" });
    const configFile = how === "named" ? "big.yaml" : "rc.yaml";
    expect((await failure({ cwd, configFile })).message).toMatch(/larger than 1024 KB \(.*big\.yaml\)/);
  });

  it.skipIf(process.platform === "win32").each([".mlmcprc.yaml", ".mlmcprc.mjs", ".mlmcprc.ts"])(
    "is refused where it is a pipe or a device, without waiting for it: %s",
    async (name) => {
      const cwd = project({ "zero/": "", "pipe/": "", "secret/": "" });
      symlinkSync("/dev/zero", join(cwd, "zero", name));
      makePipe(join(cwd, "pipe", name));
      for (const directory of ["zero", "pipe"]) {
        const { code, message } = await failure({ cwd: join(cwd, directory) });
        expect([code, message]).toEqual(["MLMCP_CONFIG_FILE", expect.stringContaining("no regular file")]);
      }
      const env = { MLMCP_CACHE_STORE_FILE: join(cwd, "pipe", name) };
      expect((await failure({ cwd, configFile: false, env })).message).toContain("no regular file");
    },
  );

  it.skipIf(process.platform === "win32")("is not waited for as a package.json either", async () => {
    const cwd = project({ ".git/": "" });
    makePipe(join(cwd, "package.json"));
    expect((await load({ cwd })).file).toBeUndefined();
  });

  it("is refused where aliases would fill the memory", async () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 0; level < 9; level++) {
      const [from, to] = ["abcdefghij"[level]!, "abcdefghij"[level + 1]!];
      bomb.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(", ")}]`);
    }
    const { code, message } = await failure({ cwd: project({ ".mlmcprc.yaml": bomb.join("\n") }) });
    expect([code, message]).toEqual(["MLMCP_CONFIG_SYNTAX", expect.stringMatching(/resource exhaustion/)]);
  });

  it("is refused where its references would take minutes to resolve", async () => {
    for (const text of [
      "&a ".repeat(100_000),
      `a: &a 1\nb: [${"*a, ".repeat(100_000)}]`,
      "! ".repeat(100_000),
    ]) {
      const { message } = await failure({ cwd: project({ ".mlmcprc.yaml": text }) });
      expect(message).toMatch(/more than 5000 anchors, aliases and tags/);
    }
    const quoted = `cache: { store: "${"&a *a !a ".repeat(5_000)}" }`;
    expect((await load({ cwd: project({ ".mlmcprc.yaml": quoted }) })).get("cache.store")).toHaveLength(
      45_000,
    );
  });

  it("is read in a time that grows with its size, not with its square", async () => {
    const many = Array.from({ length: 50_000 }, (_, index) => `    key${index}: ${index}`).join("\n");
    const cwd = project({ ".mlmcprc.yaml": `cache:\n  limits:\n${many}\n` });
    const config = await load({ cwd });
    expect(config.get("cache.limits.key49999")).toBe(49_999);
    expect(config.explain("cache.limits.key49999").source.line).toBe(50_002);
  }, 60_000);
});

describe("a repeated key", () => {
  it.each([
    ["cache: {}\ncache: {}", "2:1"],
    ["cache: { ttl: 1, ttl: 2 }", "1:18"],
    ['1: a\n"1": b', "2:1"],
    ["? a\n? a", "2:3"],
    ['~: a\n"": b', "2:1"],
  ])("is refused with its place: %j", (text, place) => {
    expect(() => parseText("rc.yaml", text)).toThrow(`Map keys must be unique (rc.yaml:${place})`);
  });
});

describe("a key without a name, and one that is a list", () => {
  it("is no other key, stands where it stands, and is not quoted in a warning", async () => {
    const warnings: unknown[] = [];
    const listener = (warning: Error) => void warnings.push(warning.message);
    process.on("warning", listener);
    const { value, locate } = parseText("rc.yaml", '~: a\n"null": b\n? [hunter2]\n: c\n');
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", listener);
    expect(value).toEqual({ "": "a", null: "b", "[ hunter2 ]": "c" });
    expect([locate([""]), locate(["null"])]).toEqual([
      { line: 1, column: 1 },
      { line: 2, column: 1 },
    ]);
    expect(warnings).toEqual([]);
  });
});

describe("a syntax error", () => {
  it.each([
    ["rc.json", '{ "password": hunter2 }'],
    ["rc.yaml", "password: !hunter2"],
    ["rc.yaml", "password: *hunter2"],
    ["rc.yaml", "password: |hunter2\n  x"],
    ["rc.yaml", 'password: "x" hunter2'],
    ["rc.yaml", "password: @hunter2"],
    ["rc.yaml", "password: %hunter2"],
    ["rc.yaml", "a: b\nhunter2"],
  ])("never quotes the file, where a secret may be what is wrong: %s %s", (file, text) => {
    let caught: unknown;
    try {
      parseText(file, text);
    } catch (error) {
      caught = error;
    }
    expect(isMlmcpError(caught)).toBe(true);
    expect(JSON.stringify(caught) + String(caught) + String((caught as Error).cause)).not.toContain(
      "hunter2",
    );
  });

  it("is told with the first few of many", () => {
    expect(() => parseText("rc.yaml", "a: b: ".repeat(1_000))).toThrow(/wrong in 10 places/);
  });
});

/** A file that tells when it runs. */
const canary = (name: string) =>
  `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(name)}, ""); export default { cache: { ttl: 1 } };`;

describe("a file that nobody named", () => {
  it("is neither run nor read, wherever it stands", async () => {
    const root = project({
      "outside/.git/": "",
      "outside/repository/.git/": "",
      "outside/repository/app/.mlmcprc.yaml": "cache: { ttl: 5m }",
      "outside/repository/app/package.json": '{ "type": "module" }',
      "ran/": "",
    });
    const app = "outside/repository/app";
    const places = [
      `${app}/.config/config.js`,
      `${app}/.config/config.mjs`,
      `${app}/.config/config.ts`,
      `${app}/.config/mlmcprc.js`,
      `${app}/.config/mlmcp.config.mjs`,
      `${app}/config/config.js`,
      `${app}/mlmcp.config.js`,
      `${app}/mlmcp.config.ts`,
      `${app}/.mlmcprc.mjs`,
      `${app}/node_modules/cosmiconfig/index.js`,
      `${app}/node_modules/typescript/index.js`,
      `${app}/node_modules/mlmcp/index.js`,
      `${app}/node_modules/@mlmcp/config/index.js`,
      `${app}/node_modules/.mlmcprc.mjs`,
      "outside/repository/mlmcp.config.mjs",
      "outside/mlmcp.config.mjs",
      ".mlmcprc.mjs",
    ];
    for (const [index, place] of places.entries()) {
      mkdirSync(join(root, place, ".."), { recursive: true });
      writeFileSync(join(root, place), canary(join(root, "ran", String(index))));
    }
    writeFileSync(join(root, app, ".config/config.json"), '{ "searchPlaces": ["../evil.js"] }');
    writeFileSync(join(root, app, "evil.js"), canary(join(root, "ran/evil")));
    const cwd = join(root, app);
    vi.spyOn(process, "cwd").mockReturnValue(cwd);
    const config = await load({ cwd });
    const without = await load({ cwd, configFile: false });
    vi.restoreAllMocks();
    expect([config.get("cache.ttl"), without.get("cache.ttl")]).toEqual([300_000, 3_600_000]);
    expect(config.files).toEqual([join(cwd, ".mlmcprc.yaml")]);
    expect(readdirSync(join(root, "ran"))).toEqual([]);
  });

  it.skipIf(process.platform === "win32").each([
    [".mlmcprc.mjs", (ran: string) => canary(ran)],
    ["mlmcp.config.ts", (ran: string) => canary(ran)],
    [".mlmcprc.yaml", (ran: string) => `extends: ${ran}.mjs`],
    ["mlmcp.config.json", (ran: string) => JSON.stringify({ extends: `${ran}.mjs` })],
    ["package.json", (ran: string) => JSON.stringify({ mlmcp: { extends: `${ran}.mjs` } })],
  ])(
    "does not count in a directory that anybody may write to, unless it is named: %s",
    async (name, text) => {
      for (const mode of [0o777, 0o1777]) {
        const root = project({ "shared/": "" });
        const [ran, cwd] = [join(root, "ran"), join(root, "shared")];
        writeFileSync(`${ran}.mjs`, canary(ran));
        writeFileSync(join(cwd, name), text(ran));
        chmodSync(cwd, mode);
        const { code, message } = await failure({ cwd });
        expect(code).toBe("MLMCP_CONFIG_UNTRUSTED");
        for (const part of [join(cwd, name), "configFile", "--config", `chmod o-w ${cwd}`])
          expect(message).toContain(part);
        expect((await load({ cwd, configFile: false })).file).toBeUndefined();
        expect(existsSync(ran)).toBe(false);
        expect((await load({ cwd, configFile: name })).get("cache.ttl")).toBe(1);
        expect(existsSync(ran)).toBe(true);
        chmodSync(cwd, 0o755);
        expect((await load({ cwd })).get("cache.ttl")).toBe(1);
      }
    },
  );

  it.skipIf(process.platform === "win32")(
    "is looked for above a directory that anybody may write to and has none",
    async () => {
      const root = project({ "mlmcp.config.json": '{ "cache": { "ttl": 7 } }', "shared/package.json": "{}" });
      chmodSync(join(root, "shared"), 0o1777);
      expect((await load({ cwd: join(root, "shared") })).get("cache.ttl")).toBe(7);
    },
  );

  it("does not count above the repository, though it would below", async () => {
    const root = project({ ran: "", "repository/.git/": "", "repository/a/b/": "" });
    const ran = join(root, "ran.txt");
    writeFileSync(join(root, "mlmcp.config.mjs"), canary(ran));
    expect((await load({ cwd: join(root, "repository/a/b") })).file).toBeUndefined();
    expect(existsSync(ran)).toBe(false);
    writeFileSync(join(root, "repository/mlmcp.config.mjs"), canary(ran));
    expect((await load({ cwd: join(root, "repository/a/b") })).get("cache.ttl")).toBe(1);
    expect(existsSync(ran)).toBe(true);
  });
});

describe("any text at all", () => {
  /** Deterministic, so that what is found can be found again. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  const samples = [
    'plugins: ["@mlmcp/plugin-cache"]\nsystem: { environment: production }\ncache: { store: "sqlite://x", ttl: 30m }\n',
    "x: &a\n  ttl: 5m\ncache:\n  <<: *a\n  tags: [a, 'b', \"c\\n\"]\nprofiles:\n  p:\n    cache: { store: ${X:-y} }\n",
    'operations:\n  "A.*": { retry: 5, timed: false }\n  ? A.b\n  : cached: |\n      5m\n# end\n',
    '{ "cache": { "ttl": "5m", "tags": [1, null, true], "remote": { "url": "redis://u:p@h" } } }',
    '{\n\t"extends": "./base.yaml",\n\t"app": "./app.js",\n\t"memory": { "io": {} }\n}',
  ];
  const pieces =
    "{ } [ ] : , - ? & * ! | > ' \" % @ ` # \\ \n \t ${X} $${ <<: &a *a !!js/function !!python/object __proto__ constructor \0 \uFEFF \uD800 0x 1e999 .inf ~ --- ... secret:// ../ ".split(
      " ",
    );

  function mutated(next: (below: number) => number): string {
    let text = samples[next(samples.length)]!;
    for (let count = 1 + next(4); count > 0; count--) {
      const at = next(text.length + 1);
      const cut = next(3) === 0 ? next(12) : 0;
      text = text.slice(0, at) + pieces[next(pieces.length)]! + text.slice(at + cut);
    }
    return text;
  }

  function bytes(next: (below: number) => number): string {
    const buffer = Buffer.alloc(next(64));
    // Half of them from the signs that mean something.
    for (let index = 0; index < buffer.length; index++)
      buffer[index] = next(2) === 0 ? next(256) : 0x20 + next(0x5f);
    return buffer.toString("utf8");
  }

  const inherited = () => [Object.prototype, Array.prototype, Function.prototype].map(Reflect.ownKeys);

  it("is parsed or refused: 100,000 random byte strings and mutated files", () => {
    const before = inherited();
    const next = random(20_261_101);
    const outcomes = { parsed: 0, refused: 0 };
    for (let run = 0; run < 100_000; run++) {
      const text = run % 2 === 0 ? bytes(next) : mutated(next);
      try {
        const { value, locate } = parseText(run % 3 === 0 ? "rc.json" : "rc.yaml", text);
        locate(["cache", "ttl"]);
        JSON.stringify(value, (_, child: unknown) => (typeof child === "bigint" ? String(child) : child));
        outcomes.parsed++;
      } catch (error) {
        const circular = error instanceof TypeError && error.message.includes("circular");
        if (!circular && !isMlmcpError(error))
          throw new Error(`run ${run}: ${JSON.stringify(text)}`, { cause: error });
        outcomes.refused++;
      }
    }
    expect(outcomes.parsed).toBeGreaterThan(10_000);
    expect(outcomes.refused).toBeGreaterThan(10_000);
    expect(inherited()).toEqual(before);
  });

  it("is loaded or refused as a whole: mutated files and what they extend", async () => {
    const before = inherited();
    const next = random(7);
    const cwd = project({ "base.yaml": "cache: { store: base }" });
    const refused = new Set<string>();
    for (let run = 0; run < 2_000; run++) {
      const text = mutated(next);
      const configFile = run % 2 === 0 ? "rc.yaml" : "rc.json";
      writeFileSync(join(cwd, configFile), text);
      try {
        await load({ cwd, configFile, env: { X: "x" } });
      } catch (error) {
        if (!isMlmcpError(error)) throw new Error(`run ${run}: ${JSON.stringify(text)}`, { cause: error });
        refused.add(error.code);
      }
    }
    expect([...refused].toSorted()).toEqual(["MLMCP_CONFIGURATION", "MLMCP_CONFIG_SYNTAX"]);
    expect(inherited()).toEqual(before);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it("is loaded or refused as the object of a program", async () => {
    const cwd = project();
    const key = fc.oneof(
      fc.constantFrom(
        "cache",
        "plugins",
        "profiles",
        "operations",
        "extends",
        "system",
        "__proto__",
        "constructor",
        "app",
      ),
      fc.string(),
    );
    const values = [
      fc.anything(),
      fc.constantFrom("${X}", "secret://env/X", "secret://x", Symbol("x"), () => 1, 1n),
    ];
    await fc.assert(
      fc.asyncProperty(fc.object({ key, values, maxDepth: 4 }), async (config) => {
        const before = inherited();
        await load({ cwd, configFile: false, config, env: {} }).catch((error: unknown) => {
          if (!isMlmcpError(error)) throw error;
        });
        expect(inherited()).toEqual(before);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a valid configuration", () => {
  // Those that are refused as keys come up often.
  const word = fc
    .stringMatching(/^[A-Za-z][A-Za-z0-9 _.:/#@*&!|>'"%{}[\]\\-]{0,15}$/)
    .filter((text) => !["__proto__", "constructor", "prototype"].includes(text));
  const section = fc.record(
    {
      ttl: fc.nat(),
      store: fc.oneof(word, fc.string()),
      maxEntries: fc.integer({ min: 1 }),
      adaptive: fc.boolean(),
      tags: fc.array(fc.oneof(word, fc.string(), fc.constantFrom("yes", "null", "1", "~", "0x1", "1e3"))),
      limits: fc.dictionary(word, fc.integer()),
    },
    { requiredKeys: [] },
  );
  const operations = fc.dictionary(
    word,
    fc.record(
      {
        retry: fc.oneof(fc.nat(), fc.boolean(), fc.record({ maxRetries: fc.nat() })),
        cached: fc.record({ ttl: fc.nat(), namespace: fc.string() }, { requiredKeys: [] }),
        timed: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  );

  /** A text from code may look like a reference; in a file it is written with two dollars. Keys never are one. */
  const escaped = (value: unknown): unknown => {
    if (typeof value === "string") return value.replaceAll("${", () => "$${");
    if (Array.isArray(value)) return value.map(escaped);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, escaped(child)]));
  };

  it("survives being shown, written as YAML or JSON, and loaded again", async () => {
    const cwd = project();
    await fc.assert(
      fc.asyncProperty(section, operations, async (cache, tuned) => {
        const first = await load({ cwd, configFile: false, config: { cache, operations: tuned } });
        const written = escaped(first.redacted());
        writeFileSync(join(cwd, "shown.yaml"), stringify(written));
        writeFileSync(join(cwd, "shown.json"), JSON.stringify(written, null, 2));
        for (const configFile of ["shown.yaml", "shown.json"])
          expect((await load({ cwd, configFile })).get("")).toEqual(first.get(""));
      }),
      { numRuns: 200 },
    );
  });
});

describe("what readSources gives", () => {
  it("holds no reference to what it was given", async () => {
    const config = { cache: { tags: ["a"] } };
    const sources = await readSources({ cwd: project(), config, env: {} });
    config.cache.tags.push("b");
    expect(sources.layers.at(-1)!.value).toEqual({ cache: { tags: ["a"] } });
  });
});
