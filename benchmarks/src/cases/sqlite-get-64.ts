import type { Case } from "../harness/case.js";
import { REFERENCE, sqliteContenders } from "./support/sqlite.js";
import { getOne } from "./support/stored.js";

const sqliteGet64: Case = {
  name: "sqlite-get-64",
  question:
    "What do 64 at once cost, getting values in a SQLite file? Small objects, never the same twice; 1,024 keys in turn. A call is all 64.",
  reference: REFERENCE,
  contenders: sqliteContenders(async (subject, calls) => {
    let last: unknown;
    for (let i = 0; i < calls; i += 1)
      last = await Promise.all(Array.from({ length: 64 }, (_, at) => getOne(subject, i * 64 + at)));
    return last;
  }),
  waits: true,
};

export default sqliteGet64;
