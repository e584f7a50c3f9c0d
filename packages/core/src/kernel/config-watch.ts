import { statSync, type Stats } from "node:fs";
import { stat } from "node:fs/promises";
import type { ConfigProblem } from "../config/problems.js";
import { parseDuration, type Duration } from "../config/schema/units.js";
import type { Kernel } from "./kernel.js";
import type { UnattendedReload } from "./unattended-reload.js";

/** How often files are looked at where only `true` is said. Milliseconds. */
const DEFAULT_INTERVAL = 1_000;
/** How long several changes that belong together may take, such as the files of a release. Milliseconds. */
const BURST = 100;

/** How much older than it is a change may look, by the coarse clock of a file system. Milliseconds. */
const CLOCK_STEP = 10;

interface WatchOptions {
  /** What `createKernel({ watch })` says; `system.watch` where it says nothing, or not how often. */
  readonly wanted: boolean | Duration | undefined;
  readonly reload: UnattendedReload;
  /** When the files were read last, or began to be. Milliseconds since 1970. */
  readAt(): number;
}

/**
 * Reloads a kernel's configuration when one of the files that it was read from changes, from its
 * start to its stop. Which files these are, and whether they are watched, follows each reload.
 *
 * The files are polled: unlike the notifications of the system this also sees files on network
 * drives and those that containers mount and swap as links. Not by `fs.watchFile`, which begins
 * with what it finds and so misses what changed since the files were read.
 */
export function watchConfig(kernel: Kernel, options: WatchOptions): void {
  const watch = new ConfigWatch(kernel, options);
  kernel.hooks.hook("kernel:started", () => watch.follow());
  kernel.hooks.hook("kernel:reloaded", () => watch.follow());
  kernel.hooks.hook("kernel:stopped", () => watch.end());
}

class ConfigWatch {
  readonly #kernel: Kernel;
  readonly #options: WatchOptions;
  /** What each file looked like when it was seen last. */
  #stamps = new Map<string, string>();
  #interval = 0;
  #nextLook: NodeJS.Timeout | undefined;
  #burst: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(kernel: Kernel, options: WatchOptions) {
    this.#kernel = kernel;
    this.#options = options;
  }

  /** Watches the files of the configuration in effect, and others that may make the next one valid. */
  follow(others: readonly string[] = []): void {
    if (this.#ended) return;
    const interval = this.#wantedInterval();
    const files = interval === 0 ? [] : [...this.#kernel.config.files, ...others];
    this.#stamps = new Map(files.map((file) => [file, this.#stamps.get(file) ?? this.#stampAsRead(file)]));
    if (interval === this.#interval) return;
    this.#interval = interval;
    this.#schedule();
  }

  /** Milliseconds; 0 where files are not watched. That they are, code may say, and the configuration how often. */
  #wantedInterval(): number {
    const configured = this.#kernel.config.get<boolean | Duration | undefined>("system.watch") ?? false;
    const { wanted = configured } = this.#options;
    if (wanted === false) return 0;
    const said = wanted === true ? configured : wanted;
    return typeof said === "boolean" ? DEFAULT_INTERVAL : parseDuration(said)!;
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#nextLook);
    clearTimeout(this.#burst);
  }

  #schedule(): void {
    clearTimeout(this.#nextLook);
    if (this.#ended || this.#interval === 0) return;
    this.#nextLook = setTimeout(() => void this.#look(), this.#interval).unref();
  }

  async #look(): Promise<void> {
    const seen = await Promise.all(
      [...this.#stamps.keys()].map(async (file) => {
        const stats = await stat(file).catch(() => undefined);
        return [file, stampOf(stats)] as const;
      }),
    );
    let changed = false;
    for (const [file, stamp] of seen) {
      const before = this.#stamps.get(file);
      if (before === undefined || before === stamp) continue;
      this.#stamps.set(file, stamp);
      changed = true;
    }
    if (changed && !this.#ended) this.#burst ??= setTimeout(() => void this.#take(), BURST).unref();
    this.#schedule();
  }

  async #take(): Promise<void> {
    this.#burst = undefined;
    const error = await this.#options.reload.run("watch");
    if (error !== undefined) this.follow(filesOf(error));
  }

  /** What a file looked like when it was read: unknown, hence different, where it may have changed since. */
  #stampAsRead(file: string): string {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats && stats.mtimeMs < this.#options.readAt() - CLOCK_STEP ? stampOf(stats) : "";
  }
}

function stampOf(stats: Stats | undefined): string {
  return stats ? [stats.mtimeMs, stats.ctimeMs, stats.size, stats.ino].join(" ") : "gone";
}

/** The files in which something is wrong: one that was just added may not be among those in effect. */
function filesOf(error: unknown): string[] {
  const { issues } = ((error as { context?: object }).context ?? {}) as { issues?: readonly ConfigProblem[] };
  return (issues ?? []).flatMap(({ source }) =>
    source?.kind === "file" || source?.kind === "profile" ? source.name : [],
  );
}
