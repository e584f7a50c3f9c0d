/** All cases by name. Each is loaded where it runs, so that no case pays for the plugins of another. */
export const cases = {
  "dispatch-async": () => import("./dispatch-async.js"),
  "dispatch-sync": () => import("./dispatch-sync.js"),
  timed: () => import("./timed.js"),
  retry: () => import("./retry.js"),
  degrade: () => import("./degrade.js"),
  timeout: () => import("./timeout.js"),
  cached: () => import("./cached.js"),
  "sqlite-set": () => import("./sqlite-set.js"),
  "sqlite-set-64": () => import("./sqlite-set-64.js"),
  "sqlite-get": () => import("./sqlite-get.js"),
  "sqlite-get-64": () => import("./sqlite-get-64.js"),
  "redis-set": () => import("./redis-set.js"),
  "redis-get": () => import("./redis-get.js"),
  "redis-miss": () => import("./redis-miss.js"),
  start: () => import("./start.js"),
};
