interface Timer {
  /** Node's own mark of a timer that has fired or been cleared. */
  readonly _destroyed?: boolean;
}

/**
 * Runs a function and answers what it left open: timers, also those that do not keep the
 * process alive, and whatever Node counts as an active resource (sockets, workers, files).
 */
export async function leftoversOf(run: () => Promise<void>): Promise<string[]> {
  const before = activeResources();
  const timers: Array<{ readonly kind: string; readonly timer: Timer }> = [];
  const restore = recordTimers((kind, timer) => timers.push({ kind, timer }));
  try {
    await run();
  } finally {
    restore();
  }
  const left = (): string[] => [
    ...timers.flatMap(({ kind, timer }) => (timer._destroyed === false ? [kind] : [])),
    ...surplus(before, activeResources()),
  ];
  // What closes does so within a few turns of the event loop; what is left then is left for good.
  for (let turn = 0; turn < 200 && left().length > 0; turn++)
    await new Promise((resolve) => setImmediate(resolve));
  return left();
}

function recordTimers(record: (kind: string, timer: Timer) => void): () => void {
  const { setTimeout, setInterval } = globalThis;
  const recording = <Schedule extends typeof setTimeout | typeof setInterval>(
    kind: string,
    schedule: Schedule,
  ): Schedule =>
    Object.assign((...args: Parameters<Schedule>) => {
      const timer = (schedule as (...given: Parameters<Schedule>) => NodeJS.Timeout)(...args);
      record(kind, timer as Timer);
      return timer;
    }, schedule) as Schedule;
  globalThis.setTimeout = recording("a timeout", setTimeout);
  globalThis.setInterval = recording("an interval", setInterval);
  return () => {
    globalThis.setTimeout = setTimeout;
    globalThis.setInterval = setInterval;
  };
}

/** Kinds that a test runner opens and closes by itself, and timers, which are followed one by one. */
const IGNORED = new Set(["Timeout", "Immediate", "PipeWrap", "TTYWrap", "CloseReq", "TickObject"]);

function activeResources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => !IGNORED.has(kind));
}

function surplus(before: readonly string[], after: readonly string[]): string[] {
  const rest = [...after];
  for (const kind of before) {
    const index = rest.indexOf(kind);
    if (index >= 0) rest.splice(index, 1);
  }
  return rest.map((kind) => `a resource of kind ${kind}`);
}
