/**
 * Elements: how this page makes its DOM.
 *
 * Text becomes text nodes, never markup: whatever a server, a provider or a person wrote cannot become an element.
 * The page's policy (CSP) forbids style attributes, so that looks are said by classes only.
 *
 * This file knows the DOM; it knows nothing of what is shown.
 */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node|string|number|null|undefined|false|Child[]} Child */

/**
 * Return an HTML element.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]  true and false set or leave out; `on` holds listeners by event; `prop`
 *                                            holds properties, for values that live in no attribute
 * @param {...Child} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/**
 * Return an SVG element.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {any}
 */
export function s(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/** Return a decoration: an SVG that says nothing to who cannot see it. */
export function ornament(viewBox, className, ...children) {
  return s("svg", { viewBox, class: className, "aria-hidden": "true", focusable: "false" }, ...children);
}

function build(element, { on = {}, prop = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  Object.assign(element, prop);
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  append(element, children);
  return element;
}

/** Append children, however deeply they are nested in lists. */
export function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Replace all that is in an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}
