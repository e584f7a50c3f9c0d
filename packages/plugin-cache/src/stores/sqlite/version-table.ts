import { everything } from "../../tags/names.js";
import { tellOf, type Teller } from "./change-table.js";
import { rowsOf, valuesOf } from "./connection.js";
import type { Database } from "./database.js";
import type { Group } from "./job-queue.js";
import { inTransaction } from "./schema.js";

interface Version {
  readonly name: string;
  readonly version: string;
}

/** Versions of the tags of one space. */
export class VersionTable {
  readonly #database: Database;
  readonly #get: Group<string, string | undefined>;
  readonly #set: Group<Version, void>;

  constructor(database: Database, teller: Teller) {
    const { space } = teller;
    this.#database = database;
    this.#get = {
      async run(connection, names) {
        const rows = await connection.all(
          `SELECT name, version FROM versions WHERE space = ? AND name IN (${valuesOf(names.length)})`,
          [space, ...names],
        );
        const found = new Map(rows.map(({ name, version }) => [name as string, version as string]));
        return names.map((name) => found.get(name));
      },
    };
    this.#set = {
      async run(connection, versions) {
        await inTransaction(connection, async () => {
          await connection.all(
            `INSERT INTO versions (space, name, version) VALUES ${rowsOf(3, versions.length)}
              ON CONFLICT (space, name) DO UPDATE SET version = excluded.version`,
            versions.flatMap(({ name, version }) => [space, name, version]),
          );
          const changes = versions.map(({ name, version }) => ({ kind: "version", name, version }) as const);
          await tellOf(connection, teller, changes);
        });
        return [];
      },
    };
  }

  async get(name: string): Promise<string | undefined> {
    const version = await this.#database.read(this.#get, name);
    // The versions of an earlier file are lost: what memory holds from its time must not seem valid again.
    return version ?? (name === everything ? this.#database.born : undefined);
  }

  set(name: string, version: string): Promise<void> {
    return this.#database.write(this.#set, { name, version });
  }
}
