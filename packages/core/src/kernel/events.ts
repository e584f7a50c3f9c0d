import { channel, type Channel } from "node:diagnostics_channel";

/**
 * What happens inside calls and kernels, by name. Published on the diagnostics channels
 * `mlmcp:<name>`, where any monitor can read it. A plugin adds its own:
 *
 * ```ts
 * declare module "@mlmcp/core" {
 *   interface MlmcpEvents {
 *     "audit:written": { readonly bytes: number };
 *   }
 * }
 * ```
 */
export interface MlmcpEvents {
  /** A part of an advice failed where failing must not reach the caller. */
  "advice:failed": { readonly advice: string; readonly error: unknown };
  /** Another configuration has taken effect. */
  "kernel:reloaded": { readonly by: ChangeCause; readonly file: string | undefined };
  /** A reload was refused: the configuration is what it was. */
  "kernel:reload-failed": { readonly by: ChangeCause; readonly error: unknown };
}

/** What changes the configuration: `kernel.reload()`, `config.set()`, a changed file, or the signal. */
export type ChangeCause = "reload" | "set" | "watch" | "SIGHUP";

export type EventName = keyof MlmcpEvents & string;

/** Who published: every event carries the kernel's id and, inside a call, the operation's. */
export interface EventOrigin {
  readonly kernel: string;
  readonly operation?: string;
}

export type PublishedEvent<Name extends EventName> = EventOrigin & MlmcpEvents[Name];

/** One kind of event, from one operation or one kernel. */
export class EventChannel<Name extends EventName> {
  readonly #channel: Channel;
  readonly #origin: EventOrigin;

  constructor(name: Name, origin: EventOrigin) {
    this.#channel = channelOf(name);
    this.#origin = origin;
  }

  /** Whether anybody listens. Ask before building a payload on a hot path. */
  get active(): boolean {
    return this.#channel.hasSubscribers;
  }

  publish(fields: MlmcpEvents[Name]): void {
    // Spreads that add properties to a first one take Node.js 20 some twenty times as long.
    if (this.#channel.hasSubscribers) this.#channel.publish(Object.assign({}, this.#origin, fields));
  }
}

/**
 * Listens to one kind of event in this process. Returns a function that ends it. Unlike a bare
 * subscriber of a diagnostics channel, a listener that throws ends in a process warning and not
 * in an uncaught exception.
 */
export function onEvent<Name extends EventName>(
  name: Name,
  listener: (event: PublishedEvent<Name>) => void,
): () => void {
  const subscriber = (message: unknown): void => {
    try {
      listener(message as PublishedEvent<Name>);
    } catch (error) {
      process.emitWarning(`A listener of mlmcp:${name} failed: ${String(error)}`, {
        code: "MLMCP_LISTENER_FAILED",
      });
    }
  };
  const subject = channelOf(name);
  subject.subscribe(subscriber);
  return () => void subject.unsubscribe(subscriber);
}

function channelOf(name: string): Channel {
  return channel(`mlmcp:${name}`);
}
