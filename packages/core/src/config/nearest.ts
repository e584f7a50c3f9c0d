import { distance } from "fastest-levenshtein";

/**
 * The candidate that a mistyped word most likely meant, or nothing where none is close: two
 * letters exchanged, or three in ten wrong. Upper and lower case, `-` and `_` do not count.
 *
 * @param most how many letters may be wrong, in place of that
 */
export function nearest(word: string, candidates: Iterable<string>, most?: number): string | undefined {
  const typed = plain(word);
  let best: string | undefined;
  let least = (most ?? Math.max(typed.length > 3 ? 2 : 1, Math.floor(typed.length * 0.3))) + 1;
  for (const candidate of candidates) {
    const wrong = distance(typed, plain(candidate));
    if (wrong < least) [best, least] = [candidate, wrong];
  }
  return best;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}
