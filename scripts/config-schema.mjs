import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configSchemaText } from "./lib/config-schema.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
mkdirSync(`${root}schema`, { recursive: true });
writeFileSync(`${root}schema/mlmcp.schema.json`, await configSchemaText(root));
