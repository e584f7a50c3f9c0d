import { setTimeout as pauseFor } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import {
  ConfigurationError,
  TOOL,
  type ConfigReader,
  type HealthResult,
  type PluginKernel,
} from "@mlmcp/core";
import { Cache } from "../engine/cache.js";
import { createDigestMemo } from "./digest-memo.js";
import { FileDigests } from "../keys/files.js";
import { MemoryTier } from "../memory/memory-tier.js";
import type { CacheSection } from "../options.js";
import { LatestKeyRing } from "./latest-key-ring.js";
import { createOwner } from "./owner.js";
import type { Owner } from "../engine/plan.js";
import { protect, type ProtectionSettings } from "./protection.js";
import { StaleCache } from "./stale-answers.js";
import { createStoreListener, type OutageCounts } from "./store-listener.js";
import { holdsUnencrypted } from "../stores/unencrypted.js";
import { GuardedStore, type StoreStatus } from "../stores/guard/guarded-store.js";
import { placeOf } from "../stores/location.js";
import {
  openStore,
  sqliteFile,
  storeName,
  type StoreOptions,
  type StoreSetting,
} from "../stores/open-store.js";
import type { Store } from "../stores/store.js";
import { NativeBindingError } from "../stores/sqlite/binding.js";
import { sizeOf } from "../values/size.js";

/** When a store that did not let itself be looked into is looked into again; later twice as long. Milliseconds. */
const firstLookMs = 1_000;

/** Of the time that a stop has, how much may be over when the store has to have what waits for it. */
const drainShare = 0.8;

/** Why there is no store behind the memory. */
export type StoreAbsence =
  | { readonly cause: "memory" | "disabled" }
  | { readonly cause: "failed"; readonly name: string; readonly reason: string; readonly mend: string };

/** The cache of one kernel, with the store that the configuration names. */
export class KernelCache {
  readonly cache: Cache;
  readonly memory: MemoryTier;
  readonly staleAnswers: StaleCache;
  readonly digests: FileDigests;
  readonly keyRing = new LatestKeyRing();
  readonly outages: OutageCounts = { begun: 0, ended: 0 };
  readonly #kernel: PluginKernel;
  /** Stands for what no operation asked for. */
  readonly owner: Owner;
  #setting: StoreSetting = "memory:";
  #options: StoreOptions = {};
  #protection: ProtectionSettings = {};
  /** Why the store cannot be opened, where that will not pass. */
  #hopeless: { readonly reason: unknown } | undefined;
  #beforeLeaving: () => Promise<void> = async () => undefined;
  /** Under way. What is changed meanwhile waits for the store, where there is none before it. */
  #opening: Promise<void> | undefined;
  #hasStopped = false;

  constructor(kernel: PluginKernel) {
    this.#kernel = kernel;
    this.memory = new MemoryTier(sectionOf(kernel.config), ({ snapshot }) => sizeOf(snapshot));
    this.cache = new Cache(this.memory, (action, error) => this.owner.observer.failed(action, error));
    this.staleAnswers = new StaleCache(this.cache, (operation) => isCached(kernel, operation));
    this.owner = createOwner(this.cache, "(store)", { event: (name) => kernel.event(name) });
    this.cache.beforeChange(() => this.#openForChange());
    this.digests = new FileDigests(createDigestMemo(this.cache, this.owner.observer.failed));
  }

  /** Has something done while the store is there still, each time before it is let go. */
  beforeLeaving(work: () => Promise<void>): void {
    this.#beforeLeaving = work;
  }

  /** `undefined` where there is a store. */
  get absence(): StoreAbsence | undefined {
    const failure = this.#failure;
    if (failure) return { cause: "failed", name: this.#name, ...failure };
    if (this.cache.store) return undefined;
    return { cause: isEnabled(this.#kernel.config) ? "memory" : "disabled" };
  }

  /**
   * Opens the store, or changes to what the configuration says now; what did not change stays. While
   * caching is turned off the store that there is stays, so that invalidations reach it; where there is
   * none, the first of them opens it.
   */
  async open(): Promise<void> {
    const section = sectionOf(this.#kernel.config);
    this.cache.configure(section);
    await this.#opening?.catch(() => undefined);
    if (isEnabled(this.#kernel.config)) await this.#begin(section);
  }

  #begin(section: CacheSection): Promise<void> {
    return (this.#opening ??= this.#change(section).finally(() => (this.#opening = undefined)));
  }

  async #change(section: CacheSection): Promise<void> {
    const { store, compressOver, encryptionKey, keySecret } = section;
    const { storePrefix: prefix, storeTimeout: timeout, maxFileBytes } = section;
    const options: StoreOptions = { prefix, timeout, maxFileBytes };
    const protection: ProtectionSettings = { compressOver, encryptionKey, keySecret };
    const isSame =
      isDeepStrictEqual(options, this.#options) && isDeepStrictEqual(protection, this.#protection);
    if (store === this.#setting && isSame) return;
    const former = this.cache.store;
    if (former) await this.#beforeLeaving();
    const samePlace = this.#isPlace(store) && prefix === this.#options.prefix;
    this.#setting = store;
    this.#options = options;
    this.#protection = protection;
    this.#hopeless = undefined;
    try {
      // The former one stays until then: what is invalidated meanwhile must reach one of them.
      await this.#openStore(samePlace);
    } finally {
      if (former && this.cache.store === former) await this.cache.use(undefined);
      await closeStore(former, this.#stopTimeout / 2);
    }
  }

  /** `undefined` where there is a store, or is to be none. */
  #openForChange(): Promise<void> | undefined {
    const { config } = this.#kernel;
    if (this.cache.store || this.#hasStopped) return undefined;
    if (this.#opening) return this.#opening;
    if (isEnabled(config)) return undefined;
    const section = sectionOf(config);
    if (section.store === "memory:") return undefined;
    return this.#begin(section);
  }

  /**
   * Takes the store away, once it has all that was accepted, and forgets what memory holds.
   *
   * @param until when it has to have what waits for it, by `performance.now()`
   */
  async close(until = performance.now() + this.#stopTimeout / 2): Promise<void> {
    await this.#opening?.catch(() => undefined);
    const { store } = this.cache;
    if (store) await this.#beforeLeaving();
    this.#setting = "memory:";
    this.#hopeless = undefined;
    await this.cache.use(undefined);
    await closeStore(store, until - performance.now());
  }

  /** Gives up what goes on in the background, and closes. */
  async stop(): Promise<void> {
    const begun = performance.now();
    const ended = this.cache.abandonAll(new Error("The kernel has stopped."));
    // What does not heed its signal must not use up the time that the store needs.
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      ended,
      new Promise((resolve) => (timer = setTimeout(resolve, this.#stopTimeout / 2))),
    ]);
    clearTimeout(timer);
    this.#hasStopped = true;
    await this.close(begun + this.#stopTimeout * drainShare);
  }

  get #stopTimeout(): number {
    return this.#kernel.config.get("system.stopTimeout");
  }

  /** How the store is, without asking it; `undefined` where there is to be none. */
  get storeStatus(): StoreStatus | undefined {
    const { store } = this.cache;
    if (this.#hopeless) return { state: "down", waitingWrites: 0, lostWrites: 0 };
    return store instanceof GuardedStore ? store.status : undefined;
  }

  /** `degraded` where results are kept in memory only: no call fails for it. */
  async health(): Promise<HealthResult> {
    const { store } = this.cache;
    const { entries, bytes } = this.memory.statistics();
    const details = { store: this.#name, memory: { entries, bytes } };
    const failure = this.#failure;
    if (failure) return { status: "degraded", details: { ...details, serving: "memory only", ...failure } };
    if (store instanceof GuardedStore) {
      const reason = await store.ping().then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      const { waitingWrites, lostWrites } = store.status;
      const writes = { waitingWrites, ...(lostWrites > 0 && { lostWrites }) };
      if (reason === undefined) return { status: "up", details: { ...details, ...writes } };
      return { status: "degraded", details: { ...details, ...writes, serving: "memory only", reason } };
    }
    return { status: "up", details };
  }

  /** Tries once more, at once, to open a store that could not be opened. */
  async reconnect(): Promise<void> {
    const { store } = this.cache;
    // What keeps it from opening is seen in its health.
    if (store instanceof GuardedStore && store.unopened) await store.reconnect().catch(() => undefined);
  }

  /** Why the store is not open; nothing where it is, or where there is to be none. */
  get unopened(): { readonly reason: unknown } | undefined {
    const { store } = this.cache;
    return store instanceof GuardedStore ? store.unopened : this.#hopeless;
  }

  get #failure(): { readonly reason: string; readonly mend: string } | undefined {
    const { unopened } = this;
    return unopened && this.#explain(unopened.reason);
  }

  #explain(reason: unknown): { readonly reason: string; readonly mend: string } {
    const isFile = sqliteFile(this.#setting, this.#kernel.config.cwd) !== undefined;
    return {
      reason: reason instanceof Error ? reason.message : String(reason),
      mend: hasMend(reason)
        ? reason.mend
        : `Mend ${isFile ? "or remove the file" : "it"}, or set \`cache.store\` to another one.`,
    };
  }

  /** Whether a setting, however it is reached, names the place that there is. */
  #isPlace(setting: StoreSetting): boolean {
    const former = this.#setting;
    if (typeof setting !== "string" || typeof former !== "string") return setting === former;
    const { cwd } = this.#kernel.config;
    return (
      storeName(setting, cwd) === storeName(former, cwd) &&
      (sqliteFile(setting, cwd) !== undefined || placeOf(setting) === placeOf(former))
    );
  }

  get #name(): string {
    return storeName(this.#setting, this.#kernel.config.cwd);
  }

  /**
   * What was written before there was a key is no longer found, and can be read by whoever reads
   * the store: warns of it once, as soon as the store lets itself be looked into.
   */
  async #lookForUnencrypted(store: GuardedStore): Promise<void> {
    for (let pause = firstLookMs; this.cache.store === store; pause *= 2) {
      try {
        if (await holdsUnencrypted(store)) {
          process.emitWarning(
            `The cache ${store.name} holds entries that are not encrypted, from before cache.encryptionKey was set: they are never used again, and can be read by whoever reads the store. Delete them: \`mlmcp cache clear --unencrypted\`.`,
            { code: "MLMCP_CACHE_UNENCRYPTED" },
          );
        }
        return;
      } catch {
        await pauseFor(pause, undefined, { ref: false });
      }
    }
  }

  /** @param samePlace whether the store that there is keeps its entries there too */
  async #openStore(samePlace: boolean): Promise<void> {
    const { cwd } = this.#kernel.config;
    const former = this.cache.store;
    let store: GuardedStore | undefined;
    try {
      const protection = await protect(this.#protection, this.keyRing);
      store = await openStore(
        this.#setting,
        cwd,
        createStoreListener(this.#kernel, this.owner, this.#name, this.outages),
        this.#options,
      );
      if (store && former instanceof GuardedStore) former.passOn(store, { samePlace });
      await this.cache.use(store && { store, ...protection });
    } catch (error) {
      return this.#failedToOpen((this.#hopeless = { reason: error }));
    }
    if (store?.unopened) this.#failedToOpen(store.unopened);
    // A command that looks at entries says so itself.
    const isTool = this.#kernel.services.has(TOOL);
    if (store && this.#protection.encryptionKey !== undefined && !isTool)
      void this.#lookForUnencrypted(store);
  }

  #failedToOpen({ reason: error }: { readonly reason: unknown }): void {
    const { reason, mend } = this.#explain(error);
    this.owner.observer.failed("open", error);
    // A file may be mended while the service runs; code that does not load may not.
    if (error instanceof NativeBindingError && this.#kernel.config.get("system.strict") === true) {
      throw new ConfigurationError(`The cache ${this.#name} cannot be opened: ${reason}. ${mend}`, {
        code: "MLMCP_CACHE_NATIVE_BINDING",
        cause: error,
      });
    }
    process.emitWarning(
      `The cache ${this.#name} cannot be opened (${reason}): results are kept in memory only. ${mend}`,
      { code: "MLMCP_CACHE_STORE" },
    );
  }
}

async function closeStore(store: Store | undefined, limit: number): Promise<void> {
  await (store instanceof GuardedStore ? store.close(limit) : store?.close());
}

/** Whether an error says itself what to do. */
function hasMend(error: unknown): error is { readonly mend: string } {
  return error instanceof Error && "mend" in error && typeof error.mend === "string";
}

/** The master switch. */
export function isEnabled(config: ConfigReader): boolean {
  return config.get("performance.enableCaching", true);
}

/** Whether `@cached` is part of an operation's chain. */
export function isCached({ operations }: PluginKernel, operation: string): boolean {
  try {
    return operations.explain(operation).chain.some(({ advice }) => advice === "cached");
  } catch {
    // A chain that cannot be made is reported where it is called, and by a rule of the core.
    return false;
  }
}

export function sectionOf(config: ConfigReader): CacheSection {
  return config.section<CacheSection>("cache");
}
