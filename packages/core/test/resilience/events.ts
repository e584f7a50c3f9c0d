import { onEvent, type EventName, type Kernel } from "@mlmcp/core";
import { onTestFinished } from "vitest";

/** Writes the named events of one kernel into a trace, each as one line. */
export function traceEvents(kernel: Kernel, trace: string[], names: readonly EventName[]): void {
  for (const name of names) {
    const end = onEvent(name, ({ kernel: from, operation: _, ...fields }) => {
      if (from === kernel.id) trace.push([name, ...Object.values(fields).map(describe)].join(" "));
    });
    onTestFinished(end);
  }
}

function describe(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}
