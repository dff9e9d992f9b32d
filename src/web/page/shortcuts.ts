/**
 * The keys of the page. Everything that a key does can be done without one.
 *
 * Laws: a key with Ctrl, Alt or Meta stays the browser's, and so does one that is typed into a field; a shortcut is one
 * character, listed where the page lists them.
 */
import { byId, element } from "./dom.ts"

export interface Shortcut {
  readonly keys: ReadonlyArray<string>
  /** How the key is written, and what it does. */
  readonly shown: string
  readonly does: string
  readonly run: () => void
}

/** Listens to the keys, and lists them in the page's dialog, which `?` and its button open. */
export const listen = (shortcuts: ReadonlyArray<Shortcut>): void => {
  const dialog = byId("shortcuts") as HTMLDialogElement
  const all: ReadonlyArray<Shortcut> = [
    ...shortcuts,
    { keys: ["?"], shown: "?", does: "this list", run: () => dialog.showModal() }
  ]
  byId("shortcuts-list").append(
    element(
      "dl",
      "keys",
      ...all.map(({ does, shown }) =>
        element("div", "", element("dt", "", element("kbd", "", shown)), element("dd", "", does))
      ),
      element(
        "div",
        "",
        element("dt", "", element("kbd", "", "← ↑ ↓ →")),
        element("dd", "", "from cell to cell in the matrix, from line to line in the strips")
      )
    )
  )
  byId("shortcuts-button").addEventListener("click", () => dialog.showModal())
  byId("shortcuts-close").addEventListener("click", () => dialog.close())
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || dialog.open) return
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return
    const shortcut = all.find(({ keys }) => keys.includes(event.key))
    if (shortcut === undefined) return
    event.preventDefault()
    shortcut.run()
  })
}
