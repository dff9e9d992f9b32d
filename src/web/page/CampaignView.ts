/**
 * The head of the overview: what the campaign is, its bar, its counts, what is left, and what keeps battles from starting.
 */
import type { Gate, Lane, Totals } from "../Frame.ts"
import {
  describeCounts,
  describeEstimate,
  describeGate,
  describeLoad,
  describeRun,
  gateWord
} from "./describeCampaign.ts"
import { signs } from "./describeRow.ts"
import { byId, element, foreign, setAttribute, setText, syncChildren } from "./dom.ts"
import { singleLine } from "./harmless.ts"
import { type PageState, planned } from "./PageState.ts"
import { clockTime, many } from "./words.ts"

const parts = ["passed", "partial", "failed", "unscored", "active"] as const

export class CampaignView {
  readonly #name = byId("campaign-name").firstElementChild!
  readonly #what = byId("campaign-what")
  readonly #state = byId("campaign-state")
  readonly #counts = byId("counts")
  readonly #results = byId("results")
  readonly #estimate = byId("estimate")
  readonly #gates = byId("gates")
  readonly #engines = byId("engines")
  readonly #bar = parts.map((part) => {
    const made = element("span", `part ${part}`)
    byId("bar").append(made)
    return made
  })
  #before: PageState | undefined

  /** Shows the state at `now`. */
  show(state: PageState, now: number): void {
    const before = this.#before
    this.#before = state
    if (before?.campaign !== state.campaign) this.#showWhat(state)
    if (before?.totals !== state.totals) this.#showTotals(state.totals)
    setText(this.#state, describeRun(state.run))
    setAttribute(this.#state, "data-run", state.run.run)
    setText(
      this.#estimate,
      describeEstimate(state.totals, state.run.run) + sinceWords(state, now)
    )
    this.#showGates([...state.lanes.flatMap(({ gate }) => gate ?? []), ...state.breakers], now)
    this.#showEngines(state, now)
  }

  #showWhat({ campaign }: PageState): void {
    const name = singleLine(campaign.file, 120)
    setText(this.#name, name)
    document.title = `${name} · campaign`
    setText(
      this.#what,
      `${many(campaign.tasks.length, "task")} × ${many(campaign.agents.length, "agent")} × ${
        many(campaign.repetitions, "repetition")
      }, at most ${campaign.atOnce} at once, stall policy ${campaign.stallPolicy}`
    )
  }

  #showTotals(totals: Totals): void {
    const all = Math.max(1, planned(totals))
    parts.forEach((part, index) => {
      this.#bar[index]!.style.flexGrow = String(totals[part] / all)
    })
    const rest = Math.max(0, totals.pending - totals.active) / all
    byId("bar").style.setProperty("--rest", String(rest))
    setText(this.#counts, describeCounts(totals))
    this.#results.replaceChildren(
      ...(["passed", "partial", "failed", "unscored"] as const).map((result) =>
        element("span", `result ${result}`, `${signs[result]} ${totals[result]} ${result}`)
      )
    )
  }

  #showGates(gates: ReadonlyArray<Gate>, now: number): void {
    const texts = gates.map((gate) => describeGate(gate, now))
    while (this.#gates.children.length > texts.length) this.#gates.lastElementChild!.remove()
    texts.forEach((text, index) => {
      if (this.#gates.children[index] === undefined) this.#gates.append(element("p", "gate"))
      setText(this.#gates.children[index]!, `⚠ ${text}`)
    })
  }

  #showEngines({ lanes, run }: PageState, now: number): void {
    const isOver = run.endedAtMillis !== null
    // A panel with other figures than before is another one.
    const engines = lanes.map((lane) => ({ lane, figures: describeLoad(lane, now, isOver) }))
    syncChildren(
      this.#engines,
      engines,
      ({ figures, lane }) => [lane.name, ...figures.map(([name]) => name)].join("\n"),
      ({ figures, lane }) => makeEngine(lane, figures.map(([name]) => name))
    )
    engines.forEach(({ figures, lane }, index) => {
      const panel = this.#engines.children[index]!
      const gate = panel.querySelector(".gate-state")!
      setText(gate, isOver ? "" : gateWord(lane))
      setAttribute(gate, "data-gate", lane.halted !== null ? "halted" : lane.gate?.state ?? "closed")
      setText(panel.querySelector(".halted")!, lane.halted === null ? "" : singleLine(lane.halted, 200))
      panel.querySelectorAll("dd").forEach((value, place) => setText(value, figures[place]![1]))
      const used = panel.querySelector<HTMLElement>(".kv-used")
      if (used !== null) used.style.transform = `scaleX(${Math.min(1, Math.max(0, lane.load?.kvCacheUsage ?? 0))})`
    })
  }
}

const sinceWords = ({ run }: PageState, now: number): string => {
  const millis = run.endedAtMillis ?? now
  return millis <= 0 ? "" : `${run.endedAtMillis === null ? " · so far " : " · took "}${clockTime(millis)}`
}

/** Figures that need a line of their own. */
const wide = new Set(["model", "since"])

const makeEngine = ({ engine, name }: Lane, names: ReadonlyArray<string>): HTMLElement => {
  const figures = names.map((name): HTMLElement => {
    const figure = element("div", wide.has(name) ? "wide" : "", element("dt", "", name), element("dd"))
    if (name === "KV cache") {
      const bar = element("div", "kv", element("span", "kv-used"))
      bar.setAttribute("aria-hidden", "true")
      figure.className = "kv-fact"
      figure.append(bar)
    }
    return figure
  })
  return element(
    "article",
    "engine",
    element("div", "engine-head", element("h3", "", foreign(singleLine(name, 80))), element("span", "gate-state")),
    engine !== null && !name.includes(engine) && element("p", "address dim", singleLine(engine, 120)),
    element("dl", "facts", ...figures),
    element("p", "halted")
  )
}
