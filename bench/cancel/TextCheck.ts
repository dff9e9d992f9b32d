/**
 * The text one reader of a task has, against what it must be: pure but for its own state.
 *
 * The engine's tokens are numbers, "0;1;2;" and so on, so the text tells which are missing and which came twice: the text
 * of a reader that came late begins with 0 as well, in the snapshot.
 */

export interface TextCheck {
  /** The text of an artifact, or a piece of it. */
  readonly take: (text: string, append: boolean) => void
  readonly tokens: () => number
  /** The number that has to come. */
  readonly next: () => number
  readonly lost: () => number
  readonly doubled: () => number
  readonly text: () => string
}

export const makeTextCheck = (): TextCheck => {
  let pieces: Array<string> = []
  let rest = ""
  let next = 0
  let tokens = 0
  let lost = 0
  let doubled = 0

  const read = (number: number) => {
    tokens++
    if (number < next) {
      doubled++
    } else {
      lost += number - next
      next = number + 1
    }
  }

  return {
    take: (text, append) => {
      if (!append) {
        pieces = []
        rest = ""
        next = 0
        tokens = 0
      }
      pieces.push(text)
      const numbers = (rest + text).split(";")
      rest = numbers.pop()!
      for (const number of numbers) read(Number(number))
    },
    tokens: () => tokens,
    next: () => next,
    lost: () => lost,
    doubled: () => doubled,
    text: () => pieces.join("")
  }
}
