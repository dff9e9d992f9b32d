/**
 * Reads an agent's server-sent events before the SDK does, and hands on only whole events that are what they should be.
 *
 * Laws: nothing is kept but the event that is not complete yet, and that is bounded; each byte is looked at once, however
 * it was cut; what is handed on before a fault is everything that came before it. Comments, which are the transport's
 * life and nobody else's, are not handed on.
 *
 * An error frame that leaves its request open (`id` null, as JSON-RPC has it for what it could not read) is taken for the
 * answer to ours, of which there is only one on a stream.
 */
import * as Result from "effect/Result"
import { type AgentFault, malformed, oneLine } from "./AgentFault.ts"
import { flawOf, isObject, isTooDeep, parseJson } from "./WireShape.ts"

/** The largest event, in characters. The SDK's own limit is the same and cannot be changed. */
export const MOST_EVENT_LENGTH = 4 * 1024 * 1024

/** What one more piece of a stream gave: the events to hand on, and what is wrong after them. */
export interface Guarded {
  readonly text: string
  readonly fault: AgentFault | undefined
}

/**
 * Guards the answer to one request. `requestId` is the JSON-RPC id that every event must carry; undefined where events
 * have no envelope.
 */
export const makeGuard = (requestId: unknown) => {
  const decoder = new TextDecoder()
  /** The line that is not complete yet. */
  let line = ""
  let data: Array<string> = []
  let dataLength = 0
  let type = ""
  let events = 0
  let out = ""

  const push = (bytes: Uint8Array): Guarded => read(decoder.decode(bytes, { stream: true }))

  /** The end of the stream; an event without its empty line still counts. */
  const end = (): Guarded => read(`${decoder.decode()}\n\n`)

  const read = (text: string): Guarded => {
    out = ""
    let fault: AgentFault | undefined
    let position = 0
    for (let end = text.indexOf("\n"); end >= 0 && fault === undefined; end = text.indexOf("\n", position)) {
      const whole = line + text.slice(position, end)
      line = ""
      position = end + 1
      fault = readLine(whole.endsWith("\r") ? whole.slice(0, -1) : whole)
    }
    if (fault === undefined) {
      line += text.slice(position)
      fault = tooLarge(line.length)
    }
    return { text: out, fault }
  }

  const tooLarge = (more: number): AgentFault | undefined =>
    dataLength + more > MOST_EVENT_LENGTH
      ? malformed(`event ${events + 1} is larger than ${MOST_EVENT_LENGTH / 1024 / 1024} MiB`)
      : undefined

  const readLine = (whole: string): AgentFault | undefined => {
    const fault = tooLarge(whole.length)
    if (fault !== undefined) return fault
    if (whole === "") return readEvent()
    if (whole.startsWith("data:")) {
      const value = whole.slice(whole[5] === " " ? 6 : 5)
      data.push(value)
      dataLength += value.length + 1
    } else if (whole.startsWith("event:")) {
      type = whole.slice(6).trim()
    }
    return undefined
  }

  const readEvent = (): AgentFault | undefined => {
    const text = data.length === 1 ? data[0]! : data.join("\n")
    const isError = type === "error"
    const isNothing = data.length === 0
    data = []
    dataLength = 0
    type = ""
    if (isNothing) return undefined
    events++
    const which = `event ${events}`
    if (isTooDeep(text)) return malformed(`${which} is nested too deeply`)
    const parsed = parseJson(text)
    if (Result.isFailure(parsed)) return malformed(`${which} is not JSON: ${oneLine(text.slice(0, 100))}`)
    const json = parsed.success
    if (isObject(json) && json["error"] !== undefined) return readError(json, text, which, isError)
    if (requestId === undefined) return handOn(text, flawOf(json), which)
    if (!isObject(json)) return malformed(`${which} is not a JSON-RPC response but ${oneLine(text.slice(0, 100))}`)
    if (json["jsonrpc"] !== "2.0") return malformed(`${which} is not of JSON-RPC 2.0`)
    if (json["id"] !== requestId) return malformed(`${which} answers request ${idOf(json)}, and ours is ${requestId}`)
    return handOn(text, flawOf(json["result"]), which)
  }

  const handOn = (text: string, flaw: string | undefined, which: string): AgentFault | undefined => {
    if (flaw !== undefined) return malformed(`${which} ${flaw}`)
    out += `data: ${text.includes("\n") ? text.replaceAll("\n", " ") : text}\n\n`
    return undefined
  }

  const readError = (
    json: Readonly<Record<string, unknown>>,
    text: string,
    which: string,
    isError: boolean
  ): AgentFault | undefined => {
    const error = json["error"]
    if (!isObject(error) || (error["message"] !== undefined && typeof error["message"] !== "string")) {
      return malformed(`${which} is an error without a message: ${oneLine(text.slice(0, 100))}`)
    }
    if (requestId === undefined) {
      out += `event: error\ndata: ${JSON.stringify(json)}\n\n`
      return undefined
    }
    if (json["id"] !== requestId && json["id"] !== null && json["id"] !== undefined) {
      return malformed(`${which} answers request ${idOf(json)}, and ours is ${requestId}`)
    }
    const frame = { jsonrpc: "2.0", id: requestId, error: { code: 0, message: "no message", ...error } }
    out += `${isError ? "event: error\n" : ""}data: ${JSON.stringify(frame)}\n\n`
    return undefined
  }

  return { push, end }
}

const idOf = (json: Readonly<Record<string, unknown>>): string =>
  oneLine(String(JSON.stringify(json["id"])).slice(0, 40))
