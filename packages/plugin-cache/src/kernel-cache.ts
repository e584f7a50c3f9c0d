import type { ConfigReader, HealthResult, PluginKernel } from "@mlmcp/core";
import { Cache } from "./cache.js";
import { FileDigests } from "./files.js";
import type { CacheSection } from "./options.js";
import { createOwner } from "./owner.js";
import type { Owner } from "./plan.js";
import { openStore, storeName, type StoreSetting } from "./stores/open-store.js";

/** The cache of one kernel, with the store that the configuration names. */
export class KernelCache {
  readonly cache: Cache;
  readonly digests = new FileDigests();
  readonly #kernel: PluginKernel;
  /** Stands for what no operation asked for. */
  readonly #owner: Owner;
  #setting: StoreSetting = "memory:";

  constructor(kernel: PluginKernel) {
    this.#kernel = kernel;
    this.cache = new Cache(sectionOf(kernel.config).maxEntries);
    this.#owner = createOwner(this.cache, "(store)", { event: (name) => kernel.event(name) });
  }

  /** Opens the store, or changes to what the configuration says now; what did not change stays. */
  async open(): Promise<void> {
    const { store, maxEntries } = sectionOf(this.#kernel.config);
    this.cache.resize(maxEntries);
    const wanted = isEnabled(this.#kernel.config) ? store : "memory:";
    if (wanted === this.#setting) return;
    await this.close();
    this.#setting = wanted;
    await this.#openStore();
  }

  /** Takes the store away, once it has all that was accepted, and forgets what memory holds. */
  async close(): Promise<void> {
    const store = this.cache.release();
    this.#setting = "memory:";
    await store?.close();
  }

  async health(): Promise<HealthResult> {
    const { store } = this.cache;
    const details = { store: this.#name };
    if (store) {
      await store.ping();
      return { status: "up", details };
    }
    if (this.#setting === "memory:") return { status: "up", details };
    return { status: "down", details: { ...details, serving: "memory only" } };
  }

  /** Tries once more to open a store that could not be opened. */
  async reconnect(): Promise<void> {
    if (!this.cache.store && this.#setting !== "memory:") await this.#openStore();
  }

  get #name(): string {
    return storeName(this.#setting, this.#kernel.config.cwd);
  }

  async #openStore(): Promise<void> {
    const { observer } = this.#owner;
    try {
      this.cache.use(
        await openStore(this.#setting, this.#kernel.config.cwd, (error) =>
          observer.failed("background", error),
        ),
      );
    } catch (error) {
      observer.failed("open", error);
      const reason = error instanceof Error ? error.message : String(error);
      process.emitWarning(
        `The cache ${this.#name} cannot be opened (${reason}): results are kept in memory only. ` +
          "Mend or remove the file, or set `cache.store` to another one.",
        { code: "MLMCP_CACHE_STORE" },
      );
    }
  }
}

/** The master switch. */
export function isEnabled(config: ConfigReader): boolean {
  return config.get("performance.enableCaching", true);
}

export function sectionOf(config: ConfigReader): CacheSection {
  return config.section<CacheSection>("cache");
}
