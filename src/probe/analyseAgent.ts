/**
 * From what was measured of an agent to what it means: the findings, the mode in which a campaign sees most of it, and
 * what it is fit for. Pure.
 *
 * Laws: total over any measurements. Nothing is fit that has a blocker. `fit` for a mode is whether a battle can be played
 * in it; `watched` is whether there is one in which it can be seen that the agent is at work, which `blocking` is not.
 */
import * as Schema from "effect/Schema"
import { DeliveryMode } from "../a2a/DeliveryMode.ts"
import { AgentFinding, note } from "./AgentFinding.ts"
import { AgentMeasurements } from "./AgentMeasurements.ts"
import { isCuredBy, showsProgress } from "./findingsOfBuffering.ts"
import { findingsOfCard } from "./findingsOfCard.ts"
import { findingsOfStream } from "./findingsOfStream.ts"
import { findingsOfTask } from "./findingsOfTask.ts"
import { isWatchable } from "./judgeStream.ts"

const Fit = Schema.Struct({
  stream: Schema.Boolean,
  tap: Schema.Boolean,
  poll: Schema.Boolean,
  blocking: Schema.Boolean,
  watched: Schema.Boolean
})
export type Fit = typeof Fit.Type

/** The whole of a probe, as `--json` prints it. */
export const AgentReport = Schema.Struct({
  /** How a campaign sees most of the agent; null where it gives no answer at all. */
  mode: Schema.NullOr(DeliveryMode),
  /** Why so, as a clause. */
  why: Schema.String,
  /** How a campaign without a tap follows it unless told otherwise. */
  chosen: Schema.NullOr(DeliveryMode),
  fit: Fit,
  findings: Schema.Array(AgentFinding),
  measurements: AgentMeasurements
})
export type AgentReport = typeof AgentReport.Type

/** A report as one JSON object. */
export const reportJson: (report: AgentReport) => string = Schema.encodeSync(Schema.fromJsonString(AgentReport))

const ORDER = { blocker: 0, loss: 1, note: 2 } as const

/** Judges what was measured. */
export const analyseAgent = (measurements: AgentMeasurements): AgentReport => {
  const works = worksOf(measurements)
  const findings = [
    ...findingsOfCard(measurements),
    ...findingsOfStream(measurements),
    ...findingsOfTask(measurements, works),
    ...findingsOfUpstream(measurements)
  ].toSorted((one, other) => ORDER[one.severity] - ORDER[other.severity])
  const mayPlay = !findings.some(({ severity }) => severity === "blocker")
  const fit = {
    stream: mayPlay && works.stream,
    tap: mayPlay && works.tap,
    poll: mayPlay && works.poll,
    blocking: mayPlay && works.blocking,
    watched: mayPlay && (works.stream || works.tap || works.poll)
  }
  return { ...modeOf(measurements, works), chosen: chosenFor(measurements), fit, findings, measurements }
}

/** Evidence that was asked for and is none. */
const findingsOfUpstream = ({ polled, stream, upstream }: AgentMeasurements): ReadonlyArray<AgentFinding> => {
  const answered = (stream?.textFrames ?? 0) > 0 || (polled?.textLength ?? 0) > 0
  const tokens = Math.max(stream?.upstream?.tokens ?? 0, polled?.upstream?.tokens ?? 0)
  if (upstream === "none" || !answered || tokens > 0) return []
  return [
    upstream === "tap"
      ? note(
        "upstream-unseen",
        "The tap saw no token while it answered: its requests take another way.",
        "Set the base URL of its engine (OPENAI_BASE_URL) to the tap's /v1, and restart it."
      )
      : note(
        "upstream-unseen",
        "The engine's counters did not move while it answered: it is not this one, or it keeps no statistics.",
        "Check --engine; vLLM must run without --disable-log-stats."
      )
  ]
}

type Works = Omit<Fit, "watched">

/** Which modes show or give the answer, whatever else is wrong. */
const worksOf = ({ card, polled, stream, uncompressed, upstream }: AgentMeasurements): Works => {
  const said = stream !== null && stream.textFrames > 0 && stream.outcome !== "failed"
  const tokens = Math.max(stream?.upstream?.tokens ?? 0, polled?.upstream?.tokens ?? 0)
  return {
    // A campaign asks for no compression.
    stream: card.streaming && said && (isWatchable(stream) || isCuredBy(uncompressed)),
    tap: upstream === "tap" && tokens > 0,
    poll: polled !== null && polled.atOnce && showsProgress(polled.side),
    blocking: (card.streaming && said && stream.outcome === "ended") ||
      (polled !== null && polled.outcome !== "refused" && polled.outcome !== "failed" && polled.textLength > 0) ||
      (polled?.atOnce === true && polled.outcome === "cut")
  }
}

const modeOf = (
  { card, stream, uncompressed }: AgentMeasurements,
  works: Works
): Pick<AgentReport, "mode" | "why"> => {
  if (works.stream) {
    const rest = isCuredBy(uncompressed) ? " where it is not compressed, which a campaign does not ask for" : ""
    return { mode: "stream", why: `its text comes as it is made${rest}` }
  }
  const first = card.streaming ? "its stream comes too late to be watched" : "it does not stream"
  if (works.tap) return { mode: "tap", why: `${first}, and the tap sees its tokens` }
  if (works.poll) return { mode: "poll", why: `${first}, and its task shows what is done so far` }
  if (works.blocking) return { mode: "blocking", why: `${first}, and its task shows nothing before its end` }
  return { mode: null, why: stream === null ? "it cannot be asked" : "it gives no answer" }
}

/** What our client does of itself: it believes the card. */
const chosenFor = ({ card, polled }: AgentMeasurements): AgentReport["chosen"] => {
  if (card.used === null || card.fault !== null) return null
  if (card.streaming) return "stream"
  return polled?.atOnce === true ? "poll" : "blocking"
}
