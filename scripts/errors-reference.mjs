import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errorsReference } from "./lib/errors-reference.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
writeFileSync(new URL("../docs/reference/errors.md", import.meta.url), errorsReference(root));
