import { copyFileSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { ConfigurationError, onEvent } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin, CacheManager } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { temporaryDirectory } from "../temporary.js";

const options = { plugins: [cachePlugin], config: { cache: { store: "memory:" } } };

class Profiles {
  ran = 0;
  meanwhile: () => void = () => undefined;
  @cached({ files: (path: string) => path })
  async profile(path: string): Promise<string> {
    this.ran++;
    const text = await fs.readFile(path, "utf8");
    this.meanwhile();
    return text;
  }
  @cached({ key: () => "both", files: (...paths: string[]) => paths })
  async join(...paths: string[]): Promise<string> {
    this.ran++;
    return (await Promise.all(paths.map((path) => fs.readFile(path, "utf8")))).join("+");
  }
}

/** A file whose time of change is long enough ago to be trusted. */
function writeOld(path: string, text: string): void {
  writeFileSync(path, text);
  utimesSync(path, new Date("2020-01-01"), new Date("2020-01-01"));
}

describe("@cached with files", () => {
  it("follows the content of a file, not its time or name", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "data.csv");
    await using kernel = await createTestKernel(options);
    const profiles = kernel.adopt(new Profiles());
    writeOld(path, "one");
    expect(await profiles.profile(path)).toBe("one");
    utimesSync(path, new Date(), new Date());
    expect(await profiles.profile(path)).toBe("one");
    expect(profiles.ran).toBe(1);
    writeFileSync(path, "two");
    expect(await profiles.profile(path)).toBe("two");
    writeFileSync(path, "one");
    expect(await profiles.profile(path)).toBe("one");
    expect(profiles.ran).toBe(2);
    expect((await kernel.resolve(CacheManager).stats()).operations["Profiles.profile"]).toMatchObject({
      hits: 2,
      misses: 2,
    });
  });

  it("sees a change that keeps size and time, also in place of a file that was trusted", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "data.csv");
    await using kernel = await createTestKernel(options);
    const profiles = kernel.adopt(new Profiles());
    writeOld(path, "one");
    expect(await profiles.profile(path)).toBe("one");
    writeOld(join(directory, "other.csv"), "two");
    renameSync(join(directory, "other.csv"), path);
    expect(await profiles.profile(path)).toBe("two");
    const { mtime } = statSync(path);
    writeFileSync(path, "six");
    utimesSync(path, mtime, mtime);
    expect(await profiles.profile(path)).toBe("six");
  });

  it("reads a file once while it stays as it is", async () => {
    const path = join(temporaryDirectory(), "data.csv");
    writeOld(path, "x".repeat(100_000));
    await using kernel = await createTestKernel(options);
    const profiles = kernel.adopt(new Profiles());
    const open = vi.spyOn(fs, "open");
    syncBuiltinESMExports();
    onTestFinished(() => {
      open.mockRestore();
      syncBuiltinESMExports();
    });
    for (let call = 0; call < 5; call++) await profiles.profile(path);
    // Once for its digest; the method reads it by other means.
    expect(open).toHaveBeenCalledTimes(1);
    expect(profiles.ran).toBe(1);
  });

  it("depends on every file, in order, and on its key", async () => {
    const directory = temporaryDirectory();
    const [first, second] = [join(directory, "a"), join(directory, "b")];
    writeOld(first, "1");
    writeOld(second, "2");
    await using kernel = await createTestKernel(options);
    const profiles = kernel.adopt(new Profiles());
    expect(await profiles.join(first, second)).toBe("1+2");
    expect(await profiles.join(second, first)).toBe("2+1");
    copyFileSync(first, join(directory, "c"));
    expect(await profiles.join(join(directory, "c"), second)).toBe("1+2");
    expect(profiles.ran).toBe(2);
  });

  it("keeps no result of a file that changed while the method ran", async () => {
    const path = join(temporaryDirectory(), "data.csv");
    writeOld(path, "one");
    await using kernel = await createTestKernel(options);
    const profiles = kernel.adopt(new Profiles());
    profiles.meanwhile = () => writeFileSync(path, "three");
    expect(await profiles.profile(path)).toBe("one");
    profiles.meanwhile = () => undefined;
    writeOld(path, "one");
    await profiles.profile(path);
    expect(profiles.ran).toBe(2);
  });

  it("leaves the error about a file that cannot be read to the method, and says what the cache saw", async () => {
    const path = temporaryDirectory();
    await using kernel = await createTestKernel(options);
    const profiles = kernel.adopt(new Profiles());
    const actions: string[] = [];
    onTestFinished(onEvent("cache:error", ({ action }) => void actions.push(action)));
    await expect(profiles.profile(path)).rejects.toMatchObject({ code: "EISDIR" });
    expect(actions).toEqual(["files"]);
  });

  it("takes a file that is not there for one of its states, until it is there", async () => {
    class Settings {
      ran = 0;
      @cached({ files: (path: string) => [path, { path, by: "stat" }], cacheErrors: ["ENOENT"] })
      async strict(path: string): Promise<string> {
        this.ran++;
        return fs.readFile(path, "utf8");
      }
      @cached({ files: (path: string) => path })
      async lenient(path: string): Promise<string> {
        this.ran++;
        return fs.readFile(path, "utf8").catch(() => "none");
      }
    }
    const path = join(temporaryDirectory(), "missing", "data.csv");
    await using kernel = await createTestKernel(options);
    const settings = kernel.adopt(new Settings());
    const actions: string[] = [];
    onTestFinished(onEvent("cache:error", ({ action }) => void actions.push(action)));
    for (let round = 0; round < 2; round++) {
      await expect(settings.strict(path)).rejects.toMatchObject({ code: "ENOENT" });
      expect(await settings.lenient(path)).toBe("none");
    }
    expect(settings.ran).toBe(2);
    mkdirSync(join(path, ".."));
    writeOld(path, "there");
    for (let round = 0; round < 2; round++)
      expect([await settings.strict(path), await settings.lenient(path)]).toEqual(["there", "there"]);
    expect(settings.ran).toBe(4);
    rmSync(path);
    expect(await settings.lenient(path)).toBe("none");
    expect(settings.ran).toBe(4);
    expect(actions).toEqual([]);
  });

  it("keeps no result of a file that went while the method ran", async () => {
    const path = join(temporaryDirectory(), "data.csv");
    await using kernel = await createTestKernel(options);
    const profiles = kernel.adopt(new Profiles());
    writeOld(path, "there");
    profiles.meanwhile = () => rmSync(path);
    expect(await profiles.profile(path)).toBe("there");
    profiles.meanwhile = () => undefined;
    await expect(profiles.profile(path)).rejects.toMatchObject({ code: "ENOENT" });
    expect(profiles.ran).toBe(2);
  });

  it("refuses `files` that give no paths", async () => {
    class Wrong {
      @cached({ files: () => [1] as unknown as string[] })
      async load(): Promise<void> {}
    }
    await using kernel = await createTestKernel(options);
    const refusal = kernel.adopt(new Wrong()).load();
    await expect(refusal).rejects.toBeInstanceOf(ConfigurationError);
    await expect(refusal).rejects.toThrow(
      'The `files` of @cached on Wrong.load gave [1]. Return a path, `{ path, by: "content" | "stat" }`, or an array of them.',
    );
  });
});
