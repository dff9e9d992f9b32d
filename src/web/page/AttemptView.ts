/**
 * One attempt on a battle's page: what came of it, what proved it, when its tokens came, and what it said.
 *
 * It is updated in place while it is in flight, so that whoever reads its text is not interrupted.
 */
import type { AttemptPage } from "../BattlePage.ts"
import type { Sample, Stall } from "../Frame.ts"
import { moment } from "./describeCampaign.ts"
import { stallWords } from "./describeStall.ts"
import { element, facts, foreign, setText, table } from "./dom.ts"
import { singleLine } from "./harmless.ts"
import { timelineView } from "./TimelineView.ts"
import { TranscriptView } from "./TranscriptView.ts"
import { count, duration, listed, percent, rate, unknown } from "./words.ts"

const basisWords: Record<AttemptPage["tokenBasis"], string> = {
  deltas: "as they came",
  usage: "by the engine's usage report",
  pieces: "pieces of text; the agent tells no tokens"
}

export class AttemptView {
  readonly root: HTMLElement
  readonly #heading: HTMLElement
  readonly #known = element("div", "known")
  readonly #content: TranscriptView
  readonly #reasoning: TranscriptView
  readonly #reasoningFold: HTMLDetailsElement
  readonly #silence = element("p", "dim", "No text came.")

  constructor(battle: number, attempt: number) {
    const path = `api/battles/${battle}/attempts/${attempt}`
    this.#heading = element("h3", "", `Attempt ${attempt}`)
    this.#heading.id = `attempt-${attempt}`
    this.#content = new TranscriptView(`${path}/content`, `Content of attempt ${attempt}`)
    this.#reasoning = new TranscriptView(`${path}/reasoning`, `Reasoning of attempt ${attempt}`)
    this.#reasoningFold = element("details", "", element("summary", "", "Reasoning"), this.#reasoning.root)
    this.#reasoningFold.open = true
    this.root = element(
      "section",
      "attempt",
      this.#heading,
      this.#known,
      element("h4", "", "Transcript"),
      this.#silence,
      this.#reasoningFold,
      this.#content.root
    )
    this.root.setAttribute("aria-labelledby", this.#heading.id)
  }

  update(page: AttemptPage): void {
    const ended = page.verdict ?? `in flight, ${page.phase ?? "nothing told yet"}`
    setText(
      this.#heading,
      `Attempt ${page.attempt}: ${
        listed([
          ended,
          page.counted && "counts",
          page.superseded && "came too late, of no effect",
          page.verdict !== null && !page.charged && "not charged"
        ])
      }`
    )
    this.#known.replaceChildren(
      ...page.error === null || page.stall !== null
        ? []
        : [element("p", "error", foreign(singleLine(page.error, 1_000)))],
      ...page.stall === null ? [] : [evidence(page.stall)],
      attemptFacts(page),
      element("h4", "", "Token timeline"),
      timelineView(page)
    )
    this.#reasoning.update(page.reasoning)
    this.#content.update(page.content)
    this.#reasoningFold.hidden = page.reasoning.total === 0
    this.#silence.hidden = page.reasoning.total + page.content.total > 0
  }
}

const known = <A>(value: A | null, words: (value: A) => string): string => value === null ? unknown : words(value)

const attemptFacts = (page: AttemptPage): HTMLElement =>
  facts([
    ["began", moment(page.startedAt)],
    [page.verdict === null ? "so far" : "took", duration(page.durationMillis)],
    ["tokens", `${count(page.tokens)} (${basisWords[page.tokenBasis]})`],
    ["prompt tokens", known(page.promptTokens, count)],
    ["first token after", known(page.timeToFirstTokenMillis, duration)],
    ["tokens/s", known(page.tokensPerSecond, rate)],
    ["finish reason", known(page.finishReason, (reason) => singleLine(reason, 60))],
    ["followed by", singleLine(page.mode, 40)],
    ["graded in", known(page.verdict === "completed" ? page.grading : null, (grading) => singleLine(grading, 160))],
    [
      "engine",
      known(page.engine, ({ models, startedAt }) =>
        `${singleLine(models, 160)}${startedAt === null ? "" : `, running since ${moment(startedAt)}`}`)
    ]
  ])

/** What proved a stall: the words, what decided, and the last looks at the engine. */
const evidence = (stall: Stall): HTMLElement =>
  element(
    "div",
    "evidence",
    element(
      "p",
      "item-head",
      element("strong", "kind", `✕ ${singleLine(stall.kind, 40)}`),
      " ",
      element("span", `confidence ${stall.confidence}`, stall.confidence)
    ),
    element("p", "", stallWords(stall)),
    element("p", "proof", singleLine(stall.proof, 600)),
    facts([
      ["decided by", singleLine(stall.decidedBy, 60)],
      ["limit", `${singleLine(stall.limit.name, 40)}: ${singleLine(stall.limit.words, 160)}`],
      ["metrics are of its engine", singleLine(stall.binding, 40)],
      ["engine stood still for", known(stall.frozenMillis, duration)],
      ["request dropped", stall.cancel]
    ]),
    stall.samples.length > 0 && element("div", "scrolled", samples(stall.samples))
  )

const samples = (all: ReadonlyArray<Sample>): HTMLElement =>
  table(
    "The last looks at the engine's metrics",
    ["at", "answer", "running", "waiting", "KV cache", "tokens generated"],
    all.map((sample) => [
      duration(sample.atMillis),
      sample.outcome,
      known(sample.running, count),
      known(sample.waiting, count),
      known(sample.kvCacheUsage, percent),
      known(sample.generationTokens, String)
    ])
  )
