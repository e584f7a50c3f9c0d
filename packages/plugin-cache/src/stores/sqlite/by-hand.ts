/**
 * Has a connection do something with each entry that it sets by hand, in the same statement and so
 * in the same transaction.
 *
 * @param statements about the entry, which is `NEW`
 */
export function atSetsByHand(statements: readonly string[]): string {
  return ["INSERT", "UPDATE"]
    .map(
      (event) => `CREATE TEMP TRIGGER by_hand_${event} AFTER ${event} ON main.entries WHEN NEW.fence = 0
        BEGIN ${statements.map((statement) => `${statement};`).join(" ")} END;`,
    )
    .join("\n");
}
