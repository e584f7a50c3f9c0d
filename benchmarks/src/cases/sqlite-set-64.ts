import type { Case } from "../harness/case.js";
import { setOne, REFERENCE, sqliteContenders } from "./support/sqlite.js";

const sqliteSet64: Case = {
  name: "sqlite-set-64",
  question:
    "What do 64 at once cost, setting values in a SQLite file? Small objects, never the same twice; 1,024 keys in turn. A call is all 64.",
  reference: REFERENCE,
  contenders: sqliteContenders(async (subject, calls) => {
    let last: unknown;
    for (let i = 0; i < calls; i += 1)
      last = await Promise.all(Array.from({ length: 64 }, (_, at) => setOne(subject, i * 64 + at)));
    return last;
  }),
  waits: true,
};

export default sqliteSet64;
