export { NativeBindingError } from "./stores/sqlite/binding.js";
export { SqliteAdapter } from "./stores/sqlite/sqlite-adapter.js";
export { SqliteStore, type SqliteOptions } from "./stores/sqlite/sqlite-store.js";
