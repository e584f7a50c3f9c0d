import { readFileSync } from "node:fs";
import { createTestKernel } from "@mlmcp/core/testing";
import { cachePlugin } from "@mlmcp/plugin-cache";
import { afterEach, describe, expect, it, vi } from "vitest";
import { locate, placeOf, problemOfUrl } from "../../src/stores/location.js";
import { Shell } from "../commands/command-line.js";

afterEach(() => vi.restoreAllMocks());

/** Texts that are parts of passwords, none of which may be shown. */
const secret = /p@ss|ss\/w|w:rd|rd#1|hunter|zz|1234/;

const wrong = [
  "redis://cache:p@ss/w:rd#1@127.0.0.1:6379/0",
  "redis://cache:p@ss@127.0.0.1:6379/0",
  "redis://cache:hunter/2@127.0.0.1:6379/0",
  "redis://cache:1234/x@127.0.0.1:6379",
  "redis://cache:1234?x@127.0.0.1:6379",
  "redis://cache:1234#x@127.0.0.1:6379",
  "redis://cache:1234#x",
  "redis://cache:ab%zz@127.0.0.1:6379/0",
  "redis://cache:ab%ff@127.0.0.1:6379/0",
  "redis://cache:hunter%2@127.0.0.1:6379/0",
  "redis://cache:hunter 2@127.0.0.1:6379/0",
  "redis://cache:hunter2\n@127.0.0.1:6379/0",
  "redis://cache:hunter2",
  "redis://hunter2:x/0",
  "redis://127.0.0.1:6379/hunter2",
  "redis://127.0.0.1/0/hunter2",
  "redis://127.0.0.1:123456/0",
  "redis://cache:hunter2@hunter%32:6379",
  "redis:/cache:hunter2@127.0.0.1",
  "redis:cache:hunter2@127.0.0.1",
  "rediss://cache:p@ss/w:rd#1@127.0.0.1:6379/0",
  "valkey://cache:p@ss/w:rd#1@127.0.0.1:6379/0",
  "valkeys://cache:ab%zz@127.0.0.1:6379/0",
  "postgres://cache:p@ss/w:rd#1@127.0.0.1:5432/db",
  "postgres://cache:ab%zz@127.0.0.1:5432/db",
  "postgres://cache:1234/x@127.0.0.1/db",
  "postgres://cache@127.0.0.1/a/hunter2",
  "postgresql://cache:hunter2?@127.0.0.1/db",
];

describe("the URL of a server", () => {
  it.each(wrong)("is refused where its password may not be encoded, and shown nowhere: %j", (url) => {
    const told = problemOfUrl(url);
    expect(told).toContain("each part of user and password percent-encoded (encodeURIComponent)");
    expect(told).not.toMatch(secret);
    expect(told).not.toContain("127.0.0.1");
  });

  it.each([
    [`redis://cache:${encodeURIComponent("p@ss/w:rd#1 %zz")}@127.0.0.1:6379/0`, "redis://127.0.0.1:6379/0"],
    ["redis://cache.example", "redis://cache.example"],
    ["redis://:pass@cache.example:1/", "redis://cache.example:1"],
    ["redis://u:a:b+c=d!@[::1]:6379/12", "redis://[::1]:6379/12"],
    ["valkeys://u:p@my_host-1/2?x=y", "valkeys://my_host-1/2"],
    ["postgres://u:p@db.example:5432/my%20app?sslmode=require", "postgres://db.example:5432/my%20app"],
    ["postgresql:///app?host=/var/run/postgresql", "postgresql:///app"],
    ["postgres://%2Fvar%2Frun/app", "postgres://%2Fvar%2Frun/app"],
  ])("is taken where it is written as one: %s", (url, name) => {
    expect(problemOfUrl(url)).toBeUndefined();
    expect(locate(url)).toMatchObject({ name });
  });
});

describe("the place that a URL names", () => {
  it.each([
    ["redis://h/1", "redis://app:secret@h/1"],
    ["postgres://app:old@h/db", "postgresql://app:new@h/db"],
    ["postgres://h/db?options=-c%20search_path%3Done", "postgres://h/db?options=-c%20search_path%3Done"],
  ])("is the same, whoever is let in: %s and %s", (one, other) => {
    expect(placeOf(one)).toBe(placeOf(other));
    expect(placeOf(other)).not.toContain("secret");
  });

  it.each([
    ["redis://h/1", "redis://h/2"],
    ["postgres://app@h", "postgres://other@h"],
    ["postgres://h/db?options=-c%20search_path%3Done", "postgres://h/db?options=-c%20search_path%3Dtwo"],
    ["postgres:///db?host=/run/one", "postgres:///db?host=/run/two"],
  ])("is another one: %s and %s", (one, other) => expect(placeOf(one)).not.toBe(placeOf(other)));
});

describe("a kernel whose store's URL is suspicious", () => {
  it.each([wrong[0]!, wrong[7]!, wrong[18]!, wrong[24]!])(
    "is not made, also where caching is off: %j",
    async (store) => {
      const config = { cache: { store }, performance: { enableCaching: false } };
      const made = createTestKernel({ plugins: [cachePlugin], config });
      await expect(made).rejects.toThrow("percent-encoded (encodeURIComponent)");
      const error = await made.catch((one: unknown) => one);
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toMatch(secret);
    },
  );

  it("is told of by `config validate` and every other command", async () => {
    const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const shell = new Shell();
    const store = "redis://cache:${REDIS_PASSWORD}@127.0.0.1:6379/0";
    shell.configure({ cache: { store } });
    for (const password of ["p@ss/w:rd#1", "ab%zz", "1234/x"]) {
      shell.env = { REDIS_PASSWORD: password };
      for (const args of [
        ["config", "validate"],
        ["config", "validate", "--json"],
        ["cache", "stats"],
      ]) {
        const { code, out, err } = await shell.run(args);
        expect([args, code]).toEqual([args, 1]);
        expect(`${out}${err}`).toContain("percent-encoded (encodeURIComponent)");
        expect(`${out}${err}${String(warnings.mock.calls)}`).not.toMatch(secret);
      }
    }
  });

  it("is refused by `config set` and every other source with its place, and not written", async () => {
    const shell = new Shell();
    const file = shell.path(".mlmcprc.json");
    const before = readFileSync(file, "utf8");
    for (const store of wrong) {
      const { code, out, err } = await shell.run(["config", "set", "cache.store", store]);
      expect([store, code, out]).toEqual([store, 1, ""]);
      expect(err).toMatch(/cache\.store: .*percent-encoded \(encodeURIComponent\).*\.mlmcprc\.json:1:\d+\)/);
      expect(err).not.toMatch(secret);
      expect(readFileSync(file, "utf8")).toBe(before);
    }
    shell.env = { MLMCP_CACHE_STORE: wrong[0]! };
    const { out } = await shell.run(["config", "validate"]);
    expect(out).toMatch(/^MLMCP_CACHE_STORE: cache\.store: .*percent-encoded/);
    shell.env = { MLMCP_CACHE_STORE: "memory:" };
    expect(await shell.run(["config", "set", "cache.store", wrong[0]!])).toMatchObject({ code: 1, out: "" });
    expect(readFileSync(file, "utf8")).toBe(before);
    shell.env = {};
    shell.configure({ cache: { store: wrong[0] } });
    expect((await shell.run(["doctor"])).out).toMatch(
      /cache\.store: .*percent-encoded .*\.mlmcprc\.json:1:\d+/,
    );
  });

  it("is refused in a reload, and what there was stays", async () => {
    const shell = new Shell();
    const kernel = await shell.kernel();
    shell.configure({ cache: { store: wrong[0]! } });
    await expect(kernel.reload()).rejects.toThrow("percent-encoded (encodeURIComponent)");
    expect((await kernel.health()).checks["@mlmcp/plugin-cache/store"]).toMatchObject({
      status: "up",
      details: { store: `sqlite://${shell.path("cache.db")}` },
    });
  });
});
