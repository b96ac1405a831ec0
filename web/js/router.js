/**
 * Addresses within the page: the part behind "#", which browsers send nowhere.
 *
 *     /#/addresses/7   →   the route "/addresses/<id>" with {id: "7"}
 *
 * This file knows paths; what stands at them is in routes.js.
 */

/** @typedef {{path: string, view: Function, who: "anyone"|"signed-in"}} Route */
/** @typedef {{route: Route, params: Record<string, string>, path: string}} Match */

/** Return the address of a path, good from any document of this origin. */
export function to(path) {
  return `/#${path}`;
}

/** Return the path that a fragment stands for. */
export function pathOf(hash) {
  return hash.startsWith("#/") ? hash.slice(1) : "/";
}

/**
 * Return the route of a path with its parameters, or null.
 * @param {Route[]} routes
 * @param {string} path
 * @returns {Match|null}
 */
export function match(routes, path) {
  const parts = path.split("/");
  for (const route of routes) {
    const pattern = route.path.split("/");
    if (pattern.length !== parts.length) continue;
    const params = {};
    const fits = pattern.every((piece, at) => {
      const name = /^<(\w+)>$/.exec(piece)?.[1];
      if (!name) return piece === parts[at];
      params[name] = decoded(parts[at]);
      return params[name] !== "";
    });
    if (fits) return { route, params, path };
  }
  return null;
}

/** Go to a path; with *replace*, the present one is not kept for the way back. */
export function go(path, { replace = false } = {}) {
  if (replace) location.replace(to(path));
  else location.assign(to(path));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
