import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigurationError, onEvent } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin, CacheManager } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished } from "vitest";
import { protect } from "../../src/kernel/protection.js";
import { LatestKeyRing } from "../../src/kernel/latest-key-ring.js";
import { UnreadableError } from "../../src/values/marks.js";
import { temporaryDirectory } from "../temporary.js";

class Payroll {
  ran = 0;
  @cached("1h")
  async salaryOf(name: string): Promise<{ name: string; salary: string }> {
    this.ran++;
    return { name, salary: "a-very-private-number" };
  }
}

const [k1, k2] = ["LvZ0cR1q8XyT5bWn3uKd", "Qm7sJ2fHgA9xPeVt4YzC"];

/** One life of a service: how often the method ran for one call, and what could not be read. */
async function live(directory: string, cache: object): Promise<{ ran: number; unreadable: string[] }> {
  const unreadable = new Set<string>();
  const unsubscribe = onEvent("cache:error", ({ error }) => {
    if (error instanceof UnreadableError) unreadable.add(error.message);
  });
  const store = `sqlite://${join(directory, "cache.db")}`;
  try {
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store, ...cache } },
    });
    const payroll = kernel.adopt(new Payroll());
    expect(await payroll.salaryOf("ada")).toEqual({ name: "ada", salary: "a-very-private-number" });
    return { ran: payroll.ran, unreadable: [...unreadable] };
  } finally {
    unsubscribe();
  }
}

/** All that stands in the store's files. */
function written(directory: string): string {
  return readdirSync(directory)
    .map((name) => readFileSync(join(directory, name)).toString("latin1"))
    .join("");
}

describe("cache.encryptionKey", () => {
  it("leaves no value and no argument to be read in the store", async () => {
    const [open, closed] = [temporaryDirectory(), temporaryDirectory()];
    await live(open, {});
    expect(written(open)).toContain("a-very-private-number");
    await live(closed, { encryptionKey: k1 });
    expect(written(closed)).not.toMatch(/private-number|ada/);
    expect(await live(closed, { encryptionKey: k1 })).toEqual({ ran: 0, unreadable: [] });
  });

  it("can be changed while entries of the key before are in use", async () => {
    const directory = temporaryDirectory();
    expect((await live(directory, { encryptionKey: k1 })).ran).toBe(1);
    expect((await live(directory, { encryptionKey: [k2, k1] })).ran).toBe(0);
    // Its name is derived from a key that is gone.
    expect(await live(directory, { encryptionKey: k2 })).toEqual({ ran: 1, unreadable: [] });
  });

  it("makes an entry of another key a miss that is told", async () => {
    const directory = temporaryDirectory();
    const keySecret = "Wd5nB8kLr3TqXz6MvJ1G";
    await live(directory, { encryptionKey: k1, keySecret });
    const other = await live(directory, { encryptionKey: k2, keySecret });
    expect(other.ran).toBe(1);
    expect(other.unreadable).toEqual([
      "the entry is encrypted with a key that `cache.encryptionKey` does not have",
    ]);
    expect(await live(directory, { encryptionKey: [k1, k2], keySecret })).toEqual({ ran: 0, unreadable: [] });
  });

  it("takes effect at a reload", async () => {
    const directory = temporaryDirectory();
    const config = { cache: { store: `sqlite://${join(directory, "cache.db")}`, encryptionKey: k1 } };
    await using kernel = await createTestKernel({ plugins: [cachePlugin], config });
    const manager = kernel.resolve(CacheManager);
    await manager.set("k", "v");
    kernel.config.set("cache.encryptionKey", [k2, k1]);
    await kernel.reload();
    expect(await manager.get("k")).toBe("v");
  });

  it.each([
    ["shorter than 16 characters", "Xk3-short"],
    ["a well-known default", "super-secret-123456"],
  ])("is refused in production where it is %s, in a list as well", async (weakness, secret) => {
    for (const cache of [{ encryptionKey: secret }, { encryptionKey: [k1, secret] }, { keySecret: secret }]) {
      const config = { system: { environment: "production" }, cache: { store: "memory:", ...cache } };
      const refusal = createTestKernel({ plugins: [cachePlugin], config });
      await expect(refusal).rejects.toBeInstanceOf(ConfigurationError);
      await expect(refusal).rejects.toThrow(`is a secret that is ${weakness}`);
      await expect(refusal).rejects.not.toThrow(secret);
    }
  });

  it("is not shown with the configuration", async () => {
    const cache = { store: "memory:", encryptionKey: [k1, k2], keySecret: k1 };
    await using kernel = await createTestKernel({ plugins: [cachePlugin], config: { cache } });
    const shown = JSON.stringify(kernel.config.explain("cache"));
    expect(shown).not.toContain(k1);
    expect(shown).not.toContain(k2);
  });
});

describe("cache.keySecret", () => {
  const text = "s7:Reportsn1;";

  it("makes the names of entries depend on it", async () => {
    const names = await Promise.all(
      [{}, { keySecret: k1 }, { keySecret: k2 }, { encryptionKey: k1 }].map(async (settings) =>
        (await protect(settings, new LatestKeyRing())).digest(text),
      ),
    );
    expect(new Set(names).size).toBe(3);
    // Derived from the same secret.
    expect(names[1]).toBe(names[3]);
  });

  it("stands in place of what the last encryption key gives", async () => {
    const nameOf = async (settings: Parameters<typeof protect>[0]): Promise<string> =>
      (await protect(settings, new LatestKeyRing())).digest(text);
    expect(await nameOf({ encryptionKey: [k2, k1] })).toBe(await nameOf({ encryptionKey: k1 }));
    expect(await nameOf({ encryptionKey: [k2, k1], keySecret: k2 })).toBe(await nameOf({ keySecret: k2 }));
  });
});

describe("cache.compressOver", () => {
  it("compresses what is larger on its way to the store", async () => {
    const sizes: number[] = [];
    onTestFinished(
      onEvent("cache:set", ({ tier, bytes }) => {
        if (tier === "store") sizes.push(bytes!);
      }),
    );
    for (const compressOver of ["1KB", "1MB"] as const) {
      const store = `sqlite://${join(temporaryDirectory(), "cache.db")}`;
      await using kernel = await createTestKernel({
        plugins: [cachePlugin],
        config: { cache: { store, compressOver } },
      });
      const manager = kernel.resolve(CacheManager);
      await manager.set("k", "again and ".repeat(10_000));
      expect(await manager.get("k")).toBe("again and ".repeat(10_000));
    }
    expect(sizes[0]).toBeLessThan(2_000);
    expect(sizes[1]).toBeGreaterThan(100_000);
  });
});
