import { writeFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Shell } from "./command-line.js";

afterEach(() => vi.restoreAllMocks());

const commands = [
  ["stats"],
  ["list"],
  ["inspect", "k"],
  ["clear", "--yes"],
  ["clear", "--operation", "Shop.price", "--yes"],
  ["clear", "--unencrypted", "--yes"],
  ["clear-expired"],
  ["warm"],
  ["optimize"],
  ["verify"],
  ["backup", "x.db"],
  ["restore", "x.db", "--yes"],
];

const needFile = ["backup", "restore"];

describe("every command that needs a store says why there is none", () => {
  it.each(commands)("%s %s %s", async (...args) => {
    const given = ["cache", ...args.filter((arg) => arg !== undefined)];
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const shell = new Shell({ cache: { store: "memory:" } });
    const refusal = async () => {
      const { code, out, err } = await shell.run(given);
      expect([code, out]).toEqual([1, ""]);
      return err;
    };
    expect(await refusal()).toContain("There is no store: cache.store is memory:, and what a process has");
    shell.configure({ performance: { enableCaching: false } });
    const disabled = await refusal();
    expect(disabled).toContain("There is no store: caching is turned off (performance.enableCaching).");
    expect(disabled).not.toContain("memory:");
    writeFileSync(shell.path("file"), "");
    shell.configure({ cache: { store: "sqlite://file/cache.db" } });
    const failed = await refusal();
    expect(failed).toContain(
      `There is no store: sqlite://${shell.path("file/cache.db")} could not be opened (`,
    );
    expect(failed).toContain("ENOTDIR");
    expect(failed).toContain("Mend or remove the file, or set `cache.store` to another one.");
  });
});

describe("every command that asks a store says what to do where it does not answer", () => {
  it.each(commands.filter(([name]) => !needFile.includes(name!)))("%s %s %s", async (...args) => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const given = ["cache", ...args.filter((arg) => arg !== undefined)];
    for (const store of ["redis://127.0.0.1:1", "postgres://127.0.0.1:1/none"]) {
      const { code, out, err } = await new Shell({ cache: { store } }).run(given);
      expect([code, out]).toEqual([1, ""]);
      expect(err).toContain(`There is no store: ${store} does not answer (`);
      expect(err).toContain("connect ECONNREFUSED 127.0.0.1:1)");
      expect(err).toContain("See that it runs, and that this user may connect to it.");
    }
  });
});

it("`doctor` fails and says what keeps a store from opening, and it is warned of once", async () => {
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  const shell = new Shell({ cache: { store: "sqlite://file/cache.db" } });
  writeFileSync(shell.path("file"), "");
  const { code, out } = await shell.run(["doctor"]);
  expect(code).toBe(1);
  expect(out).toMatch(
    /^error +cache-store @mlmcp\/plugin-cache\n.*ENOTDIR.*\n.*Mend or remove the file, or set `cache\.store`/,
  );
  expect(
    warnings.mock.calls.filter(([message]) => String(message).includes("cannot be opened")),
  ).toHaveLength(1);
});
