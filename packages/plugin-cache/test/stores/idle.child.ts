import { execFileSync } from "node:child_process";
import { createKernel } from "@mlmcp/core";
import { CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { openStore } from "../../src/stores/open-store.js";

/**
 * A script that comes to its end and stops nothing, for {@link useProgram}:
 * - `script <url>` keeps a value on a store, and finds it there;
 * - `pending <url>` has begun a write that the server takes after its caller has given it up.
 */
const roles: Record<string, (...args: string[]) => Promise<void>> = { script, pending };
const [, , role = "", ...args] = process.argv;
// Where it is kept alive all the same.
setTimeout(() => process.exit(3), 30_000).unref();
await roles[role]!(...args);

async function script(store: string): Promise<void> {
  const kernel = await createKernel({ env: {}, config: { cache: { store } }, plugins: [cachePlugin] });
  const manager = kernel.resolve(CacheManager);
  await manager.set("k", "kept", { tags: ["t"] });
  await manager.invalidateTags(["another"]);
  console.log(JSON.stringify(await manager.get("k")));
}

async function pending(url: string): Promise<void> {
  const options = { onError: () => undefined };
  const store = (await openStore(url, "/", options, { timeout: 250 }))!;
  // On a busy machine the first may be given up too.
  while (
    await store.ping().then(
      () => false,
      () => true,
    )
  );
  execFileSync("redis-cli", ["-u", url, "CLIENT", "PAUSE", "3000", "WRITE"]);
  const entry = { operation: "A.b", bytes: Buffer.from("x"), expires: Date.now() + 60_000 };
  const ended = await store.set("k", entry).catch(() => "given up");
  console.log(JSON.stringify(ended));
}
