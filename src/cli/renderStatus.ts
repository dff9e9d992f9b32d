/**
 * Where a campaign stands, for somebody who looks from another terminal: what is wrong first, then how far it is.
 *
 * Laws: no line is wider than the terminal; what does not fit is counted, never left out silently; names and reasons come
 * from agents and engines, so they are made harmless before they are shown.
 */
import { clockTime, duration, score } from "../terminal/Quantities.ts"
import { type Known, silenceNote, silenceStyle } from "../terminal/silenceNote.ts"
import { type Piece, piece, type Style, toLine } from "../terminal/StyledLine.ts"
import { clipMiddle, fit, singleLine, widthOf } from "../terminal/TextWidth.ts"
import { renderCoverage } from "./renderCoverage.ts"
import type { Situation, StatusView } from "./statusView.ts"

export interface StatusOptions {
  readonly columns: number
  readonly color: boolean
}

/** Lines of a list: more of them than fit on a screen help nobody. */
const MOST_IN_FLIGHT = 16
const MOST_REASONS = 10
const MOST_EPOCHS = 6

const styles: Record<Situation, Style> = {
  running: "green",
  stopping: "amber",
  interrupted: "red",
  paused: "amber",
  cancelled: "amber",
  ended: "plain"
}

/** The whole text, without a line break at its end. */
export const renderStatus = (view: StatusView, { color, columns }: StatusOptions): string => {
  const blocks: ReadonlyArray<ReadonlyArray<ReadonlyArray<Piece>>> = [
    headOf(view),
    section("LANES", lanesOf(view)),
    section(
      "AGENTS IN TROUBLE",
      view.breakers.map(({ agent, state, why }) => [
        piece(`  ${singleLine(agent)}  `),
        piece(state, "amber"),
        piece(`  ${singleLine(why)}`)
      ])
    ),
    section(inFlightTitle(view), inFlightOf(view, columns)),
    section("NO SCORE", reasonsOf(view)),
    section("BY TASK AND AGENT", renderCoverage(view.cells, columns)),
    section("ATTEMPTS", [[piece(`  ${attemptsOf(view)}`)]]),
    section("ENGINES BEGAN ANEW", epochsOf(view)),
    section(
      "ASKED AND NOT ANSWERED",
      view.requests.map(({ command, waitingMs }) => [
        piece(`  ${command}`),
        piece(`, ${duration(waitingMs)} ago`, "dim")
      ])
    )
  ]
  return blocks.filter((lines) => lines.length > 0)
    .map((lines) => lines.map((pieces) => toLine(pieces, columns, color)).join("\n"))
    .join("\n\n")
}

const section = (title: string, lines: ReadonlyArray<ReadonlyArray<Piece>>) =>
  lines.length === 0 ? [] : [[piece(title, "bold")], ...lines]

const headOf = (view: StatusView): ReadonlyArray<ReadonlyArray<Piece>> => {
  const { battles: { inFlight, meanScore, pending, planned, scored, unscored }, resume, situation } = view
  const done = scored + unscored
  return [
    [piece(`Campaign ${singleLine(view.campaign)}`, "bold"), piece(` in ${singleLine(view.db)}`)],
    [piece(situation, styles[situation]), ...situationText(view).map((text) => piece(text))],
    [
      piece(`${done}/${planned}`, "bold"),
      piece(` done: ${scored} scored`),
      piece(meanScore === null ? "" : ` (mean ${score(meanScore)})`),
      piece(`, ${unscored} unscored; ${pending} pending`),
      piece(inFlight === 0 ? "" : `, ${inFlight} in flight`)
    ],
    ...resume === null ? [] : [[piece(`Go on with: ${resume}`)]]
  ]
}

const situationText = ({ process, situation, stopping }: StatusView): ReadonlyArray<string> => {
  switch (situation) {
    case "running":
      return [` in process ${process!.pid} on ${singleLine(process!.host)} for ${clockTime(process!.runningMs)}`]
    case "stopping":
      return [` in process ${process!.pid} on ${singleLine(process!.host)}: ${singleLine(stopping ?? "")}`]
    case "interrupted":
      return [": nobody runs it; its process is gone without a word"]
    case "paused":
      return [": nobody runs it"]
    case "cancelled":
      return [" by its user: what was pending has no score"]
    case "ended":
      return [": nothing is left to play"]
  }
}

const lanesOf = ({ lanes }: StatusView): ReadonlyArray<ReadonlyArray<Piece>> => {
  const width = Math.min(40, Math.max(0, ...lanes.map(({ name }) => widthOf(singleLine(name)))))
  return lanes.map(({ concurrency, gate, inFlight, name, note }) => [
    piece(`  ${fit(singleLine(name), width)}  ${inFlight} of ${concurrency} in flight`),
    piece(gate === null ? "" : `  gate ${gate}`, "amber"),
    piece(note === null ? "" : `  ${singleLine(note)}`, gate === null ? "amber" : "plain")
  ])
}

const inFlightTitle = ({ inFlight, process }: StatusView): string =>
  process === null
    ? `LEFT IN FLIGHT (${inFlight.length}; they are played again)`
    : `IN FLIGHT (${inFlight.length})`

const shortened = (name: string, columns: number): string => fit(clipMiddle(name, columns), columns)

/** Those that have been quiet for longest first: the ones that somebody may worry about. */
const inFlightOf = ({ cells, inFlight }: StatusView, columns: number): ReadonlyArray<ReadonlyArray<Piece>> => {
  if (inFlight.length === 0) return []
  const quietOf = ({ quietMs, runningMs }: StatusView["inFlight"][number]) => quietMs ?? runningMs ?? 0
  const shown = inFlight.toSorted((a, b) => quietOf(b) - quietOf(a)).slice(0, MOST_IN_FLIGHT)
  const texts = shown.map((attempt) => [
    singleLine(attempt.task),
    singleLine(attempt.agent),
    `#${attempt.repetition}`,
    `try ${attempt.attempt}`,
    attempt.phase ?? "begun",
    `${attempt.tokens} tok`,
    attempt.runningMs === null ? "–" : `for ${clockTime(attempt.runningMs)}`
  ])
  const widths = texts[0]!.map((_, column) => Math.max(...texts.map((row) => widthOf(row[column]!))))
  // The names get what the others leave, the longer one more.
  const fixed = widths.slice(2).reduce((sum, width) => sum + width + 2, 4 + 2 + NOTE)
  const names = Math.max(8, columns - fixed)
  // A campaign of one agent needs not be told which.
  const [task, agent] = [widths[0]!, cells.every((cell) => cell.agent === cells[0]!.agent) ? 0 : widths[1]!]
  const agentWidth = task + agent <= names ? agent : Math.min(agent, Math.max(Math.floor(names / 2), names - task))
  const taskWidth = Math.min(task, Math.max(1, names - agentWidth))
  const left = columns - fixed - taskWidth - (agentWidth === 0 ? 0 : agentWidth + 2)
  const lines = texts.map((row, index): ReadonlyArray<Piece> => [
    piece(`  ${shortened(row[0]!, taskWidth)}${agentWidth === 0 ? "" : `  ${shortened(row[1]!, agentWidth)}`}`),
    piece(
      row.slice(2).map((text, column) => `  ${fit(text, widths[column + 2]!, column === 3 ? "right" : "left")}`).join(
        ""
      )
    ),
    ...noteOf(shown[index]!, left + NOTE)
  ])
  return [...lines, ...rest(inFlight.length - shown.length, "more in flight")]
}

/** Columns for what is known of a silence, at least. */
const NOTE = 18

/** What is known of the silence of an attempt. */
const noteOf = (attempt: StatusView["inFlight"][number], columns: number): ReadonlyArray<Piece> => {
  const { limit, quietMs, runningMs, stalled } = attempt
  const isKnown = attempt.engine !== null || limit !== null || stalled !== null
  const quietMillis = quietMs ?? (isKnown ? runningMs : null)
  if (quietMillis === null) return [piece("  –")]
  if (!isKnown || runningMs === null) return [piece(`  quiet ${duration(quietMillis)}`)]
  const outlook = knownOf(attempt, runningMs)
  return [
    piece("  "),
    piece(silenceNote({ quietMillis, ageMillis: runningMs, outlook }, columns), silenceStyle(outlook))
  ]
}

const knownOf = (
  { engine, limitMs, limitUsedMs, slow, stalled }: StatusView["inFlight"][number],
  runningMs: number
): Known => ({
  limit: limitMs === null || limitUsedMs === null ? null : { millis: limitMs, sinceMillis: runningMs - limitUsedMs },
  engine: engine ?? "unknown",
  slow,
  stalled
})

const reasonsOf = ({ unscored }: StatusView): ReadonlyArray<ReadonlyArray<Piece>> => {
  const shown = unscored.slice(0, MOST_REASONS)
  const left = unscored.slice(MOST_REASONS)
  const digits = String(shown[0]?.battles ?? 0).length
  return [
    ...shown.map(({ battles, reason }) => [
      piece(`  ${String(battles).padStart(digits)}`, "amber"),
      piece(`  ${singleLine(reason)}`)
    ]),
    ...rest(left.reduce((sum, { battles }) => sum + battles, 0), `more for ${left.length} other reasons`)
  ]
}

const epochsOf = ({ epochs }: StatusView): ReadonlyArray<ReadonlyArray<Piece>> => {
  const engines = new Map<string, number>()
  for (const { engine } of epochs) engines.set(engine, (engines.get(engine) ?? 0) + 1)
  const repeated = epochs.filter(({ engine }) => engines.get(engine)! > 1)
  const shown = repeated.slice(-MOST_EPOCHS)
  return [
    ...rest(repeated.length - shown.length, "earlier ones"),
    ...shown.map(({ beganAt, engine, modelId }) => [
      piece(`  ${beganAt.slice(0, 16).replace("T", " ")} UTC  `),
      piece(`${singleLine(engine)}: ${singleLine(modelId)}`)
    ])
  ]
}

const attemptsOf = ({ attempts: { charged, superseded, ...verdicts } }: StatusView): string => {
  const ended = Object.entries(verdicts).filter(([, count]) => count > 0)
  const total = ended.reduce((sum, [, count]) => sum + count, superseded)
  if (total === 0) return "none has ended yet"
  const texts = ended.map(([verdict, count]) => `${count} ${verdict}`)
  if (superseded > 0) texts.push(`${superseded} too late to count`)
  return `${total} ended: ${texts.join(", ")}; ${charged} charged`
}

const rest = (count: number, what: string): ReadonlyArray<ReadonlyArray<Piece>> =>
  count <= 0 ? [] : [[piece(`  + ${count} ${what}`, "dim")]]
