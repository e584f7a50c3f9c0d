import type { PluginKernel } from "@mlmcp/core";
import { advise } from "../advice/advise.js";
import type { Advice, OperationSettings } from "../advice/advice.js";
import type { CachedOperations } from "./cached-operations.js";
import { type KernelCache, sectionOf } from "../kernel/kernel-cache.js";
import { mergeProcesses, type ProcessObservation } from "../statistics/observation.js";
import { reportOperation } from "../statistics/report.js";
import { Reports } from "../statistics/reports.js";
import { summarise, type CacheStatistics } from "../statistics/summary.js";

export interface ScopeOptions {
  /**
   * Whose counts: of this process since its kernel started, or also of those that shared its store
   * within the last day, as they said at their end or a minute ago at most. A store that cannot
   * list its entries knows nothing of them.
   * @default "process"
   */
  readonly scope?: "process" | "shared";
}

/** What the cache of one kernel holds, how it did, and what is worth a change. */
export class CacheInsight {
  readonly #kernel: PluginKernel;
  readonly #own: KernelCache;
  readonly #operations: CachedOperations;
  readonly #reports: Reports;

  constructor(kernel: PluginKernel, own: KernelCache, operations: CachedOperations) {
    this.#kernel = kernel;
    this.#own = own;
    this.#operations = operations;
    const isHeard = (): boolean => own.storeStatus?.state === "up";
    this.#reports = new Reports(own.cache, isHeard, own.owner.observer.failed);
    own.beforeLeaving(() => this.#reports.write());
  }

  /** Begins to tell other processes. */
  start(): void {
    this.#reports.start();
  }

  /** Tells them for the last time. */
  stop(): Promise<void> {
    return this.#reports.stop();
  }

  async stats({ scope = "process" }: ScopeOptions = {}): Promise<CacheStatistics> {
    const { cache } = this.#own;
    const observations = await this.#observations(scope);
    // A store that fails to count is seen by the health check; the numbers of this process stand.
    const stored = await cache.store?.count().catch(() => undefined);
    stored?.delete(reportOperation);
    return summarise({
      observed: mergeProcesses(observations),
      holdings: new Map(
        Array.from(observations[0].operations, ([operation, { memory }]) => [operation, memory]),
      ),
      processes: observations.length,
      store: this.#own.absence ? undefined : cache.store?.name,
      stored,
      ttl: sectionOf(this.#kernel.config).ttl,
      ttls: new Map(Array.from(this.#settings(), ([operation, { ttl }]) => [operation, ttl])),
    });
  }

  async optimize({ scope = "process" }: ScopeOptions = {}): Promise<Advice[]> {
    const { adaptive } = sectionOf(this.#kernel.config);
    const { operations, memory } = mergeProcesses(await this.#observations(scope, { timeCopies: true }));
    const settings = this.#settings();
    const known = this.#kernel.operations.list().map(({ id }) => id);
    return advise({
      operations,
      memory,
      hasStore: this.#own.absence === undefined,
      isAdaptive: adaptive !== undefined,
      settings,
      uncached: new Set(known.filter((id) => !settings.has(id))),
    });
  }

  async #observations(
    scope: ScopeOptions["scope"],
    options?: { readonly timeCopies: boolean },
  ): Promise<[ProcessObservation, ...ProcessObservation[]]> {
    const { cache, owner } = this.#own;
    const others =
      scope === "shared"
        ? await this.#reports.others().catch((error: unknown) => {
            owner.observer.failed("get", error);
            return [];
          })
        : [];
    return [cache.observe(options), ...others];
  }

  #settings(): Map<string, OperationSettings> {
    return new Map(
      this.#operations.list().map(({ info, options, keeping }) => [
        info.id,
        {
          ttl: typeof options.ttl === "function" ? undefined : keeping.ttl,
          namespace: options.namespace,
          isolate: options.isolate,
        },
      ]),
    );
  }
}
