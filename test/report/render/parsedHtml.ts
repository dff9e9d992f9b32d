/** A report's HTML as a browser would read it, for tests: its elements and texts. */
import { parseHTML } from "linkedom"

export interface Element {
  readonly tagName: string
  readonly textContent: string
  readonly id: string
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>
  readonly getAttribute: (name: string) => string | null
  readonly querySelectorAll: (selector: string) => Iterable<Element>
  readonly querySelector: (selector: string) => Element | null
}

export const parsed = (html: string): Element => parseHTML(html).document.documentElement as unknown as Element

export const all = (root: Element, selector: string): ReadonlyArray<Element> =>
  Array.from(root.querySelectorAll(selector))
