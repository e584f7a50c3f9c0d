import { executionAsyncResource, type AsyncLocalStorage } from "node:async_hooks";
import type { CallNode } from "./call.js";
import { shared } from "./shared-state.js";

/**
 * What Node.js keeps the active node on: before version 24 the running asynchronous resource, in a
 * slot that its own `AsyncLocalStorage` has there. `undefined` where the storage has to be asked.
 *
 * The storage looks for that resource at each step, three times for a call. In a process that uses
 * a storage this is a tenth of what a decorated call costs.
 */
export type Place = Record<symbol, CallNode | undefined> | undefined;

type Slotted = AsyncLocalStorage<CallNode> & {
  readonly kResourceStore?: unknown;
  readonly enabled?: unknown;
};

const storage = shared.context as Slotted;
const slot = typeof storage.kResourceStore === "symbol" ? storage.kResourceStore : undefined;

/** The place of the running code. */
export function activePlace(): Place {
  // A storage that is not in use would not hand the slot on.
  return slot !== undefined && storage.enabled === true ? (executionAsyncResource() as Place) : undefined;
}

/** The node that is active in the running code, whose place this is. */
export function nodeAt(place: Place): CallNode | undefined {
  return place ? place[slot!] : storage.getStore();
}

/** The innermost node, or `undefined` where no context is kept. Costs two reads until context is first used. */
export function activeNode(): CallNode | undefined {
  return shared.contextInUse || shared.steps ? nodeAt(activePlace()) : undefined;
}

/**
 * Runs a step inside a node, as `shared.context.run` does.
 *
 * @param place of the running code
 * @param outside the node at that place, which is active again afterwards
 */
export function runInside(
  node: CallNode,
  place: Place,
  outside: CallNode | undefined,
  step: (self: unknown, args: unknown[], started: unknown, node: CallNode) => unknown,
  self: unknown,
  args: unknown[],
  started: unknown,
): unknown {
  activate(node, place);
  try {
    return step(self, args, started, node);
  } finally {
    activate(outside, place);
  }
}

function activate(node: CallNode | undefined, place: Place): void {
  if (place) place[slot!] = node;
  // Its type knows nothing of having no store.
  else storage.enterWith(node as CallNode);
}
