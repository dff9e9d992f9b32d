/**
 * The coverage matrix: a table of tasks and agents, whose cells say what became of their battles.
 *
 * It is one stop for the tabulator, and the arrow keys go from cell to cell. Only cells that have changed are drawn again.
 */
import type { Cell } from "../Frame.ts"
import { nameOf } from "./battleName.ts"
import { signs } from "./describeRow.ts"
import { byId, element, foreign, setAttribute } from "./dom.ts"
import { cellKey, type PageState } from "./PageState.ts"
import { write } from "./route.ts"
import { listed, many, score } from "./words.ts"

const results = ["passed", "partial", "failed", "unscored"] as const

export class MatrixView {
  readonly #matrix = byId("matrix")
  readonly #links = new Map<string, HTMLAnchorElement>()
  #before: PageState | undefined

  constructor() {
    this.#matrix.addEventListener("keydown", (event) => this.#move(event))
    this.#matrix.addEventListener("focusin", ({ target }) => {
      for (const each of this.#links.values()) if (each.tabIndex === 0) each.tabIndex = -1
      if (target instanceof HTMLAnchorElement) target.tabIndex = 0
    })
  }

  show(state: PageState): void {
    const before = this.#before
    this.#before = state
    const isNew = before === undefined || before.campaign !== state.campaign
    if (isNew) this.#make(state)
    if (!isNew && before.cells === state.cells) return
    for (const [key, cell] of state.cells) {
      if (isNew || before.cells.get(key) !== cell) this.#fill(cell, state)
    }
  }

  #make({ campaign, cells }: PageState): void {
    this.#links.clear()
    const heading = (text: string, scope: "col" | "row") => {
      const made = element("th", "", foreign(text))
      made.scope = scope
      made.title = text
      return made
    }
    const head = element(
      "tr",
      "",
      element("td", ""),
      ...campaign.agents.map((_, agent) => heading(nameOf(campaign.agents, agent), "col"))
    )
    const rows = campaign.tasks.map((_, task) =>
      element(
        "tr",
        "",
        heading(nameOf(campaign.tasks, task), "row"),
        ...campaign.agents.map((_, agent) => {
          const key = cellKey({ task, agent })
          if (!cells.has(key)) return element("td", "none", "")
          const made = element("a", "cell")
          made.href = write({ kind: "cell", task, agent })
          made.tabIndex = this.#links.size === 0 ? 0 : -1
          this.#links.set(key, made)
          return element("td", "", made)
        })
      )
    )
    const table = element(
      "table",
      "",
      element("caption", "unseen", "Battles by task and agent"),
      element("thead", "", head),
      element("tbody", "", ...rows)
    )
    this.#matrix.replaceChildren(table)
  }

  #fill(cell: Cell, { campaign }: PageState): void {
    const target = this.#links.get(cellKey(cell))
    if (target === undefined) return
    const waiting = Math.max(0, cell.pending - cell.active)
    target.replaceChildren(
      ...results.filter((result) => cell[result] > 0).map((result) =>
        element("span", `result ${result}`, `${signs[result]}${cell[result]}`)
      ),
      ...cell.active > 0 ? [element("span", "result active", `▸${cell.active}`)] : [],
      ...waiting > 0 ? [element("span", "result pending", `${signs.pending}${waiting}`)] : [],
      ...cell.stalls > 0 ? [element("span", "result stalls", `✕${cell.stalls}`)] : []
    )
    const words = listed([
      ...results.map((result) => cell[result] > 0 && `${cell[result]} ${result}`),
      cell.active > 0 && `${cell.active} in flight`,
      waiting > 0 && `${waiting} to come`,
      cell.stalls > 0 && many(cell.stalls, "stalled attempt"),
      cell.meanScore !== null && `mean score ${score(cell.meanScore)}`
    ])
    const name = `${nameOf(campaign.tasks, cell.task)} × ${nameOf(campaign.agents, cell.agent)}`
    setAttribute(target, "aria-label", `${name}: ${words}`)
    setAttribute(target, "title", `${name}: ${words}`)
  }

  #move(event: KeyboardEvent): void {
    const steps: Record<string, readonly [rows: number, columns: number]> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1]
    }
    const step = steps[event.key]
    const from = event.target instanceof Element ? event.target.closest("td") : null
    if (step === undefined || from === null || event.altKey || event.ctrlKey || event.metaKey) return
    const row = from.parentElement as HTMLTableRowElement
    const rows = Array.from(row.parentElement!.children) as Array<HTMLTableRowElement>
    const target = rows[rows.indexOf(row) + step[0]]?.cells[from.cellIndex + step[1]]?.querySelector("a")
    if (target === null || target === undefined) return
    event.preventDefault()
    target.focus()
  }
}
