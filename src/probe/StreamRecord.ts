/**
 * One stream as it comes in: bytes, comments and frames with their times, until what matters of them is asked for.
 *
 * Bytes are seen before anything else reads them, because comments and the moment of arrival are lost after that; frames
 * are told by whoever has parsed them. Nothing grows with what an agent sends but one number per arrival, which is bounded
 * by the bytes that are taken of it.
 */
import { type AgentFrame, isFinal } from "./AgentFrame.ts"
import type { HeaderMeasurement, StreamMeasurement } from "./AgentMeasurements.ts"
import { makeAnswer, type Voice } from "./AnswerText.ts"
import { quantileOf } from "./Quantiles.ts"

/** Frames that come as close to each other as this are one arrival, in milliseconds. */
const ONE_ARRIVAL_MILLIS = 2
/** The end of the answer in which a buffer empties, in milliseconds. */
const LATE_MILLIS = 50

const NEW_LINE = 10
const COLON = 58

/** What a stream came to beside its frames. */
export type StreamEnd = Pick<
  StreamMeasurement,
  "outcome" | "detail" | "endMillis" | "pausedMillis" | "side" | "upstream"
>

const namesOfHeaders: { readonly [Name in keyof HeaderMeasurement]: string } = {
  contentType: "content-type",
  contentEncoding: "content-encoding",
  contentLength: "content-length",
  via: "via",
  server: "server",
  accelBuffering: "x-accel-buffering",
  cacheControl: "cache-control"
}

/** What is kept of the value of a header. */
const MOST_HEADER = 100

const headersOf = (headers: Headers): HeaderMeasurement => {
  const of = (name: keyof HeaderMeasurement) => headers.get(namesOfHeaders[name])?.slice(0, MOST_HEADER) ?? null
  return {
    contentType: of("contentType"),
    contentEncoding: of("contentEncoding"),
    contentLength: of("contentLength"),
    via: of("via"),
    server: of("server"),
    accelBuffering: of("accelBuffering"),
    cacheControl: of("cacheControl")
  }
}

export type StreamRecord = ReturnType<typeof makeStreamRecord>

/** Begins a record; all times are relative to `startedAt`. */
export const makeStreamRecord = (startedAt: number) => {
  const answer = makeAnswer()
  const voices: Record<Voice, number> = {
    append: 0,
    replace: 0,
    piece: 0,
    artifact: 0,
    status: 0,
    "status-whole": 0,
    snapshot: 0,
    end: 0
  }
  /** Of arrivals with text: when, and how many characters had come before. */
  const arrivedAt: Array<number> = []
  const lengthAt: Array<number> = []
  const commentGaps: Array<number> = []
  let headers: HeaderMeasurement | null = null
  let headersAt: number | null = null
  let firstByteAt: number | null = null
  let firstFrameAt: number | null = null
  let firstTextAt: number | null = null
  let lastTextAt: number | null = null
  let newsAt = startedAt
  let firstFrame: AgentFrame["kind"] | null = null
  let bytes = 0
  let frames = 0
  let textFrames = 0
  let length = 0
  let comments = 0
  let commentAt: number | undefined
  let lifeAfterText = 0
  let heartbeats = 0
  let repeats = 0
  let tokens: number | null = null
  let state = ""
  let taskId = ""
  let contextId = ""
  let atLineStart = true
  let isOver = false

  const head = (of: Headers, at: number): void => {
    headers = headersOf(of)
    headersAt = at
    newsAt = at
  }

  const chunk = (data: Uint8Array, at: number): void => {
    firstByteAt ??= at
    bytes += data.length
    // A line that begins with a colon is a comment.
    for (let index = 0; index < data.length; index++) {
      const byte = data[index]
      if (atLineStart && byte === COLON) comment(at)
      atLineStart = byte === NEW_LINE
      if (atLineStart) continue
      const end = data.indexOf(NEW_LINE, index)
      if (end < 0) break
      index = end - 1
    }
  }

  const comment = (at: number): void => {
    comments++
    lifeAfterText++
    if (commentAt !== undefined) commentGaps.push(at - commentAt)
    commentAt = at
  }

  const frame = (read: AgentFrame, at: number): void => {
    frames++
    firstFrameAt ??= at
    firstFrame ??= read.kind
    taskId ||= read.taskId
    contextId ||= read.contextId
    if (read.extension !== undefined) {
      tokens = (tokens ?? 0) + read.extension.tokens
      if (read.extension.isHeartbeat) heartbeats++
    }
    const hasNewState = read.state !== "" && read.state !== state
    if (hasNewState) state = read.state
    isOver ||= isFinal(read) || read.kind === "message"
    const news = answer.read(read)
    if (news === undefined) {
      if (hasNewState) newsAt = at
      else {
        lifeAfterText++
        // What our extension tells is new each time, though its text is not.
        if (read.kind === "status" && read.extension === undefined) repeats++
      }
      return
    }
    newsAt = at
    lifeAfterText = 0
    voices[news.voice]++
    textFrames++
    firstTextAt ??= at
    if (lastTextAt === null || at - lastTextAt > ONE_ARRIVAL_MILLIS) {
      arrivedAt.push(at)
      lengthAt.push(length)
    }
    lastTextAt = at
    length += news.length
  }

  /** The share of the text that came at the end. */
  const lateShare = (): number | null => {
    if (lastTextAt === null || length === 0) return null
    const since = lastTextAt - Math.min(LATE_MILLIS, (lastTextAt - startedAt) / 4)
    const late = arrivedAt.findIndex((at) => at >= since)
    return late < 0 ? 0 : 1 - lengthAt[late]! / length
  }

  const measured = ({ detail, endMillis, outcome, pausedMillis, side, upstream }: StreamEnd): StreamMeasurement => {
    const since = (at: number | null) => at === null ? null : at - startedAt
    const gaps = arrivedAt.slice(1).map((at, index) => at - arrivedAt[index]!)
    return {
      outcome,
      detail,
      state,
      headers,
      headersMillis: since(headersAt),
      firstByteMillis: since(firstByteAt),
      firstFrameMillis: since(firstFrameAt),
      firstTextMillis: since(firstTextAt),
      lastTextMillis: since(lastTextAt),
      endMillis,
      pausedMillis,
      firstFrame,
      bytes,
      frames,
      textFrames,
      arrivals: arrivedAt.length,
      textLength: answer.text().length,
      gapP50Millis: quantileOf(gaps, 0.5),
      gapP95Millis: quantileOf(gaps, 0.95),
      gapMaxMillis: quantileOf(gaps, 1),
      lateShare: lateShare(),
      voices: { ...voices },
      artifacts: answer.artifacts(),
      saidTwice: answer.saidTwice(),
      repeats,
      comments,
      commentMillis: quantileOf(commentGaps, 0.5),
      lifeAfterText,
      heartbeats,
      tokens,
      taskId,
      contextId,
      side,
      upstream
    }
  }

  return {
    head,
    chunk,
    frame,
    measured,
    answer,
    startedAt,
    /** When something was told that was not known. */
    newsAt: () => newsAt,
    textFrames: () => textFrames,
    hasText: () => textFrames > 0,
    taskId: () => taskId,
    contextId: () => contextId,
    state: () => state,
    /** Whether nothing more is to come. */
    isOver: () => isOver
  }
}
