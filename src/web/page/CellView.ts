/**
 * The battles of one task and one agent: a short table that leads to each of them.
 */
import type { BattleList, BattleSummary } from "../BattlePage.ts"
import { nameOf } from "./battleName.ts"
import { resultWords, signs } from "./describeRow.ts"
import { byId, element, foreign, link, table } from "./dom.ts"
import { singleLine } from "./harmless.ts"
import { getJson } from "./http.ts"
import { cellKey, type PageState } from "./PageState.ts"

interface Named {
  readonly task: number
  readonly agent: number
}

export class CellView {
  readonly #root = byId("cell")
  readonly #heading = element("h2", "")
  readonly #list = element("div", "scrolled")
  #cell: Named | undefined
  /** What the frames said of the cell when it was last asked for. */
  #known: unknown

  constructor() {
    this.#heading.tabIndex = -1
    this.#root.append(element("p", "", link({ kind: "overview" }, "back", "← All battles")), this.#heading, this.#list)
  }

  open(cell: Named | undefined): void {
    if (cell?.task === this.#cell?.task && cell?.agent === this.#cell?.agent) return
    this.#cell = cell
    this.#known = undefined
    this.#list.replaceChildren()
  }

  focus(): void {
    this.#heading.focus()
  }

  /** Shows the state; asks again when the cell has changed. */
  show(state: PageState): void {
    const cell = this.#cell
    if (cell === undefined) return
    const known = state.cells.get(cellKey(cell)) ?? state.campaign
    if (known === this.#known) return
    this.#known = known
    this.#heading.replaceChildren(
      foreign(nameOf(state.campaign.tasks, cell.task)),
      " × ",
      foreign(nameOf(state.campaign.agents, cell.agent))
    )
    void getJson<BattleList>(`api/battles?task=${cell.task}&agent=${cell.agent}`).then((answer) => {
      if (this.#cell !== cell) return
      const focused = this.#list.contains(document.activeElement)
        ? (document.activeElement as HTMLAnchorElement).hash
        : undefined
      this.#list.replaceChildren(
        "problem" in answer
          ? element("p", "problem", singleLine(answer.problem))
          : table("Battles of this task and agent", ["Battle", "Result", "Attempts"], answer.found.battles.map(row))
      )
      if (focused !== undefined) {
        Array.from(this.#list.querySelectorAll("a")).find(({ hash }) => hash === focused)?.focus()
      }
    })
  }
}

const row = ({ attempts, battle, repetition, result, score }: BattleSummary) => [
  link({ kind: "battle", battle }, "battle-link", `Repetition ${repetition}`),
  element("span", `result ${result}`, `${signs[result]} ${resultWords(result, score)}`),
  String(attempts)
]
