import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configReference } from "./lib/config-reference.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
writeFileSync(new URL("../docs/reference/settings.md", import.meta.url), configReference(root));
