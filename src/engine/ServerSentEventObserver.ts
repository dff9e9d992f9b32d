/**
 * Sees in the raw bytes of a server-sent event stream what an SDK's parser swallows: comment lines, and whether
 * `data: [DONE]` came.
 *
 * A pure reader over byte chunks cut anywhere, also inside a line ending. It looks at the first bytes of each line and
 * skips the rest, so its cost does not grow with the events' size.
 */

const DONE = "data:[DONE]"
/** What may stand in front of the first line, as bytes; in front of others nobody puts it. */
const BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf"
/** Enough of a line to know it: the sentinel, the optional space after the colon, and whether anything follows. */
const HEAD_BYTES = BYTE_ORDER_MARK.length + DONE.length + 2
const LINE_FEED = 10
const CARRIAGE_RETURN = 13

export interface Observation {
  /** Comment lines completed so far. */
  readonly comments: number
  /** `data: [DONE]` was seen. */
  readonly done: boolean
  /** The first bytes of the line that is not complete yet. */
  readonly head: string
}

export const initial: Observation = { comments: 0, done: false, head: "" }

/** What has been observed after one more chunk of bytes. */
export const observe = (before: Observation, bytes: Uint8Array): Observation => {
  let { comments, done, head } = before
  let position = 0
  while (position < bytes.length) {
    const end = endOfLine(bytes, position)
    const wanted = HEAD_BYTES - head.length
    if (wanted > 0) head += asciiSlice(bytes, position, Math.min(end, position + wanted))
    if (end === bytes.length) break
    const line = head.startsWith(BYTE_ORDER_MARK) ? head.slice(BYTE_ORDER_MARK.length) : head
    if (line.startsWith(":")) comments++
    else if (line.replace(" ", "") === DONE) done = true
    head = ""
    position = end + 1
  }
  return { comments, done, head }
}

/** A lone carriage return ends a line too; the empty line this finds between CR and LF is harmless. */
const endOfLine = (bytes: Uint8Array, from: number): number => {
  for (let index = from; index < bytes.length; index++) {
    const byte = bytes[index]
    if (byte === LINE_FEED || byte === CARRIAGE_RETURN) return index
  }
  return bytes.length
}

const asciiSlice = (bytes: Uint8Array, from: number, to: number): string => {
  let text = ""
  for (let index = from; index < to; index++) text += String.fromCharCode(bytes[index]!)
  return text
}
