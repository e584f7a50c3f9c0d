import type { Case } from "../harness/case.js";
import { ADAPTER, REFERENCE, sqliteContenders } from "./support/sqlite.js";
import { getOne } from "./support/stored.js";

const sqliteGet: Case = {
  name: "sqlite-get",
  question:
    "What does getting a value in a SQLite file cost, one after another? Small objects, never the same twice; 1,024 keys in turn.",
  reference: REFERENCE,
  contenders: sqliteContenders(async (subject, calls) => {
    let last: unknown;
    for (let i = 0; i < calls; i += 1) last = await getOne(subject, i);
    return last;
  }),
  budgets: [{ contender: ADAPTER, over: REFERENCE, ratio: 1 / 1.5 }],
  waits: true,
};

export default sqliteGet;
