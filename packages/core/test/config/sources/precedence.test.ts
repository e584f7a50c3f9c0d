import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeSource, type ConfigReader } from "@mlmcp/core";
import { load, project, type LoadOptions } from "../project.js";

/** Every place to write a setting in, from the lowest rank to the highest, with the kind that it is explained as. */
const places = {
  default: "default",
  base: "file",
  file: "file",
  baseProfile: "profile",
  profile: "profile",
  code: "code",
  codeProfile: "code",
  variable: "env",
  secretFile: "env",
  runtime: "runtime",
} as const;
type Place = keyof typeof places;
const ranked = Object.keys(places) as Place[];

/** One setting of each part of the configuration that ranks apply to; each place writes its own number. */
const subjects: Record<
  string,
  {
    path: string;
    write: (value: number) => Record<string, unknown>;
    variable: string;
    text: (value: number) => string;
    initial: unknown;
    read?: (config: ConfigReader) => unknown;
  }
> = {
  "a section of a plugin": {
    path: "cache.maxEntries",
    write: (value) => ({ cache: { maxEntries: value } }),
    variable: "MLMCP_CACHE_MAX_ENTRIES",
    text: String,
    initial: 1000,
  },
  "the master switches": {
    path: "performance.nJobs",
    write: (value) => ({ performance: { nJobs: value } }),
    variable: "MLMCP_PERFORMANCE_N_JOBS",
    text: String,
    initial: undefined,
  },
  "the map of plugins": {
    path: "cache.maxEntries",
    write: (value) => ({ plugins: { "@mlmcp/plugin-cache": { maxEntries: value } } }),
    variable: "MLMCP_PLUGINS",
    text: (value) => JSON.stringify({ "@mlmcp/plugin-cache": { maxEntries: value } }),
    initial: 1000,
  },
  "an operation": {
    path: 'operations."A.b".retry.maxRetries',
    write: (value) => ({ operations: { "A.b": { retry: { maxRetries: value } } } }),
    variable: "MLMCP_OPERATIONS",
    text: (value) => JSON.stringify({ "A.b": { retry: { maxRetries: value } } }),
    initial: undefined,
    read: (config) => (config.operation("A.b").advice["retry"] as { maxRetries?: number })?.maxRetries,
  },
};

/** A project in which the places named write the setting, each the number of its rank. */
function write(present: readonly Place[], subject: (typeof subjects)[string]): LoadOptions {
  const at = (place: Place) =>
    present.includes(place) ? subject.write(ranked.indexOf(place)) : ({} as Record<string, unknown>);
  const text = (place: Place) => subject.text(ranked.indexOf(place));
  const system = { environment: "staging" };
  const cwd = project({
    ".mlmcprc.json": JSON.stringify({
      extends: "./base.yaml",
      ...at("file"),
      system,
      profiles: { staging: at("profile"), other: subject.write(99) },
    }),
    "base.yaml": JSON.stringify({ ...at("base"), profiles: { staging: at("baseProfile") } }),
    secret: text("secretFile"),
  });
  return {
    cwd,
    config: { ...at("code"), profiles: { staging: at("codeProfile") } },
    env: {
      ...(present.includes("variable") ? { [subject.variable]: text("variable") } : {}),
      ...(present.includes("secretFile") ? { [`${subject.variable}_FILE`]: join(cwd, "secret") } : {}),
    },
    ...(present.includes("runtime") ? { runtime: at("runtime") } : {}),
  };
}

// A variable and its file exclude each other: both are an error.
const pairs = ranked
  .flatMap((lower, rank) => ranked.slice(rank + 1).map((higher) => [lower, higher] as const))
  .filter(([lower, higher]) => lower !== "variable" || higher !== "secretFile");

describe.each(Object.entries(subjects))("for %s", (_, subject) => {
  const read = subject.read ?? ((config: ConfigReader) => config.get(subject.path));

  it.each(pairs)("%s < %s", async (lower, higher) => {
    const config = await load(write([lower, higher], subject));
    expect(read(config)).toBe(ranked.indexOf(higher));
    const { source, overrode } = config.explain(subject.path);
    expect([source.kind, ...overrode.map((below) => below.source.kind)]).toEqual(
      lower === "default" ? [places[higher]] : [places[higher], places[lower]],
    );
  });

  it("a place by itself wins over the default", async () => {
    expect(read(await load(write([], subject)))).toEqual(subject.initial);
    for (const place of ranked.slice(1))
      expect(read(await load(write([place], subject))), place).toBe(ranked.indexOf(place));
  });
});

describe("an explanation", () => {
  it("gives all that was overridden, nearest first", async () => {
    const all = ranked.filter((place) => place !== "secretFile");
    const { value, source, overrode } = (await load(write(all, subjects["a section of a plugin"]!))).explain(
      "cache.maxEntries",
    );
    expect([value, describeSource(source)]).toEqual([9, "config.set()"]);
    expect(overrode.map((below) => [below.value, describeSource(below.source)])).toEqual([
      [7, "MLMCP_CACHE_MAX_ENTRIES"],
      [6, "createKernel({ config })"],
      [5, "createKernel({ config })"],
      [4, ".mlmcprc.json:1"],
      [3, "base.yaml:1"],
      [2, ".mlmcprc.json:1"],
      [1, "base.yaml:1"],
    ]);
  });
});

describe("layers", () => {
  it("put options from the map of plugins just below the section of the same layer", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        'plugins: { "@mlmcp/plugin-cache": { ttl: 1s, store: map, maxEntries: 5 } }\ncache: { store: section }\nprofiles: { p: { plugins: { "@mlmcp/plugin-cache": { maxEntries: 6 } } } }\n',
    });
    const config = await load({ cwd, env: { MLMCP_SYSTEM_ENVIRONMENT: "p" } });
    expect(config.section("cache")).toMatchObject({ ttl: 1_000, store: "section", maxEntries: 6 });
    expect(config.explain("cache.ttl").source).toEqual({
      kind: "file",
      name: join(cwd, ".mlmcprc.yaml"),
      line: 1,
      column: 37,
    });
    expect(config.explain("cache.maxEntries").source).toMatchObject({ kind: "profile", line: 3 });
  });

  it("merge sections deeply and replace lists", async () => {
    const cwd = project({ ".mlmcprc.yaml": "cache: { tags: [a, b], remote: { url: x, poolSize: 2 } }" });
    const config = await load({ cwd, config: { cache: { tags: ["c"], remote: { poolSize: 3 } } } });
    expect(config.section("cache")).toMatchObject({ tags: ["c"], remote: { url: "x", poolSize: 3 } });
  });

  it("take the environment for the profile from the variable, then code, then the file, then what it extends", async () => {
    const cwd = project({
      ".mlmcprc.yaml":
        "system: { environment: a }\nprofiles: { a: { cache: { store: a } }, b: { cache: { store: b } }, c: { cache: { store: c } } }",
      "derived.yaml": "extends: ./.mlmcprc.yaml",
      secret: "b\n",
    });
    const config = { system: { environment: "b" } };
    const env = { MLMCP_SYSTEM_ENVIRONMENT: "c" };
    const seen = await Promise.all([
      load({ cwd }),
      load({ cwd, configFile: "derived.yaml" }),
      load({ cwd, config }),
      load({ cwd, env: { MLMCP_SYSTEM_ENVIRONMENT_FILE: join(cwd, "secret") } }),
      load({ cwd, config, env }),
    ]);
    expect(
      seen.map((reader) => [reader.environment, reader.get("cache.store"), reader.get("system.environment")]),
    ).toEqual(["a", "a", "b", "b", "c"].map((name) => [name, name, name]));
    expect((await load()).environment).toBe("development");
  });
});
