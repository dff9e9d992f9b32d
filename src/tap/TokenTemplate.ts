/**
 * Knows again, byte by byte, an event that differs from an earlier one in nothing but the text of its token.
 *
 * Nearly all events of an answer are of that kind, and to parse each would cost as much as to forward it. So one is parsed
 * (CallReader.ts), and what stands before and behind its text is kept; an event that has the same bytes behind its text,
 * and at the same place the same name of a field before it, and a text that is not empty, is one more token. Everything
 * else is parsed.
 *
 * What stands further in front (the id of the answer, the time, the model) is not compared: where it is as long as it was,
 * it is what it was, as far as anything here depends on it.
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
  /** Where the text begins in an event. */
  readonly #textAt: number
  readonly #name: Uint8Array
  readonly #behind: Uint8Array

  private constructor(textAt: number, name: Uint8Array, behind: Uint8Array, channel: TemplateChannel) {
    this.#textAt = textAt
    this.#name = name
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
      if (end === -1 || end === from || from < NAME_BYTES || event.indexOf(field, end) !== -1) continue
      return new TokenTemplate(
        from,
        shared(event.subarray(from - NAME_BYTES, from)),
        shared(event.subarray(end)),
        channel
      )
    }
    return undefined
  }

  /** Where the event that begins at `from` ends, if it is of this kind; -1 if it is not, or is not whole. */
  endOf(bytes: Uint8Array, from: number): number {
    const behind = this.#behind
    const size = behind.length
    const text = from + this.#textAt
    if (text + size >= bytes.length || bytes[text] === QUOTE || bytes[from] !== LETTER_D) return -1
    const name = this.#name
    for (let index = 0, at = text - NAME_BYTES; index < NAME_BYTES; index++, at++) {
      if (bytes[at] !== name[index]) return -1
    }
    const end = endOfText(bytes, text)
    if (end === -1 || end + size > bytes.length) return -1
    for (let index = 0; index < size; index++) {
      if (bytes[end + index] !== behind[index]) return -1
    }
    return end + size
  }
}

/**
 * The same bytes once for all calls: what is compared with each token of each call is then seldom far away, and that is
 * most of what a comparison costs.
 */
const shared = (bytes: Buffer): Uint8Array => {
  const key = bytes.toString("latin1")
  const known = sharedBytes.get(key)
  if (known !== undefined) return known
  if (sharedBytes.size >= MOST_SHARED) sharedBytes.clear()
  const own = new Uint8Array(bytes)
  sharedBytes.set(key, own)
  return own
}

const MOST_SHARED = 1000
const sharedBytes = new Map<string, Uint8Array>()

/** Compared of what stands before the text: the name of its field and where that is, as in `:0,"delta":{"content":"`. */
const NAME_BYTES = 24

const DATA = Buffer.from("data: ")
const LINE_FEED = 0x0a
const LETTER_D = 0x64

/** Where the quotation mark stands that ends the JSON text which begins at `from`; -1 where there is none. */
const endOfText = (bytes: Uint8Array, from: number): number => {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) return at
    if (byte === BACKSLASH) at++
  }
  return -1
}
