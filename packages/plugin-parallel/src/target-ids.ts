import type { Target } from "./protocol.js";

/** Numbers the targets of one pool, the same for targets that say the same. */
export class TargetIds {
  readonly #byTarget = new WeakMap<Target, number>();
  readonly #byContent = new Map<string, number>();

  idOf(target: Target): number {
    const known = this.#byTarget.get(target);
    if (known !== undefined) return known;
    const content = JSON.stringify(target);
    const id = this.#byContent.get(content) ?? this.#byContent.size;
    this.#byContent.set(content, id);
    this.#byTarget.set(target, id);
    return id;
  }
}
