import { openRcDocument, untilSaved } from "../../../src/config/writing/rc-document.js";

/** Sets keys of its own, one after another, each in an edit of its own. */
const [, , file = "", name = "", count = ""] = process.argv;
for (let turn = 0; turn < Number(count); turn++) {
  await untilSaved(async () => {
    const document = await openRcDocument(file);
    document.set([name, `key${turn}`], turn);
    await document.save();
  });
}
