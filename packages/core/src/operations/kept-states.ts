import { isDeepStrictEqual } from "node:util";

interface Kept {
  readonly options: object;
  readonly state: unknown;
}

type Dispose = () => void;

/** What one operation leaves to dispose of, by the name of the state. */
type Disposers = Map<string, Dispose>;

interface Subject {
  readonly states: Map<string, Kept>;
  readonly disposers: Disposers;
}

/**
 * The state of advice, such as breakers: kept from one chain to the next while the options stay
 * equal. What a reload replaces is disposed of only when no call uses it any more, which the
 * kernel knows.
 *
 * An operation that is collected, as those of classes made on the fly are, takes its state with
 * it. What disposes of a state is held until then; where that refers to the operation, it and
 * the operation stay until the kernel stops.
 */
export class KeptStates {
  #subjects = new WeakMap<object, Subject>();
  readonly #live = new Set<Disposers>();
  readonly #collected = new FinalizationRegistry<Disposers>((disposers) => {
    this.#live.delete(disposers);
    this.#onCollected([...disposers.values()]);
  });
  readonly #onCollected: (disposers: Dispose[]) => void;
  #replaced: Dispose[] = [];

  /** `onCollected` is given what disposes of the state of an operation that is no more. */
  constructor(onCollected: (disposers: Dispose[]) => void) {
    this.#onCollected = onCollected;
  }

  keep<State>(
    operation: object,
    name: string,
    options: object,
    create: () => State,
    dispose?: (state: State) => void,
  ): State {
    const { states, disposers } = this.#of(operation);
    const kept = states.get(name);
    if (kept && isDeepStrictEqual(kept.options, options)) return kept.state as State;
    const state = create();
    const replaced = disposers.get(name);
    if (replaced) this.#replaced.push(replaced);
    states.set(name, { options, state });
    if (dispose) {
      disposers.set(name, () => dispose(state));
      this.#live.add(disposers);
    } else disposers.delete(name);
    return state;
  }

  /** Forgets the state of an operation; hands over what disposes of it. */
  release(operation: object): Dispose[] {
    const { disposers } = this.#of(operation);
    this.#subjects.delete(operation);
    this.#collected.unregister(disposers);
    this.#live.delete(disposers);
    return [...disposers.values()];
  }

  /** Hands over what has been replaced so far, to be disposed of by the caller. */
  takeReplaced(): Dispose[] {
    const replaced = this.#replaced;
    this.#replaced = [];
    return replaced;
  }

  /** Hands over everything. */
  takeAll(): Dispose[] {
    const all = [...this.#live];
    for (const disposers of all) this.#collected.unregister(disposers);
    this.#live.clear();
    this.#subjects = new WeakMap();
    return [...this.takeReplaced(), ...all.flatMap((disposers) => [...disposers.values()])];
  }

  #of(operation: object): Subject {
    let subject = this.#subjects.get(operation);
    if (!subject) {
      this.#subjects.set(operation, (subject = { states: new Map(), disposers: new Map() }));
      this.#collected.register(operation, subject.disposers, subject.disposers);
    }
    return subject;
  }
}
