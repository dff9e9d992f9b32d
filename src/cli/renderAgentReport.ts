/**
 * What a probe of an agent found, for people: a pure rendering of its report. What was measured stands first, one fact a
 * line; then the findings, the worst first, each with what to change; then the mode, and what the agent is fit for.
 *
 * Law: no line is wider than the terminal, unless a single word is.
 */
import type { DeliveryMode } from "../a2a/DeliveryMode.ts"
import { type AgentFinding, countText, timeText } from "../probe/AgentFinding.ts"
import type { AgentMeasurements, StreamMeasurement } from "../probe/AgentMeasurements.ts"
import type { AgentReport, Fit } from "../probe/analyseAgent.ts"
import { showsProgress } from "../probe/findingsOfBuffering.ts"
import { isLate } from "../probe/judgeStream.ts"
import { type HelpOptions, indented, styles } from "./renderHelp.ts"

/** What an agent is asked to be fit for. */
export type Purpose = DeliveryMode | "any"

/** Whether it is. */
export const isFitFor = (fit: Fit, purpose: Purpose): boolean => purpose === "any" ? fit.watched : fit[purpose]

/** Why it is not, as the end of a line that begins with "not fit". */
export const unfitText = ({ findings, mode }: AgentReport, purpose: Purpose): string => {
  const worst = findings[0]
  const because = worst?.severity === "blocker" ? `: ${worst.code}` : mode === null ? "" : `; its mode is ${mode}`
  return purpose === "any" ? `to be watched${because}` : `for ${purpose}${because}`
}

const NAME_WIDTH = 12

/** The lines for stdout. */
export const renderAgentReport = (report: AgentReport, purpose: Purpose, { color, columns }: HelpOptions): string => {
  const { bold, dim, green } = styles(color)
  const { findings, measurements } = report
  const fact = ([name, text]: readonly [string, string]): ReadonlyArray<string> => {
    const [first = "", ...others] = indented(text, columns, NAME_WIDTH)
    return [dim(name.padEnd(NAME_WIDTH)) + first.trimStart(), ...others]
  }
  const told = ({ code, remedy, severity, what }: AgentFinding): ReadonlyArray<string> => [
    `${bold(severity)} ${code}`,
    ...indented(what, columns, 2),
    ...(remedy === "" ?
      [] :
      indented(remedy, columns, 4).map((line, index) => green(index === 0 ? `  → ${line.trimStart()}` : line)))
  ]
  const facts = factsOf(measurements).flatMap(fact)
  const fit = isFitFor(report.fit, purpose)
  const others = (["stream", "tap", "poll", "blocking"] as const).filter((mode) => report.fit[mode])
  return [
    ...headOf(measurements).flatMap((line, index) =>
      indented(line, columns, 0).map(index === 0 ? bold : (same) => same)
    ),
    ...(facts.length === 0 ? [] : ["", ...facts]),
    ...findings.flatMap((finding) => ["", ...told(finding)]),
    "",
    ...indented(modeText(report), columns, 0),
    ...indented(
      `${fit ? "Fit" : "Not fit"} ${purpose === "any" ? "to be watched" : `for ${purpose}`}${
        others.length === 0 ? "." : `; fit for ${others.join(", ")}.`
      }`,
      columns,
      0
    ).map(bold)
  ].join("\n")
}

const headOf = ({ card, url }: AgentMeasurements): ReadonlyArray<string> => {
  if (card.path === null) return [url]
  const { used } = card
  return [
    `${card.name || "An agent without a name"} at ${url}`,
    [
      used === null ? "no interface that can be used" : `A2A ${used.version} over ${used.binding}`,
      card.streaming ? "its card says that it streams" : "its card says that it does not stream",
      card.extension ? "it speaks the token extension" : "no token extension"
    ].join("; ")
  ]
}

type Fact = readonly [name: string, text: string]

const factsOf = (measurements: AgentMeasurements): ReadonlyArray<Fact> => {
  const { cancel, card, conversation, idleCardMillis, polled, resubscription, stream, uncompressed } = measurements
  const side = stream !== null && stream.side.cards > 0 ? stream.side : polled?.side
  return [
    ...(card.path === null || card.millis === null
      ? []
      : [["card", `/${card.path} in ${timeText(card.millis)}`] as const]),
    ...(stream === null ? [] : streamFacts(stream)),
    ...(uncompressed === null ? [] : [["plain", `without compression: ${arrivalText(uncompressed)}`] as const]),
    ...(polled === null ? [] : [["send", sendText(measurements)] as const]),
    ...(side === undefined || side.cards === 0 ? [] : [
      [
        "while busy",
        side.cardsAnswered === 0
          ? `its card got no answer (in ${timeText(idleCardMillis ?? 0)} when idle)`
          : `its card takes ${timeText(side.cardMaxMillis ?? 0)} at most (${timeText(idleCardMillis ?? 0)} when idle)`
      ] as const
    ]),
    ...(cancel === null ? [] : [["cancel", cancelText(cancel)] as const]),
    ...(resubscription === null ? [] : [["broken", resubscriptionText(resubscription)] as const]),
    ...(conversation === null ? [] : [["memory", memoryText(conversation)] as const])
  ]
}

const arrivalText = (stream: StreamMeasurement): string => {
  const { arrivals, firstTextMillis, gapMaxMillis, gapP50Millis, lastTextMillis, textFrames } = stream
  if (firstTextMillis === null || lastTextMillis === null) return "no text"
  if (isLate(stream) || arrivals < 2) {
    return `all text at once after ${timeText(firstTextMillis)}, in ${countText(textFrames, "event")}`
  }
  return `first text after ${timeText(firstTextMillis)}, then ${countText(textFrames, "event")} with text in ` +
    `${timeText(lastTextMillis - firstTextMillis)}, ${timeText(gapP50Millis ?? 0)} apart, ${
      timeText(gapMaxMillis ?? 0)
    } ` +
    "at most"
}

const streamFacts = (stream: StreamMeasurement): ReadonlyArray<Fact> => {
  const { arrivals, commentMillis, comments, detail, heartbeats, outcome, repeats, textFrames, tokens, upstream } =
    stream
  if (outcome === "refused" || outcome === "failed") return [["stream", `${outcome}: ${detail}`]]
  const made = upstream === null || upstream.tokens === 0
    ? tokens === null || tokens === 0 ? undefined : `${countText(tokens, "token")} by its own count`
    : `${countText(upstream.tokens, "token")}${upstream.shared ? " (others' among them)" : ""} from ` +
      `${timeText(upstream.firstMillis ?? 0)} to ${timeText(upstream.lastMillis ?? 0)}`
  const count = upstream !== null && upstream.tokens > 0 && !upstream.shared ? upstream.tokens : tokens ?? 0
  // Of an answer that is whole; else the engine is ahead.
  const each = outcome !== "ended" || count === 0 || textFrames === 0
    ? ""
    : `; ${(count / textFrames).toFixed(1)} tokens an event, ${(count / Math.max(1, arrivals)).toFixed(1)} an arrival`
  const beats = [
    ...(comments > 0
      ? [`${countText(comments, "comment")}${commentMillis === null ? "" : `, ${timeText(commentMillis)} apart`}`]
      : []),
    ...(heartbeats > 0 ? [`${countText(heartbeats, "heartbeat")} of the extension`] : []),
    ...(repeats > 0 ? [`${countText(repeats, "status", "statuses")} that repeat${repeats === 1 ? "s" : ""}`] : [])
  ]
  return [
    ["stream", arrivalText(stream)],
    ...(made === undefined ? [] : [
      [
        "engine",
        made + each
      ] as const
    ]),
    ["heartbeats", beats.length === 0 ? `none in ${timeText(stream.endMillis)}` : beats.join("; ")]
  ]
}

const sendText = ({ polled, stream }: AgentMeasurements): string => {
  if (polled === null) return ""
  const { atOnce, detail, outcome, sendMillis, side } = polled
  if (outcome === "refused" || outcome === "failed") return `${outcome}: ${detail}`
  if (sendMillis === null) return `no answer in ${timeText(polled.endMillis)}`
  if (!atOnce) return `answered after ${timeText(sendMillis)}, with ${polled.isMessage ? "a message" : "its end"}`
  const looks = `${countText(side.changes, "change")} in ${countText(side.pollsAnswered, "look")}`
  const shows = showsProgress(side) || (stream !== null && showsProgress(stream.side))
  return `answered at once (${timeText(sendMillis)}) when asked not to wait; GetTask shows ${
    shows
      ? `progress (${looks})`
      : side.refusal === null
      ? `nothing before its end (${looks})`
      : `an error: ${side.refusal}`
  }`
}

const cancelText = (cancel: NonNullable<AgentMeasurements["cancel"]>): string => {
  const { detail, millis, outcome, state, stopped, tokensAfter } = cancel
  if (outcome === "ended") return "the answer was over before it could be cancelled"
  const engine = stopped === null
    ? "whether its engine stopped is not known"
    : stopped
    ? "its engine stopped"
    : `its engine went on${tokensAfter ? `, ${countText(tokensAfter, "token")} more` : ""}`
  if (outcome === "answered" && state === "completed") {
    return `answered in ${timeText(millis ?? 0)}, when it had completed`
  }
  return outcome === "answered"
    ? `answered ${state || "without a state"} in ${timeText(millis ?? 0)}; ${engine}`
    : `${outcome}: ${detail}; ${engine}`
}

const resubscriptionText = (resubscription: NonNullable<AgentMeasurements["resubscription"]>): string => {
  const { after, detail, outcome, whole } = resubscription
  switch (outcome) {
    case "whole":
      return "taken up again from a snapshot, nothing lost or doubled"
    case "over":
      return "the task was over before it could be taken up again"
    case "unclear":
      return `taken up again; whether anything was lost is not known: ${detail}`
    case "no-snapshot":
      return `taken up again without a snapshot: ${detail}`
    case "lost":
    case "doubled":
      return `taken up again with ${after} of ${whole ?? "unknown"} characters`
    case "silent":
      return "taken up again, and silent"
    case "refused":
    case "failed":
      return `cannot be taken up again: ${detail}`
  }
}

const memoryText = (conversation: NonNullable<AgentMeasurements["conversation"]>): string => {
  const { detail, promptTokens, said } = conversation
  if (said === null) return `not known: ${detail}`
  const [before, now] = promptTokens ?? [0, 0]
  if (said) return "its second answer has the word of the first message"
  if (promptTokens === null) return "not known: it did not say the word of the message before"
  return now > before
    ? `its engine is told the message before (${now} tokens after ${before})`
    : `its engine is not told the message before (${now} tokens after ${before})`
}

const modeText = ({ chosen, mode, why }: AgentReport): string =>
  mode === null
    ? `Mode: none, because ${why}.`
    : `Mode: ${mode}, because ${why}.${
      chosen === null || chosen === mode
        ? ""
        : ` A campaign would choose ${chosen}, as the card says; ${
          mode === "tap" ? "name the tap for this agent" : `set mode = "${mode}" for this agent`
        }.`
    }`
