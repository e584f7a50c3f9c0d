import type { Case } from "../harness/case.js";
import { ADAPTER, setOne, REFERENCE, sqliteContenders } from "./support/sqlite.js";

const sqliteSet: Case = {
  name: "sqlite-set",
  question:
    "What does setting a value in a SQLite file cost, one after another? Small objects, never the same twice; 1,024 keys in turn.",
  reference: REFERENCE,
  contenders: sqliteContenders(async (subject, calls) => {
    let last: unknown;
    for (let i = 0; i < calls; i += 1) last = await setOne(subject, i);
    return last;
  }),
  budgets: [{ contender: ADAPTER, over: REFERENCE, ratio: 1 / 10 }],
  waits: true,
};

export default sqliteSet;
