/** What a stream has to be told about: how it ended, when its text came, and in which way. */
import { type AgentFinding, blocker, countText, loss, note, timeText } from "./AgentFinding.ts"
import type { AgentMeasurements, StreamMeasurement } from "./AgentMeasurements.ts"
import { blockingClient, findingOfBuffering, isBlocked } from "./findingsOfBuffering.ts"
import { isBursty, isLate, isPaused, isTooFast } from "./judgeStream.ts"

const LOG = "Look into the agent's own log for the request."
/** So many of a kind are a habit. */
const HABIT = 3
/** An engine that makes tokens for so long after the last text, in milliseconds, has gone on. */
const WENT_ON_MILLIS = 1000
/** A silence after which proxies begin to close connections, in milliseconds. */
const LONG_SILENCE_MILLIS = 15_000

export const findingsOfStream = (measurements: AgentMeasurements): ReadonlyArray<AgentFinding> => {
  const { card, stream } = measurements
  // What a card does not promise is no flaw; see findingsOfCard.ts.
  if (stream === null || !card.streaming) return []
  return [...ofItsEnd(measurements, stream), ...ofItsTime(measurements, stream), ...ofItsForm(stream)]
}

const ofItsEnd = (
  { idleCardMillis, patienceMillis }: AgentMeasurements,
  stream: StreamMeasurement
): ReadonlyArray<AgentFinding> => {
  const { detail, outcome, state, textFrames } = stream
  switch (outcome) {
    case "refused":
      return [loss(
        "stream-refused",
        `Its card says that it streams, and it refuses to: ${detail}.`,
        "Serve SendStreamingMessage (message/stream in A2A 0.3), or set capabilities.streaming to false."
      )]
    case "failed":
      return [blocker("stream-failed", `Its stream cannot be read: ${detail}.`, LOG)]
    case "closed":
      return [loss(
        "ends-early",
        `Its stream ends while its task is ${state || "in no state"}, after ${countText(stream.frames, "event")}.`,
        "Publish a final status (completed, failed) before execute() returns."
      )]
    case "asks":
      return [blocker(
        "asks-back",
        `It answers with a question (${state}) instead of an answer.`,
        "Give it a message that it answers with --prompt."
      )]
    case "silent":
      return textFrames > 0
        ? [stopsRelaying(stream, patienceMillis)]
        : isBlocked(stream.side, idleCardMillis, stream.endMillis)
        ? [blockingClient(stream.side, stream.endMillis), silent(stream, patienceMillis)]
        : [silent(stream, patienceMillis)]
    case "ended":
      if (state === "failed" || state === "rejected" || state === "canceled") {
        return [blocker("answer-failed", `Its task ends ${state}.`, LOG)]
      }
      return textFrames > 0 ? [] : [blocker(
        "empty-answer",
        "It completes its task without a text.",
        "Put the answer into text parts of an artifact, or of the final status message."
      )]
    case "cut":
      return []
  }
}

const lifeIn = ({ comments, lifeAfterText, repeats }: StreamMeasurement): string =>
  lifeAfterText === 0
    ? ""
    : ` Its heartbeats go on (${
      comments > repeats ? "comments" : "the same status"
    }), and prove only that its server lives.`

/** A stream that tells no more, though its task is not over. */
const stopsRelaying = (stream: StreamMeasurement, patienceMillis: number): AgentFinding => {
  const { lastTextMillis, side, textLength, upstream } = stream
  const end = lastTextMillis ?? 0
  const engine = upstream === null || upstream.lastMillis === null
    ? "Whether its engine went on is not known; --engine or --tap tells."
    : upstream.lastMillis > end + Math.min(WENT_ON_MILLIS, patienceMillis / 10)
    ? `Its engine went on for ${timeText(upstream.lastMillis - end)}, so the agent lost it.`
    : "Its engine made no tokens after that either."
  const task = side.textLength > textLength ? " GetTask shows more of the answer than the stream did." : ""
  return blocker(
    "stops-relaying",
    `After ${countText(textLength, "character")} in ${timeText(end)} nothing new came for ${
      timeText(patienceMillis)
    }. ` +
      `${engine}${task}${lifeIn(stream)}`,
    "Find what execute() waits for (a lock, a full queue, an exception that nobody sees); give its engine call a time " +
      "limit between two tokens, and end the task failed when it is reached."
  )
}

const silent = (stream: StreamMeasurement, patienceMillis: number): AgentFinding => {
  const { frames, upstream } = stream
  const engine = upstream === null
    ? "Whether its engine is at work is not known; --engine or --tap tells."
    : upstream.tokens === 0
    ? "Its engine made no token."
    : `Its engine made ${countText(upstream.tokens, "token")}.`
  return blocker(
    "silent",
    `No text came within ${timeText(patienceMillis)}, only ${countText(frames, "event")}. ${engine}${lifeIn(stream)}`,
    "If it is only slow, give it longer with --patience; else look into its log."
  )
}

const ofItsTime = (measurements: AgentMeasurements, stream: StreamMeasurement): ReadonlyArray<AgentFinding> => {
  const { comments, firstTextMillis, gapMaxMillis, heartbeats, lastTextMillis, textFrames } = stream
  if (textFrames === 0 || stream.outcome === "failed") return []
  const silence = Math.max(firstTextMillis ?? 0, gapMaxMillis ?? 0)
  const quiet = silence >= LONG_SILENCE_MILLIS && comments === 0 && heartbeats === 0
    ? [note(
      "no-heartbeat",
      `It was silent for ${timeText(silence)} without a sign that its connection lives.`,
      "Send an SSE comment every 15 s (the SDKs do not), so that proxies and clients keep the connection."
    )]
    : []
  if (stream.outcome === "silent") return quiet
  if (isTooFast(stream)) {
    return [note(
      "too-fast",
      `Its whole answer was there after ${
        timeText(lastTextMillis ?? 0)
      }, too soon to tell whether anything holds it back.`,
      "Ask for a longer answer with --prompt."
    )]
  }
  if (isPaused(stream)) {
    return [note(
      "paused-here",
      `This process stood still for ${
        timeText(stream.pausedMillis)
      } while the answer came, so when it came cannot be told.`,
      "Probe it again when this machine has less to do."
    )]
  }
  return isLate(stream) || isBursty(stream) ? [...quiet, findingOfBuffering({ ...measurements, stream })] : quiet
}

/** How the answer is told, whatever its time. */
const ofItsForm = (stream: StreamMeasurement): ReadonlyArray<AgentFinding> => {
  const { artifacts, repeats, saidTwice, textFrames, voices } = stream
  const isHabit = (count: number) => count >= HABIT && count >= textFrames / 2
  const statuses = voices.status + voices["status-whole"]
  return [
    ...(isHabit(voices.piece)
      ? [blocker(
        "pieces-without-append",
        `Each of ${voices.piece} artifact updates holds one piece and does not say append, which replaces the artifact: ` +
          "clients have the last piece for an answer.",
        "Publish the first piece with append: false and every other with append: true, under one artifact id " +
          "(add_artifact(…, artifact_id=ID, append=True) in Python)."
      )]
      : []),
    ...(isHabit(voices.artifact)
      ? [loss(
        "artifact-per-piece",
        `It makes a new artifact for each piece of its answer (${artifacts} of them).`,
        "Keep one artifact id for the whole answer, and publish every piece after the first with append: true."
      )]
      : []),
    ...(isHabit(statuses)
      ? [loss(
        "text-in-status",
        `Its text comes in ${
          countText(statuses, "status update")
        }, which are commentary: they may be dropped, and each is ` +
          "kept in the task's history.",
        "Publish the text as an artifact update with append, and keep status updates for changes of state."
      )]
      : []),
    ...(isHabit(voices.replace)
      ? [note(
        "replaces-whole",
        `Each of ${voices.replace} updates sends the whole answer so far again (${
          countText(stream.bytes, "byte")
        } for ` +
          `${countText(stream.textLength, "character")}), which grows with the square of its length.`,
        "Publish only the new piece, with append: true."
      )]
      : []),
    ...(repeats >= HABIT
      ? [note(
        "repeats-status",
        `It sends the same status again and again (${repeats} times); that is no progress and is not taken for any.`,
        "For a sign of life send an SSE comment, and a status update only when something has changed."
      )]
      : []),
    ...(saidTwice && voices.end === 0
      ? [note(
        "says-twice",
        "Its final status repeats the answer that its artifact holds; some clients then have it twice.",
        "Leave the message of the final status empty."
      )]
      : [])
  ]
}
