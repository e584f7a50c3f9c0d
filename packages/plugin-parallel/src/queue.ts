/** A place in a {@link Queue}; whoever holds it can leave the queue early. */
export interface Place<T> {
  readonly value: T;
}

interface Node<T> extends Place<T> {
  previous: Node<T> | undefined;
  next: Node<T> | undefined;
  queued: boolean;
}

/**
 * First in, first out, with constant-time removal from the middle. An array's `shift` moves all
 * that wait behind it: with 200 000 waiting tasks that alone was 116 µs a task.
 */
export class Queue<T> {
  #first: Node<T> | undefined;
  #last: Node<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The one whose turn is next. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  push(value: T): Place<T> {
    const node: Node<T> = { value, previous: this.#last, next: undefined, queued: true };
    if (this.#last) this.#last.next = node;
    else this.#first = node;
    this.#last = node;
    this.#size += 1;
    return node;
  }

  shift(): T | undefined {
    const node = this.#first;
    if (node) this.remove(node);
    return node?.value;
  }

  /** Whether the place was still waiting. */
  remove(place: Place<T>): boolean {
    const node = place as Node<T>;
    if (!node.queued) return false;
    node.queued = false;
    if (node.previous) node.previous.next = node.next;
    else this.#first = node.next;
    if (node.next) node.next.previous = node.previous;
    else this.#last = node.previous;
    node.previous = node.next = undefined;
    this.#size -= 1;
    return true;
  }
}
