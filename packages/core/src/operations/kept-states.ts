import { isDeepStrictEqual } from "node:util";

interface Kept {
  readonly options: object;
  readonly state: unknown;
  readonly dispose: (() => void) | undefined;
}

/**
 * The state of advice, such as breakers: kept from one chain to the next while the options stay
 * equal. What a reload replaces is disposed of only when no call uses it any more, which the
 * kernel knows.
 */
export class KeptStates {
  #states = new Map<object, Map<string, Kept>>();
  #replaced: Kept[] = [];

  keep<State>(
    subject: object,
    name: string,
    options: object,
    create: () => State,
    dispose?: (state: State) => void,
  ): State {
    let states = this.#states.get(subject);
    if (!states) this.#states.set(subject, (states = new Map<string, Kept>()));
    const kept = states.get(name);
    if (kept && isDeepStrictEqual(kept.options, options)) return kept.state as State;
    if (kept) this.#replaced.push(kept);
    const state = create();
    states.set(name, { options, state, dispose: dispose && (() => dispose(state)) });
    return state;
  }

  /** Hands over what has been replaced so far, to be disposed of by the caller. */
  takeReplaced(): Array<() => void> {
    const replaced = this.#replaced;
    this.#replaced = [];
    return disposers(replaced);
  }

  /** Hands over everything. */
  takeAll(): Array<() => void> {
    const all = [...this.#states.values()].flatMap((states) => [...states.values()]);
    this.#states = new Map();
    return [...this.takeReplaced(), ...disposers(all)];
  }
}

function disposers(kept: readonly Kept[]): Array<() => void> {
  return kept.flatMap(({ dispose }) => (dispose ? [dispose] : []));
}
