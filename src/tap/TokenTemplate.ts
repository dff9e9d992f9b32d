/**
 * Knows again, byte by byte, an event that differs from an earlier one in nothing but the text of its token.
 *
 * Nearly all events of an answer are of that kind, and to parse each would cost as much as to forward it. So one is parsed
 * (CallReader.ts), and what stands before and behind its text is kept; an event with the same bytes before and behind, and
 * anything in between that is not empty, is one more token. Everything else is parsed.
 *
 * Law: an event that is known again has the finish, the usage and the count of the one that was parsed. Only the name of
 * the text's field can be another one, where a server puts a second field behind the first; that is told as a channel and
 * decides nothing.
 */

export type TemplateChannel = "content" | "reasoning"

const FIELDS: ReadonlyArray<readonly [string, TemplateChannel]> = [
  ["\"content\":\"", "content"],
  ["\"text\":\"", "content"],
  ["\"reasoning\":\"", "reasoning"],
  ["\"reasoning_content\":\"", "reasoning"]
]

const QUOTE = 0x22
const BACKSLASH = 0x5c

export class TokenTemplate {
  readonly channel: TemplateChannel
  readonly #before: Uint8Array
  readonly #behind: Uint8Array

  private constructor(before: Uint8Array, behind: Uint8Array, channel: TemplateChannel) {
    this.#before = before
    this.#behind = behind
    this.channel = channel
  }

  /**
   * The template of a whole event, up to the empty line behind it, whose one token is the text of one field; undefined
   * where it is not as simple as that.
   */
  static readonly of = (event: Buffer): TokenTemplate | undefined => {
    if (!event.subarray(0, 6).equals(DATA) || event.at(-1) !== LINE_FEED || event.at(-2) !== LINE_FEED) return undefined
    for (const [field, channel] of FIELDS) {
      const at = event.indexOf(field)
      if (at === -1) continue
      const from = at + field.length
      const end = endOfText(event, from)
      // An empty text is what other events of the same shape have.
      if (end === -1 || end === from || event.indexOf(field, end) !== -1) continue
      return new TokenTemplate(Buffer.from(event.subarray(0, from)), Buffer.from(event.subarray(end)), channel)
    }
    return undefined
  }

  /** Where the event that begins at `from` ends, if it is of this kind; -1 if it is not, or is not whole. */
  readonly endOf = (bytes: Uint8Array, from: number): number => {
    const before = this.#before
    const behind = this.#behind
    let at = from + before.length
    if (at + behind.length >= bytes.length + 1 || bytes[at] === QUOTE) return -1
    // From its end, where the bytes of two requests differ least likely and those of two kinds of chunk most likely.
    for (let index = before.length - 1; index >= 0; index--) {
      if (bytes[from + index] !== before[index]) return -1
    }
    at = endOfText(bytes, at)
    if (at === -1 || at + behind.length > bytes.length) return -1
    for (let index = 0; index < behind.length; index++) {
      if (bytes[at + index] !== behind[index]) return -1
    }
    return at + behind.length
  }
}

const DATA = Buffer.from("data: ")
const LINE_FEED = 0x0a

/** Where the quotation mark stands that ends the JSON text which begins at `from`; -1 where there is none. */
const endOfText = (bytes: Uint8Array, from: number): number => {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) return at
    if (byte === BACKSLASH) at++
  }
  return -1
}
