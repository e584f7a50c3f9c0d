/**
 * Has a connection do something with each entry that it sets, in the same statement and so in the
 * same transaction.
 *
 * @param statements about the entry, which is `NEW`; its `fence` is 0 where it is set by hand
 */
export function atSets(statements: readonly string[]): string {
  return ["INSERT", "UPDATE"]
    .map(
      (event) => `CREATE TEMP TRIGGER at_${event} AFTER ${event} ON main.entries
        BEGIN ${statements.map((statement) => `${statement};`).join(" ")} END;`,
    )
    .join("\n");
}
