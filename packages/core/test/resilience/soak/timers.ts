interface Timer {
  /** Node's own mark of a timer that has fired or been cleared. */
  readonly _destroyed?: boolean;
}

/** Notes every timer that is set from now on, also those that do not keep the process alive. */
export function followTimers() {
  const timers = new Set<Timer>();
  const forgetEnded = (): void => {
    for (const timer of timers) if (timer._destroyed !== false) timers.delete(timer);
  };
  const following = <Schedule extends typeof setTimeout | typeof setInterval>(schedule: Schedule): Schedule =>
    Object.assign((...args: Parameters<Schedule>) => {
      const timer = (schedule as (...given: Parameters<Schedule>) => NodeJS.Timeout)(...args);
      timers.add(timer as Timer);
      return timer;
    }, schedule) as Schedule;
  globalThis.setTimeout = following(globalThis.setTimeout);
  globalThis.setInterval = following(globalThis.setInterval);
  return {
    forgetEnded,
    /** One line for all that still run. */
    running(): string[] {
      forgetEnded();
      return timers.size === 0 ? [] : [`${timers.size} timers that still run`];
    },
  };
}
