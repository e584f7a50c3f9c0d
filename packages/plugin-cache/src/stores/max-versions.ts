/**
 * Tags whose versions a store keeps; above that everything gets another version, and they begin
 * anew. None is ever deleted alone: entries from before an invalidation may be anywhere, such as in
 * the memory of another machine, and without the version that made them outdated they would seem
 * valid again.
 */
export const maxVersions = 100_000;
