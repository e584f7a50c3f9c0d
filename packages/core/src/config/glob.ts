/** Whether a text is what a glob describes, in which `*` stands for any characters, also none. */
export function matchesGlob(glob: string, text: string): boolean {
  const [first, ...rest] = glob.split("*") as [string, ...string[]];
  const last = rest.pop();
  if (last === undefined) return glob === text;
  if (!text.startsWith(first)) return false;
  // The leftmost place is enough for each part: it leaves the most for the others. A regular
  // expression would try them all, which takes exponentially long.
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/**
 * Sorts the less specific glob first: any glob before a text without `*`, then the one with fewer
 * characters that stand for themselves, then the one with more stars.
 */
export function compareGlobs(a: string, b: string): number {
  const [starsA, starsB] = [countStars(a), countStars(b)];
  return (
    Number(starsA === 0) - Number(starsB === 0) || a.length - starsA - (b.length - starsB) || starsB - starsA
  );
}

function countStars(glob: string): number {
  return glob.split("*").length - 1;
}
