/** How many there are of something, in words: `1 entry`, `3 entries`. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function countedEntries(count: number): string {
  return counted(count, "entry", "entries");
}
