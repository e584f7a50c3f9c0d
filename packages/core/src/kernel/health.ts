import { within } from "./time-limit.js";

/** `degraded`: works, but not as it should; `down`: does not do what it is there for. */
export type HealthStatus = "up" | "degraded" | "down";

export interface HealthResult {
  readonly status: HealthStatus;
  /** Facts for the reader of the report. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** One thing that a plugin can say about its well-being. */
export interface HealthCheck {
  /** Unique in the plugin. */
  readonly name: string;
  check(): HealthResult | Promise<HealthResult>;
  /** Called after a check that failed or answered anything but `up`; the check is then asked once more. */
  reconnect?(): void | Promise<void>;
  /** In milliseconds. A check that takes longer counts as `down`. @default 5000 */
  readonly timeout?: number;
  /** Whether the whole kernel is `down` when this is; otherwise it is `degraded`. @default true */
  readonly critical?: boolean;
}

export interface HealthReport {
  /** `down` only where a critical check is: what decides whether calls can be taken. */
  readonly status: HealthStatus;
  readonly checks: Readonly<Record<string, HealthResult>>;
}

/** Runs every check, each within its own time, and sums them up. Checks are named `<plugin>/<check>`. */
export async function checkHealth(checks: ReadonlyMap<string, HealthCheck>): Promise<HealthReport> {
  const results = await Promise.all(
    Array.from(checks, async ([name, check]) => [name, check, await ask(check)] as const),
  );
  let status: HealthStatus = "up";
  for (const [, check, result] of results) {
    if (result.status === "up") continue;
    if (result.status === "down" && check.critical !== false) status = "down";
    else if (status === "up") status = "degraded";
  }
  return { status, checks: Object.fromEntries(results.map(([name, , result]) => [name, result])) };
}

async function ask(check: HealthCheck): Promise<HealthResult> {
  const first = await once(check);
  if (first.status === "up" || !check.reconnect) return first;
  try {
    await inTime(check.timeout, () => check.reconnect?.());
  } catch (error) {
    return { status: first.status, details: { ...first.details, reconnect: messageOf(error) } };
  }
  return once(check);
}

async function once(check: HealthCheck): Promise<HealthResult> {
  try {
    return await inTime(check.timeout, () => check.check());
  } catch (error) {
    return { status: "down", details: { error: messageOf(error) } };
  }
}

function inTime<T>(limit = 5000, run: () => T | Promise<T>): Promise<T> {
  return within(limit, run, `no answer within ${limit} ms`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
