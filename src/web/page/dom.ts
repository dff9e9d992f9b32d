/**
 * The few things that the page does to its document, so that no other module can do more.
 *
 * Laws: text becomes text, never markup, and what is set to what it is already is not touched: a screen reader hears of
 * every change, and the browser lays out for each. Links are made of routes only.
 */
import { type Route, write } from "./route.ts"

type Child = Node | string | null | false

/** An element with a class and children. */
export const element = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  ...children: ReadonlyArray<Child>
): HTMLElementTagNameMap[Tag] => {
  const made = document.createElement(tag)
  if (className !== "") made.className = className
  made.append(...children.filter((child) => child !== null && child !== false))
  return made
}

/** Text of somebody else: its direction stays its own. */
export const foreign = (text: string, className = ""): HTMLElement => element("bdi", className, text)

/** A link to a place in the page. */
export const link = (route: Route, className: string, ...children: ReadonlyArray<Child>): HTMLAnchorElement => {
  const made = element("a", className, ...children)
  made.href = write(route)
  return made
}

/** An element with a role, for what is laid out as no table of HTML can be. */
export const withRole = <E extends HTMLElement>(role: string, made: E): E => {
  made.setAttribute("role", role)
  return made
}

/** Sets an element's text, unless it is that already. */
export const setText = (target: Element, text: string): void => {
  const only = target.firstChild
  if (only !== null && only === target.lastChild && only.nodeType === Node.TEXT_NODE) {
    if ((only as Text).data !== text) (only as Text).data = text
  } else if (text !== "" || only !== null) target.textContent = text
}

/** Says something in a live region: anew where it says the same as before, because only what comes is heard. */
export const announce = (region: Element, words: string): void => region.replaceChildren(element("p", "", words))

/** Sets an attribute, unless it is that already. */
export const setAttribute = (target: Element, name: string, value: string): void => {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value)
}

/** Hides an element, or shows it. */
export const setHidden = (target: HTMLElement, hidden: boolean): void => {
  if (target.hidden !== hidden) target.hidden = hidden
}

/** The element of the page that has this id. */
export const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no element ${id}`)
  return found
}

/** A list of names with what is known of each. */
export const facts = (entries: ReadonlyArray<readonly [name: string, value: Child]>): HTMLElement =>
  element(
    "dl",
    "facts",
    ...entries.map(([name, value]) => element("div", "", element("dt", "", name), element("dd", "", value)))
  )

/** A table with headings. */
export const table = (
  caption: string,
  headings: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<Child>>
): HTMLElement => {
  const head = element(
    "tr",
    "",
    ...headings.map((heading) => {
      const cell = element("th", "", heading)
      cell.scope = "col"
      return cell
    })
  )
  return element(
    "table",
    "figures",
    element("caption", "", caption),
    element("thead", "", head),
    element("tbody", "", ...rows.map((row) => element("tr", "", ...row.map((cell) => element("td", "", cell)))))
  )
}

/**
 * Makes the children of a list those with the keys, in their order: new ones are made, those that are gone are removed,
 * and the others stay, so that whoever is among them stays there, too; only one whose order has changed is moved.
 */
export const syncChildren = <Item>(
  list: HTMLElement,
  items: ReadonlyArray<Item>,
  keyOf: (item: Item) => string,
  make: (item: Item) => HTMLElement
): void => {
  const keys = items.map(keyOf)
  const wanted = new Set(keys)
  const children = () => Array.from(list.children as HTMLCollectionOf<HTMLElement>)
  for (const child of children()) if (!wanted.has(child.dataset.key ?? "")) child.remove()
  items.forEach((item, index) => {
    const key = keys[index]!
    const here = children()[index]
    if (here?.dataset.key === key) return
    const known = children().find((child, place) => place > index && child.dataset.key === key)
    const child = known ?? make(item)
    child.dataset.key = key
    list.insertBefore(child, here ?? null)
  })
  for (const child of children().slice(items.length)) child.remove()
}
