import { endsOf } from "./held.js";
import type { Owner, Timing } from "./plan.js";
import type { Tiers } from "./tiers.js";
import type { Snapshot } from "../values/snapshot.js";

/** How a value is kept that was not made by a plan. */
export interface SetPlan {
  readonly owner: Owner;
  readonly timing: Pick<Timing, "ttl" | "ttlJitter" | "grace" | "refreshAfter">;
  /** @default true */
  readonly isolate?: boolean;
  readonly space?: string;
  /** As {@link Plan.inMemoryOnly}. @default false */
  readonly inMemoryOnly?: boolean;
  readonly tags?: readonly string[];
}

/**
 * Keeps a value. Answers whether every tier has it.
 *
 * @param forget gives up what is under way for the key
 */
export async function put(
  tiers: Tiers,
  text: string,
  snapshot: Snapshot,
  plan: SetPlan,
  forget: () => void,
): Promise<boolean> {
  const { owner, timing, space, isolate = true, tags = [], inMemoryOnly = false } = plan;
  forget();
  const { tags: versions, behind } = tiers;
  const learning = versions.learn(versions.namesAt(owner.operation, tags), Date.now());
  if (learning) await learning.then(forget);
  const key = inMemoryOnly ? undefined : behind.keyOf(text);
  const call = versions.atCall(owner.operation, tags, key);
  const entry = {
    operation: owner.operation,
    created: Date.now(),
    ...endsOf(timing.ttl, timing),
    cost: 0,
    versions: call.versions,
    snapshot,
  };
  return await tiers.keep(text, entry, call, { owner, timing, isolate, inMemoryOnly, space });
}
