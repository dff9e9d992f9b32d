/**
 * The members of a JSON object as they are written, so that some can be exchanged and the others stay letter for letter:
 * numbers that JavaScript cannot hold, the order of keys, spaces.
 *
 * Gotcha: the text must have been parsed before; what is not an object of valid JSON gives nonsense.
 */

interface Member {
  readonly key: string
  /** The whole member, key and value. */
  readonly text: string
}

/** The members of the object that the text is. */
const membersOf = (text: string): ReadonlyArray<Member> => {
  const members: Array<Member> = []
  let at = text.indexOf("{") + 1
  while (true) {
    at = skipSpace(text, at)
    if (text[at] === ",") at = skipSpace(text, at + 1)
    if (text[at] !== "\"") return members
    const keyEnd = endOfString(text, at)
    const end = endOfValue(text, skipSpace(text, skipSpace(text, keyEnd) + 1))
    members.push({ key: JSON.parse(text.slice(at, keyEnd)) as string, text: text.slice(at, end) })
    at = end
  }
}

/** The object without some members and with others at its end. */
export const withMembers = (text: string, without: ReadonlySet<string>, added: ReadonlyArray<string>): string =>
  `{${[...membersOf(text).filter(({ key }) => !without.has(key)).map((member) => member.text), ...added].join(",")}}`

const SPACE = /[ \t\r\n]/

const skipSpace = (text: string, from: number): number => {
  let at = from
  while (at < text.length && SPACE.test(text[at]!)) at++
  return at
}

/** Behind the string that begins at `from`. */
const endOfString = (text: string, from: number): number => {
  let at = from
  while (true) {
    at = text.indexOf("\"", at + 1)
    if (at === -1) return text.length
    let escapes = 0
    while (text[at - 1 - escapes] === "\\") escapes++
    if (escapes % 2 === 0) return at + 1
  }
}

const endOfValue = (text: string, from: number): number => {
  let depth = 0
  let at = from
  while (at < text.length) {
    const letter = text[at]!
    if (letter === "\"") {
      at = endOfString(text, at)
      if (depth === 0) return at
      continue
    }
    if (depth === 0 && (letter === "," || letter === "}" || letter === "]" || SPACE.test(letter))) return at
    if (letter === "{" || letter === "[") depth++
    if (letter === "}" || letter === "]") {
      depth--
      if (depth === 0) return at + 1
    }
    at++
  }
  return at
}
