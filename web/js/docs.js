/**
 * The page at "/docs/": the API's own description, in a viewer that can try it (Swagger UI, web/docs/swagger-ui).
 *
 * The viewer speaks English, and so does what it shows; what surrounds it, and the API's answers, speak the reader's
 * language.  No token is handed to it: who wants to try as somebody pastes one.
 *
 * This file knows the viewer's settings; what the API is, it reads like everybody else.
 */

import { fill, h } from "./dom.js";
import { LANGUAGES, Language } from "./language.js";
import { mark } from "./shell.js";

const language = new Language(localStorage, navigator.languages);
const header = h("header", { class: "top" });
const viewer = h("div", { id: "viewer" }); // it brings a main of its own
const dark = matchMedia("(prefers-color-scheme: dark)");

function write() {
  const { t } = language;
  const buttons = LANGUAGES.map(({ code, name }) =>
    h(
      "button",
      {
        type: "button",
        id: `language-${code}`,
        lang: code,
        "aria-pressed": String(code === language.code),
        on: { click: () => language.choose(code) },
      },
      name,
    ),
  );
  const focused = document.activeElement?.id;
  document.documentElement.lang = language.code;
  fill(
    header,
    h(
      "div",
      { class: "bar" },
      h("a", { href: "/#/", class: "brand" }, mark(), h("span", {}, t("brand")), h("small", {}, t("docs.title"))),
      h("p", { class: "told" }, t("docs.told")),
      h("div", { class: "languages", role: "group", "aria-label": t("languages") }, buttons),
    ),
  );
  if (focused) document.getElementById(focused)?.focus();
}

function paint() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

language.addEventListener("change", write);
dark.addEventListener("change", paint);
write();
paint();
document.body.append(header, viewer);

const { api } = await (await fetch("/config.json")).json();
window.SwaggerUIBundle({
  url: `${api}/openapi.json`,
  domNode: viewer,
  layout: "BaseLayout",
  presets: [window.SwaggerUIBundle.presets.apis],
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["Accept-Language"] ||= language.code;
    return request;
  },
});
