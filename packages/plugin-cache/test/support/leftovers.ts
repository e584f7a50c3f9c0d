/** What is open now, and was not when {@link before} was taken: sockets, timers, files. */
export async function openSince(before: readonly string[]): Promise<string[]> {
  // What has been destroyed is closed in the next turns.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  const known = [...before];
  return process.getActiveResourcesInfo().filter((resource) => {
    const index = known.indexOf(resource);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}
