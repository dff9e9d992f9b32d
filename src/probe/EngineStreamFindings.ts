/**
 * What is wrong with an engine's answers, and what to do about it: one line each. Pure.
 *
 * A blocker here means that a campaign cannot watch this engine at all: there is no stream of tokens that ends with a
 * finish reason. Everything else costs something, or is merely worth knowing.
 */
import { inSeconds } from "../liveness/inSeconds.ts"
import { printable } from "./EngineAnswer.ts"
import type { EngineFacts } from "./EngineFacts.ts"
import { serverNames } from "./EngineIdentity.ts"
import { streamFor } from "./EngineMeasurements.ts"
import type { Finding, Severity } from "./EngineReport.ts"
import { chunksOf, finishReasonOf } from "./EngineTokens.ts"

type Say = (severity: Severity, id: string, text: string, remedy: string) => void

/** Collects findings. */
export const collect = (tell: (say: Say) => void): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  tell((severity, id, text, remedy) => findings.push({ id, severity, text, remedy }))
  return findings
}

/** So many tokens come in an event with speculative decoding; more are a choice of the server. */
const FEW_TOKENS = 5
/** A pause of our own that is worth knowing. */
const OWN_PAUSE_MILLIS = 250
/** Longer lists of names are cut. */
const FEW = 5

const listed = (names: ReadonlyArray<string>): string =>
  names.length === 0
    ? "no model"
    : names.slice(0, FEW).map((name) => `"${printable(name, 60)}"`).join(", ") +
      (names.length > FEW ? ` and ${names.length - FEW} more` : "")

const KEY_REMEDY = "put the key into CAMPAIGN_API_KEY"

const reaching = ({ identity, measured }: EngineFacts, say: Say): void => {
  const { models, streams, url } = measured
  if (models === undefined) return
  if (models.problem !== null && streams.length === 0) {
    const how = {
      "refused": "nobody listens there",
      "failed": "the connection broke without an answer",
      "too-slow": "it took too long to answer",
      "too-long": "its answer is too long to be a list of models"
    }[models.problem]
    return say(
      "blocker",
      "unreachable",
      `${url} cannot be asked for its models: ${how}`,
      "start the server, or correct the address"
    )
  }
  if (models.status === 401 || models.status === 403) {
    return say(
      "blocker",
      "key-needed",
      `the server wants a key (${models.status})${measured.keyed ? ", and refuses the one it was given" : ""}`,
      measured.keyed ? "correct the key in CAMPAIGN_API_KEY, or in the variable that was named for it" : KEY_REMEDY
    )
  }
  if (models.status !== 200) {
    say(
      streams.length === 0 ? "blocker" : "note",
      "no-models",
      `no list of models at ${url}/models (${models.status ?? "no answer"})`,
      "give the address of an OpenAI-compatible API, which mostly ends in /v1"
    )
  }
  if (measured.model === null && models.status === 200) {
    say("blocker", "no-model", "the server lists no model", "load a model, or name one with --model")
  } else if (
    measured.model !== null && identity.models.length > 0 && !identity.models.some(({ id }) => id === measured.model)
  ) {
    say(
      "blocker",
      "model-not-listed",
      `the model "${printable(measured.model, 60)}" is not listed; it serves ${
        listed(identity.models.map(({ id }) => id))
      }`,
      "name one of those with --model; a campaign asks for no other"
    )
  }
}

const breaking = ({ identity, measured, stream, tokens }: EngineFacts, say: Say): void => {
  if (stream === undefined) return
  const server = serverNames[identity.kind]
  const waited = inSeconds(stream.endedAt - stream.sentAt)
  const detail = stream.detail === null ? "" : `: ${stream.detail}`
  switch (stream.end) {
    case "refused":
      return say(
        "blocker",
        "refused",
        `the request was refused with ${stream.status}${detail}`,
        stream.status === 401 || stream.status === 403
          ? KEY_REMEDY
          : stream.status === 404
          ? "give an address that ends in /v1, and a model that is served"
          : "see what it says; with curl the same request must be answered before a campaign can be"
      )
    case "unreachable":
      return say("blocker", "unreachable", `no connection${detail}`, "start the server, or correct the address")
    case "lost":
      if (finishReasonOf(stream) !== null) {
        return say(
          "note",
          "reset-after-finish",
          "the connection was reset behind the finish reason",
          "nothing to do: the answer was complete"
        )
      }
      return say(
        "blocker",
        "connection-lost",
        `the connection broke in the answer${detail}`,
        "look into the log of the server, and of any proxy in front of it"
      )
    case "no-headers":
      return say(
        "blocker",
        "no-answer",
        `no answer at all within ${waited}`,
        "look into the log of the server: it takes requests and answers none"
      )
    case "no-token":
      return say(
        "blocker",
        "no-token",
        `not one token within ${waited}`,
        `the engine is hung, or its queue is long: look into the log of ${server}, and try again when it is idle`
      )
    case "silent":
      return say(
        "blocker",
        "fell-silent",
        "tokens stopped in the middle of the answer, and the connection stayed open",
        "the engine may be hung: look into its log, restart it, and probe it again"
      )
    case "too-much":
      return say(
        measured.streams.some(({ end }) => end === "complete") ? "loss" : "blocker",
        "endless",
        tokens?.counted === 0
          ? "it sends without end, and no token among it"
          : `it sends more than was asked for (${stream.maxTokens} tokens at most), and does not end`,
        "a server that pays no heed to max_tokens cannot be bounded: find out what stands in front of the engine"
      )
    case "too-long":
      return say(
        "note",
        "slow",
        `the answer was not complete after ${waited}, at one token after the other`,
        "nothing to do: slow is not hung"
      )
    default:
  }
}

const streaming = ({ features, stream, tokens }: EngineFacts, say: Say): void => {
  if (stream === undefined || tokens === undefined || stream.end === "refused") return
  const type = stream.headers["content-type"] ?? "none"
  const error = chunksOf(stream).find(({ chunk }) => chunk.kind === "error")?.chunk.message
  const foreign =
    stream.arrivals.filter((arrival) =>
      arrival.kind === "malformed" || (arrival.kind === "chunk" && arrival.chunk.kind === "unknown")
    ).length
  if (error !== undefined) {
    say("blocker", "stream-error", `the answer broke off with an error: ${error}`, "look into the log of the engine")
  }
  if (foreign > 0) {
    say(
      "blocker",
      "malformed",
      `${foreign} events are no chunks of a chat completion`,
      "something writes into the stream: ask the engine without the proxy in front of it"
    )
  }
  if (tokens.counted === 0 && (stream.end === "complete" || stream.end === "left-open")) {
    return type.includes("text/event-stream")
      ? say(
        "blocker",
        "empty",
        "the stream ended without a token",
        "try another model, and see whether curl gets an answer"
      )
      : say(
        "blocker",
        "not-streamed",
        `the answer is no stream (content-type ${type})`,
        "find out what ignores stream: true; it is often a proxy, or an address that is no API"
      )
  }
  if (!type.includes("text/event-stream") && tokens.counted > 0) {
    say(
      "note",
      "content-type",
      `the stream calls itself ${type}`,
      "have text/event-stream set, or proxies may buffer it"
    )
  }
  if (tokens.buffered) {
    say(
      "blocker",
      "buffered",
      `all ${tokens.counted} tokens came at once after ${
        inSeconds(tokens.firstTokenMillis ?? 0)
      }: something keeps the stream back`,
      "switch buffering off in the proxy (nginx: proxy_buffering off), and compression of event streams"
    )
  } else if (tokens.tokensPerEvent >= 2) {
    say(
      tokens.tokensPerEvent > FEW_TOKENS ? "loss" : "note",
      "bursts",
      `an event has ${
        tokens.tokensPerEvent.toFixed(1)
      } tokens, up to ${tokens.mostTokensPerEvent}: progress is seen less often`,
      "nothing to do for speculative decoding; else a lower --stream-interval (vLLM, SGLang)"
    )
  } else if (tokens.mostEventsPerRead > 3 && tokens.reads < tokens.events / 2) {
    say(
      "loss",
      "batches",
      `up to ${tokens.mostEventsPerRead} events come at once: something between us and the engine collects them`,
      "have the proxy flush every event (nginx: proxy_buffering off), or ask the engine directly"
    )
  }
  if (features.finish_reason.state === "ignored") {
    say(
      "blocker",
      "no-finish",
      "the answer ends without a finish_reason: no end can be told from a break",
      "find out what cuts it off: an OpenAI-compatible engine always tells one"
    )
  } else if (finishReasonOf(stream) === "abort" || finishReasonOf(stream) === "error") {
    say(
      "blocker",
      "aborted",
      `the engine ended the answer itself (${finishReasonOf(stream)})`,
      "see whether it sleeps, is paused, or is being updated"
    )
  }
  if (features.done.state === "ignored") {
    say("note", "no-done", "no [DONE] at the end of a stream", "nothing to do: the finish reason is what counts")
  }
  if (stream.end === "left-open") {
    say(
      "note",
      "left-open",
      "the connection stays open behind the finish reason",
      "nothing to do: a campaign closes it after some seconds"
    )
  }
  if (features.max_tokens.state === "ignored") {
    say(
      "loss",
      "max-tokens",
      `max_tokens is not honoured: ${features.max_tokens.detail}`,
      "bound answers at the server, or a runaway is never cut"
    )
  }
}

const counting = ({ features, stream, tokens }: EngineFacts, say: Say): void => {
  if (tokens === undefined || tokens.counted === 0 || stream === undefined) return
  const { continuous_usage_stats, include_usage, return_token_ids, usage_agrees } = features
  const refused = [["return_token_ids", return_token_ids], ["continuous_usage_stats", continuous_usage_stats], [
    "include_usage",
    include_usage
  ]] as const
  const names = refused.filter(([, { state }]) => state === "refused").map(([name]) => name)
  if (names.length > 0) {
    say(
      "note",
      "fields-refused",
      `${names.join(" and ")} refused: the first request of a campaign is sent twice`,
      "nothing to do: it is asked without them from then on"
    )
  }
  if (include_usage.state === "ignored" || include_usage.state === "refused") {
    say(
      "loss",
      "no-usage",
      "no usage at the end: how many tokens an answer had is counted by its events",
      "use a server that honours stream_options.include_usage, or read token counts as estimates"
    )
  }
  const exact = [continuous_usage_stats, return_token_ids].some(({ state }) => state === "works" || state === "always")
  if (!exact && usage_agrees.state === "works") {
    say(
      "note",
      "counted-by-event",
      "neither token ids nor usage with each event: a token without text is not seen",
      "nothing to do: one event was one token here"
    )
  } else if (!exact) {
    say(
      "loss",
      "inexact",
      "neither token ids nor usage with each event, and events are not tokens: rates are estimates",
      "nothing to do on this server; vLLM tells both"
    )
  } else if (usage_agrees.state === "ignored") {
    say(
      "loss",
      "usage-differs",
      `the server's counts differ: ${usage_agrees.detail}`,
      "do not compare token counts of this server with those of others"
    )
  }
}

const travelling = ({ measured, stream }: EngineFacts, say: Say): void => {
  const comments = measured.streams.flatMap(({ arrivals }) => arrivals.filter((arrival) => arrival.kind === "comment"))
  if (comments.length > 0) {
    const texts = [...new Set(comments.map(({ text }) => text))].slice(0, 3)
    const gaps = measured.streams.flatMap(({ arrivals }) => {
      const own = arrivals.filter(({ kind }) => kind === "comment")
      return own.slice(1).map(({ at }, index) => at - own[index]!.at)
    }).toSorted((one, other) => one - other)
    const often = gaps.length === 0 ? "" : `, about every ${inSeconds(gaps[Math.floor(gaps.length / 2)]!)}`
    const who = texts.includes("keep-alive")
      ? "as vLLM's --sse-keep-alive-interval sends them"
      : "from the server or a proxy"
    say(
      "note",
      "comments",
      `${comments.length} keep-alive comments ("${
        texts.join("\", \"")
      }"${often}), ${who}: they go on when the engine is dead`,
      "nothing to do here: a campaign never takes a comment for life; others who watch bytes would"
    )
  }
  const { via, "content-encoding": encoding, "x-cache": cache } = stream?.headers ?? {}
  if (via !== undefined || cache !== undefined) {
    say(
      "note",
      "proxy",
      `a proxy stands in front (${via === undefined ? `x-cache: ${cache}` : `via: ${via}`})`,
      "see that it does not buffer event streams and has no idle limit below some minutes"
    )
  }
  if (encoding !== undefined && encoding !== "identity") {
    say(
      "loss",
      "compressed",
      `the stream is compressed (${encoding}): tokens may wait for a block to fill`,
      "switch compression off for text/event-stream"
    )
  }
  const prefill = streamFor(measured, "prefill")
  if (prefill?.end === "refused") {
    say(
      "note",
      "prompt-refused",
      `the long prompt was refused${prefill.detail === null ? "" : `: ${prefill.detail}`}`,
      "nothing to do; what moves during a prefill could not be seen"
    )
  }
  if (measured.ownPauseMillis >= OWN_PAUSE_MILLIS) {
    say(
      "note",
      "own-pause",
      `this machine stood still for ${
        inSeconds(measured.ownPauseMillis)
      }: gaps and batches up to that size may be its own`,
      "probe from a machine that has less to do"
    )
  }
  if (measured.cutShort) {
    say(
      "note",
      "cut-short",
      "the time for the probe was over before everything had been tried",
      "try again when the engine is idle"
    )
  }
}

/** Everything about reaching it and its answers. */
export const streamFindings = (facts: EngineFacts): ReadonlyArray<Finding> =>
  collect((say) => {
    for (const tell of [reaching, breaking, streaming, counting, travelling]) tell(facts, say)
  })
