import { createMethodDecorator, definePlugin, type Placement, type Plugin } from "@mlmcp/core";

/** What happened, in order. */
export type Trace = string[];

/**
 * A decorator that notes when its step is entered and left, standing where it is told, for
 * methods of every kind.
 */
export function tracing(name: string, trace: Trace, at: Placement) {
  return createMethodDecorator<{ tag?: string }>({
    name,
    schema: { type: "object", properties: { tag: { type: "string" } } },
    serves: { sync: true, streams: true },
    parts: [
      {
        at,
        around: (next, { options }) => {
          const label = options.tag ?? name;
          return (self, args) => {
            trace.push(`> ${label}`);
            const result = next(self, args);
            if (!(result instanceof Promise)) {
              trace.push(`< ${label}`);
              return result;
            }
            return result.finally(() => trace.push(`< ${label}`));
          };
        },
      },
    ],
  });
}

/** A decorator that only promise-returning methods can carry; runs the method once, after a turn. */
export function asyncOnly(name = "deferred") {
  return createMethodDecorator({
    name,
    schema: { type: "object" },
    parts: [
      {
        at: "retry",
        around: (next) => async (self, args) => {
          await Promise.resolve();
          return next(self, args);
        },
      },
    ],
  });
}

/** A decorator that asks for context, and lets its test see the bindings. */
export function contextual(name = "contextual") {
  return createMethodDecorator({
    name,
    schema: { type: "object" },
    serves: { streams: true },
    context: true,
    parts: [{ at: "retry", around: (next) => async (self, args) => next(self, args) }],
  });
}

const beginnings = new WeakMap<Trace, object>();

/**
 * Begins a trace anew. Calls that began before are no longer noted: what nobody iterates ends when
 * it is collected, in the middle of any other test.
 */
export function beginAnew(trace: Trace): Trace {
  beginnings.set(trace, {});
  trace.length = 0;
  return trace;
}

/** A decorator that notes the beginning and the end of every call. */
export function observing(name: string, trace: Trace) {
  return createMethodDecorator({
    name,
    schema: { type: "object" },
    serves: { sync: true, streams: true },
    parts: [
      {
        observe: () => ({
          start(_self: unknown, args: unknown[]) {
            trace.push(`start ${args.join(",")}`);
            return { given: args.join(","), since: beginnings.get(trace) };
          },
          end({ given, since }: { given: string; since: object | undefined }, ok: boolean, outcome: unknown) {
            if (beginnings.get(trace) !== since) return;
            trace.push(
              `end ${given} ${ok ? "ok" : "failed"} ${outcome instanceof Error ? outcome.message : String(outcome)}`,
            );
          },
        }),
      },
    ],
  });
}

let count = 0;

/** A plugin of its own for the decorators of one test. */
export function pluginOf(...decorators: NonNullable<Plugin["decorators"]>): Plugin {
  return definePlugin({ name: `test-plugin-${++count}`, decorators });
}
