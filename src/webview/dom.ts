/** Building elements from texts, and bringing the page to a new picture without touching what stayed the same. */

import type { WebviewMessage } from '../shared/dashboard.ts';

type Child = Node | string | null;

/** An element with attributes and children. Strings become text nodes: markup in them is shown, never read. */
export function el<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, attributes: Readonly<Record<string, string>> = {}, ...children: readonly Child[]): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child): child is Node | string => child !== null && child !== ''));
  return element;
}

/** A real button, so that keyboard and screen reader have it; what it sends is read by main.ts. */
export function button(message: WebviewMessage, attributes: Readonly<Record<string, string>>, ...children: readonly Child[]): HTMLElement {
  return el('button', { type: 'button', 'data-message': JSON.stringify(message), ...attributes }, ...children);
}

/** An element of a drawing. Colours and widths come from the style sheet: inline styles are not allowed here. */
export function svg(tag: string, attributes: Readonly<Record<string, string | number>> = {}, ...children: readonly (Node | null)[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * Makes `live` look like `wanted` and keeps the nodes that are in both, so that focus, selection and scrolling survive a new
 * picture. Children with a `data-key` are matched by it, others by their place.
 */
export function patch(live: Element, wanted: Element): void {
  for (const { name } of [...live.attributes]) if (!wanted.hasAttribute(name)) live.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (live.getAttribute(name) !== value) live.setAttribute(name, value);
  const keys = new Set([...wanted.childNodes].map(keyOf));
  const keyed = new Map<string, ChildNode>();
  for (const child of [...live.childNodes]) {
    const key = keyOf(child);
    if (key === undefined) continue;
    if (keys.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let at = live.firstChild;
  for (const want of [...wanted.childNodes]) {
    const key = keyOf(want);
    const match = key === undefined ? (at !== null && alike(at, want) ? at : undefined) : keyed.get(key);
    if (match === undefined || !alike(match, want)) {
      live.insertBefore(want, at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else live.insertBefore(match, at);
    if (match instanceof Element && want instanceof Element) patch(match, want);
    else if (match.nodeValue !== want.nodeValue) match.nodeValue = want.nodeValue;
  }
  while (at !== null) {
    const next: ChildNode | null = at.nextSibling;
    at.remove();
    at = next;
  }
}

function keyOf(node: Node): string | undefined {
  return node instanceof HTMLElement ? node.dataset['key'] : undefined;
}

function alike(a: Node, b: Node): boolean {
  return a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}
