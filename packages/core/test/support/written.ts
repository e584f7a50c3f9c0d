/** Writes a decorator on a method: there its options are checked. */
export function written(decorator: any): unknown {
  class Written {
    @decorator
    async method(): Promise<void> {}
  }
  return Written;
}
