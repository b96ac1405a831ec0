/**
 * The page at "/": the address says which view is shown.
 *
 * `app` is exported for whoever looks at the running page: tests, and a console with `import("/js/main.js")`.
 */

import { makeApp } from "./app.js";
import { match, pathOf } from "./router.js";
import { ROUTES } from "./routes.js";
import { missing } from "./views/missing.js";

export const app = await makeApp();

function show({ focus }) {
  const path = pathOf(location.hash);
  const found = match(ROUTES, path);
  if (found?.route.who === "signed-in" && !app.session.isOpen) {
    app.wanted.path = path;
    app.arrive("/login", app.language.t("login.first"), "plain", { replace: true });
    return;
  }
  app.stage.show(() => (found ? found.route.view(app, found.params) : missing(app)), { focus });
}

app.session.addEventListener("change", (/** @type {CustomEvent} */ { detail }) => {
  if (detail.kind !== "over" && detail.kind !== "followed") return;
  if (match(ROUTES, pathOf(location.hash))?.route.who !== "signed-in") return;
  app.wanted.path = pathOf(location.hash);
  app.arrive("/login", app.language.t("login.over"), "bad");
});
addEventListener("hashchange", () => {
  if (location.hash === "" || location.hash.startsWith("#/")) show({ focus: true });
});
show({ focus: false });
