/**
 * Who held an answer back that came all at once, as far as can be told from outside.
 *
 * What each hop cannot help showing: a blocked event loop answers nothing at all meanwhile; compression is gone when it is
 * not asked for; what is held behind the task shows in GetTask before it shows in the stream; and an agent that collects
 * shows nothing of it anywhere, while its engine is at work.
 */
import { type AgentFinding, countText, loss, note, timeText } from "./AgentFinding.ts"
import type { AgentMeasurements, HeaderMeasurement, SideMeasurement, StreamMeasurement } from "./AgentMeasurements.ts"
import { isBursty, isLate, perArrival } from "./judgeStream.ts"

/** Whether the task told of its progress while it was at work. */
export const showsProgress = ({ changes, textLength }: SideMeasurement): boolean => changes >= 3 || textLength > 0

/** Whether nothing was answered while the agent generated, though it answers at once when idle. */
export const isBlocked = (side: SideMeasurement, idleCardMillis: number | null, workMillis: number): boolean =>
  side.cards > 0 && side.cardsAnswered === 0 && (idleCardMillis ?? 0) < workMillis / 4

/** Finding of an agent whose event loop stands still. */
export const blockingClient = (side: SideMeasurement, workMillis: number): AgentFinding =>
  loss(
    "blocking-client",
    `While it generates it answers nothing else: ${countText(side.cards, "request")} for its card got no answer in ` +
      `${timeText(workMillis)}. A blocking client inside it holds its event loop.`,
    "Call the engine with the asynchronous client (AsyncOpenAI with await and async for), or in a thread " +
      "(asyncio.to_thread); nothing synchronous may run in execute()."
  )

/** The words of a header that names who passed the answer on. */
const proxyIn = (headers: HeaderMeasurement | null): string | undefined => {
  if (headers === null) return undefined
  if (headers.via !== null) return `via: ${headers.via}`
  return headers.server !== null && /nginx|openresty|envoy|cloudflare|varnish|caddy|traefik|haproxy|apache|awselb/i
      .test(headers.server)
    ? `server: ${headers.server}`
    : undefined
}

const bursts = (stream: StreamMeasurement): AgentFinding =>
  loss(
    "comes-in-bursts",
    `Its text comes in ${countText(stream.arrivals, "burst")} of about ${Math.round(perArrival(stream))} ` +
      `${stream.upstream !== null && stream.upstream.tokens > 0 ? "tokens" : "pieces"}, ` +
      `${timeText(stream.gapMaxMillis ?? 0)} apart at most.`,
    "Something flushes by size: send each event at once (no buffered writer, no compression, proxy_buffering off)."
  )

const FLUSH = "Turn buffering off for text/event-stream: the agent should send X-Accel-Buffering: no and " +
  "Cache-Control: no-cache, no-transform; in nginx set proxy_buffering off."

/** What the engine did meanwhile, as a clause that goes on after a comma; empty if unknown. */
const engineMeanwhile = ({ upstream }: Pick<StreamMeasurement, "upstream">): string =>
  upstream === null || upstream.firstMillis === null || upstream.lastMillis === null
    ? ""
    : `, while its engine made ${countText(upstream.tokens, "token")} from ${timeText(upstream.firstMillis)} to ` +
      timeText(upstream.lastMillis)

/** The one finding of a stream whose text came late, or in few large portions. */
export const findingOfBuffering = (
  { idleCardMillis, polled, stream, uncompressed }:
    & Pick<
      AgentMeasurements,
      "idleCardMillis" | "polled" | "uncompressed"
    >
    & { readonly stream: StreamMeasurement }
): AgentFinding => {
  const { frames, headers, lastTextMillis, side, upstream } = stream
  const end = lastTextMillis ?? stream.endMillis
  const late = `Its stream brings the whole answer at the end, after ${timeText(end)}`
  const meanwhile = engineMeanwhile(stream)
  if (isBlocked(side, idleCardMillis, end)) return blockingClient(side, end)
  if (isCuredBy(uncompressed)) {
    return loss(
      "buffered-by-compression",
      `${
        isLate(stream) ? late : `Its stream comes in ${countText(stream.arrivals, "burst")}`
      }, because it is compressed (${headers?.contentEncoding ?? "gzip"}) and not flushed; without compression it ` +
        "comes as it is made.",
      "Do not compress text/event-stream (leave it out of GZipMiddleware, of express's compression(), of the proxy's " +
        "gzip_types), or flush after every event."
    )
  }
  if (!isLate(stream)) return bursts(stream)
  if (showsProgress(side) || (polled !== null && showsProgress(polled.side))) {
    const proxy = proxyIn(headers)
    return proxy === undefined
      ? loss(
        "buffered-behind-task",
        `${late}${meanwhile}, though GetTask shows the answer growing: its HTTP layer holds the stream back, or a proxy ` +
          "that does not say so.",
        FLUSH
      )
      : loss(
        "buffered-by-proxy",
        `${late}${meanwhile}, though GetTask shows the answer growing: a proxy holds the stream back (${proxy}).`,
        FLUSH
      )
  }
  if (upstream !== null && isAtOnce(upstream, end)) {
    return note(
      "engine-at-once",
      `${late}, and so do the engine's tokens (${countText(upstream.tokens, "token")} at once): nothing was held back.`,
      "Probe it with an engine or a prompt that takes longer."
    )
  }
  if (stream.firstFrame === "message" && frames === 1) {
    return loss(
      "one-message",
      `It answers with a single message after ${timeText(end)}${meanwhile}: no task, no progress, nothing to cancel.`,
      "Publish a Task first, then an artifact update with append for each piece, and a completed status at the end " +
        "(TaskUpdater in Python; AgentEvent.task and AgentEvent.artifactUpdate in JavaScript)."
    )
  }
  const collects =
    "Ask the engine with stream: true and publish each piece as it comes, instead of collecting the answer."
  const seen = Math.max(side.pollsAnswered, polled?.side.pollsAnswered ?? 0)
  if (seen >= 2 || meanwhile !== "") {
    return loss(
      "buffered-by-agent",
      `${late}${meanwhile}${seen >= 2 ? ", and GetTask shows nothing before" : ""}: the agent collects it.`,
      collects
    )
  }
  return loss(
    "buffered-somewhere",
    `${late}; it cannot be told whether the agent collects it or something on the way does${
      proxyIn(headers) === undefined ? "" : ` (${proxyIn(headers)})`
    }.`,
    `Give --engine or --tap to see which. ${collects}`
  )
}

/** Whether it was compression that held the text back. */
export const isCuredBy = (uncompressed: StreamMeasurement | null): boolean =>
  uncompressed !== null && uncompressed.textFrames > 1 && !isLate(uncompressed) && !isBursty(uncompressed)

/** Whether the engine itself gave everything in a moment at the end. */
const isAtOnce = (
  { firstMillis, lastMillis, tokens }: NonNullable<StreamMeasurement["upstream"]>,
  end: number
): boolean =>
  tokens > 0 && firstMillis !== null && lastMillis !== null && lastMillis - firstMillis <= end / 10 &&
  firstMillis >= end / 2
