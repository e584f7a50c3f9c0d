/** What a {@link RecencyList} links. A node is in one list at a time, or in none. */
export interface Linked<Node> {
  older: Node | undefined;
  newer: Node | undefined;
  /** Of the value that it stands for. */
  bytes: number;
}

/** Nodes in the order of their last use. */
export class RecencyList<Node extends Linked<Node>> {
  oldest: Node | undefined;
  #newest: Node | undefined;
  size = 0;
  bytes = 0;

  /** Adds a node as the newest. */
  add(node: Node): void {
    node.older = this.#newest;
    if (this.#newest) this.#newest.newer = node;
    else this.oldest = node;
    this.#newest = node;
    this.size++;
    this.bytes += node.bytes;
  }

  remove(node: Node): void {
    this.#unlink(node);
    this.size--;
    this.bytes -= node.bytes;
  }

  /** Makes a node the newest. */
  touch(node: Node): void {
    if (node === this.#newest) return;
    this.#unlink(node);
    node.older = this.#newest;
    this.#newest!.newer = node;
    this.#newest = node;
  }

  #unlink(node: Node): void {
    if (node.older) node.older.newer = node.newer;
    else this.oldest = node.newer;
    if (node.newer) node.newer.older = node.older;
    else this.#newest = node.older;
    node.older = node.newer = undefined;
  }
}
