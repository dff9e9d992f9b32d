/**
 * The page of one battle: what it came to, its attempts with their evidence, timelines and transcripts.
 *
 * What the server tells of a battle is asked for again while the battle is not over, every two seconds and when the
 * frames say that something has become of it; it is put in place without disturbing who reads.
 */
import type { AttemptPage, BattlePage } from "../BattlePage.ts"
import { AttemptView } from "./AttemptView.ts"
import { fullName } from "./battleName.ts"
import { describeRow, limitWords, resultWords, signs } from "./describeRow.ts"
import { byId, element, foreign, link, setAttribute, setText } from "./dom.ts"
import { drawStrip } from "./drawStrip.ts"
import { singleLine, visible } from "./harmless.ts"
import { getJson } from "./http.ts"
import { cellKey, type Flight, type PageState } from "./PageState.ts"
import type { Palette } from "./palette.ts"
import { stripShape } from "./stripShape.ts"
import { count, listed, rate } from "./words.ts"

/** Between two questions while the battle is not over, in milliseconds. */
const AGAIN_MILLIS = 2_000
/** Height of the strip, in CSS pixels. */
const STRIP_HEIGHT = 48

export class BattleView {
  readonly #root = byId("battle")
  readonly #palette: () => Palette
  readonly #heading = element("h2", "")
  readonly #outcome = element("p", "outcome")
  readonly #live = element("p", "live")
  readonly #canvas = element("canvas", "live-strip")
  readonly #problem = element("p", "problem")
  readonly #what = element("div", "")
  readonly #attempts = element("div", "attempts")
  #views = new Map<number, AttemptView>()
  #battle: number | undefined
  #askedAt = -Infinity
  #isOver = false
  #isAsking = false
  #wasInFlight = false
  #shape = ""
  /** The cell of the battle, and what the frames said of it when it was last looked at. */
  #cell: string | undefined
  #known: unknown

  constructor(palette: () => Palette) {
    this.#palette = palette
    this.#heading.tabIndex = -1
    this.#canvas.setAttribute("aria-hidden", "true")
    this.#root.append(
      element("p", "", link({ kind: "overview" }, "back", "← All battles")),
      this.#heading,
      this.#outcome,
      this.#live,
      this.#canvas,
      this.#problem,
      this.#what,
      this.#attempts
    )
  }

  /** Shows another battle, or none. */
  open(battle: number | undefined): void {
    if (battle === this.#battle) return
    this.#battle = battle
    this.#askedAt = -Infinity
    this.#isOver = false
    this.#wasInFlight = false
    this.#cell = undefined
    this.#known = undefined
    this.#views = new Map()
    this.#attempts.replaceChildren()
    this.#what.replaceChildren()
    this.#shape = ""
    setText(this.#heading, battle === undefined ? "" : "Battle")
    for (const each of [this.#outcome, this.#live, this.#problem]) setText(each, "")
  }

  focus(): void {
    this.#heading.focus()
  }

  /** Shows what the frames say at `now`, and asks for more where it is time; `at` is the page's own clock. */
  show(state: PageState, now: number, at: number): void {
    const battle = this.#battle
    if (battle === undefined) return
    const place = state.places.find((each) => each?.flight.row.battle === battle && each.leftAtMillis === undefined)
    this.#showFlight(place?.flight, now)
    // A battle that was over may have been opened again, and one that was in flight is not any more.
    const isInFlight = place !== undefined
    const hasTurned = isInFlight !== this.#wasInFlight
    this.#wasInFlight = isInFlight
    // So may one that nobody runs: somebody wants it played again, or another file stands in the place of the store.
    const known = this.#cell === undefined ? undefined : state.cells.get(this.#cell)
    if (hasTurned || known !== this.#known) this.#isOver = false
    this.#known = known
    const isDue = !this.#isOver && at - this.#askedAt > AGAIN_MILLIS
    if ((hasTurned || isDue) && !this.#isAsking) this.#ask(battle, state, at)
  }

  #ask(battle: number, state: PageState, at: number): void {
    this.#isAsking = true
    this.#askedAt = at
    void getJson<BattlePage>(`api/battles/${battle}`).then((answer) => {
      this.#isAsking = false
      if (this.#battle !== battle) {
        this.#askedAt = -Infinity
        return
      }
      setText(this.#problem, "problem" in answer ? singleLine(answer.problem) : "")
      if ("found" in answer) this.#showPage(answer.found, state)
    })
  }

  #showPage(page: BattlePage, { campaign }: PageState): void {
    setText(this.#heading, fullName(campaign, page))
    setText(
      this.#outcome,
      `${signs[page.result]} ${listed([resultWords(page.result, page.score), singleLine(page.reason, 600)], ": ")}`
    )
    setAttribute(this.#outcome, "data-result", page.result)
    // Nothing comes any more where nothing is in flight and the battle has its outcome.
    this.#isOver = page.result !== "pending" && page.attempts.every(({ verdict }) => verdict !== null)
    this.#cell = cellKey(page)
    const shape = JSON.stringify([page.prompt, page.tests])
    if (shape !== this.#shape) {
      this.#shape = shape
      this.#what.replaceChildren(...asked(page))
    }
    for (const attempt of page.attempts) this.#attemptOf(page.battle, attempt).update(attempt)
  }

  #attemptOf(battle: number, { attempt }: AttemptPage): AttemptView {
    const known = this.#views.get(attempt)
    if (known !== undefined) return known
    const made = new AttemptView(battle, attempt)
    this.#views.set(attempt, made)
    // The newest first: it is the one that somebody came for.
    this.#attempts.prepend(made.root)
    return made
  }

  #showFlight(flight: Flight | undefined, now: number): void {
    this.#canvas.hidden = flight === undefined
    this.#live.hidden = flight === undefined
    if (flight === undefined) return
    const words = describeRow(flight.row, now)
    setText(
      this.#live,
      listed([
        words.phase,
        flight.row.waiting === null && `${count(flight.row.tokens)} tokens`,
        flight.row.rate !== null && `${rate(flight.row.rate)}/s`,
        words.quiet,
        words.quiet !== "" && limitWords(flight.row),
        words.why
      ], " · ")
    )
  }

  /** Paints the strip of a battle in flight. */
  paint(state: PageState, now: number): void {
    const place = state.places.find((each) =>
      each?.flight.row.battle === this.#battle && each?.leftAtMillis === undefined
    )
    const width = this.#canvas.clientWidth
    if (place === undefined || width === 0) return
    const { ends, row } = place.flight
    const scale = Math.min(2, devicePixelRatio)
    this.#canvas.width = Math.round(width * scale)
    this.#canvas.height = STRIP_HEIGHT * scale
    const context = this.#canvas.getContext("2d")!
    context.setTransform(scale, 0, 0, scale, 0, 0)
    const isExpecting = row.waiting === null && row.phase !== "finishing"
    const silentSinceMillis = isExpecting ? row.lastTokenAtMillis ?? row.beganAtMillis : undefined
    const shape = stripShape({ marks: row.marks, ends, silentSinceMillis }, now, width)
    drawStrip(context, shape, { left: 0, top: 0, width, height: STRIP_HEIGHT }, this.#palette())
  }
}

/** What was asked, and how its answer was tested. */
const asked = ({ prompt, tests }: BattlePage): ReadonlyArray<HTMLElement> => {
  const text = element("pre", "transcript", visible(prompt))
  text.dir = "auto"
  text.tabIndex = 0
  text.setAttribute("role", "region")
  text.setAttribute("aria-label", "The task")
  return [
    element("details", "", element("summary", "", "The task"), text),
    ...tests.length === 0 ? [] : [
      element(
        "details",
        "",
        element(
          "summary",
          "",
          `Tests: ${tests.filter(({ outcome }) => outcome === "passed").length} of ${tests.length} passed`
        ),
        element(
          "ol",
          "tests",
          ...tests.map(({ detail, outcome }) =>
            element("li", "", `${singleLine(outcome, 40)} `, foreign(singleLine(detail, 400), "dim"))
          )
        )
      )
    ]
  ]
}
